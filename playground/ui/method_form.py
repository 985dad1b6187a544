"""The fields of one method's own settings: the few that matter most in sight, the rest behind a fold.

Paths are those of a run's JSON. A reward has a field of its own for each part of its form, at `PATH.0`, `PATH.1`, ….
"""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components.base import Component

from playground.config.methods.method import MethodSettings
from playground.config.settings import settings_of
from playground.ui import forms
from playground.ui.i18n import text
from playground.ui.reward_form import build_reward_form

PREFIX = "train"
NARROW = 180
"""Pixels below which a field stands in a line of its own."""


def build_method_fields(cls: type[MethodSettings], initial: Callable[[str], Any]) -> dict[str, Component]:
    """Lays the fields out in the current column, and gives them by their paths.

    Args:
        initial: what the field at a path shows at first.
    """
    found = settings_of(cls)
    fields: dict[str, Component] = {}
    for one in found:
        if one.kind == "variant":
            parts = build_reward_form(PREFIX, NARROW).inputs()
            fields |= {f"{one.path}.{place}": part for place, part in enumerate(parts)}
    single = [one.name for one in found if one.kind != "variant"]
    shown = list(cls.in_sight) or single
    folded = [name for name in single if name not in shown]

    def add(names: Sequence[str]) -> None:
        for name in names:
            path = f"{cls.section}.{name}"
            fields[path] = forms.field_for(cls, name, prefix=PREFIX, value=initial(path), min_width=NARROW)

    if shown:
        with gr.Row():
            add(shown)
    if folded:
        title = text("train.fold.method")
        with gr.Accordion(title, open=False, elem_id=f"{PREFIX}-fold-{cls.section}"), gr.Row():
            add(folded)
    return fields
