"""The Adapter view of the Compare tab: how large what a run's LoRA learnt is, layer by layer."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.ui.compare_question import Question, chosen_run
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import widget

if TYPE_CHECKING:
    from playground.models.strength import UpdateSize

IF_OPEN = """(person, run) => {
    const open = document.querySelector('#compare-adapter')?.checkVisibility();
    return [person, open ? run : null];
}"""
"""Another run is looked at only where somebody sees it."""


def build(services: Services, shell: Shell, question: Question) -> gr.HTML:
    """Lays the view out and wires it."""
    gr.Markdown(text("adapter_size.about"), elem_id="adapter-about")
    sizes = widget("adapter.js", "compare-adapter")
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    asked = [shell.person, question.run]
    question.view.select(shown(measure, services), asked, [sizes], **quiet)
    question.run.input(shown(measure, services), asked, [sizes], js=IF_OPEN, **quiet)
    return sizes


def measure(services: Services, person: object, run: str | None, request: gr.Request) -> dict[str, Any]:
    """The sizes of a run's update for `assets/js/adapter.js`; a refusal is told in words."""
    if not run:
        return {"state": "empty"}
    try:
        config = chosen_run(services, person, request, run)
        if services.status()["state"] != "ready":
            raise PlaygroundError("No model is ready; load the run's base in the Model tab, or wait until it is there.")

        from playground.models.strength import run_sizes

        sizes = run_sizes(services.model_server(), run)
    except PlaygroundError as error:
        return {"state": "error", "message": str(error)}
    return {"state": "ready", "name": config.name or run, **table(sizes)}


def table(sizes: list["UpdateSize"]) -> dict[str, Any]:
    """Sizes by layer and kind of module, each beside that of its weight, and all of them together.

    Where several modules of a kind stand in a layer, as experts do, they count as one: the root of their squares' sum.
    """
    kinds = list(dict.fromkeys(size.kind for size in sizes))
    layers = sorted({-1 if size.layer is None else size.layer for size in sizes})
    rows = [
        {
            "layer": layer,
            "cells": [_together(one for one in sizes if one.kind == kind and _layer(one) == layer) for kind in kinds],
            "whole": _together(one for one in sizes if _layer(one) == layer),
        }
        for layer in layers
    ]
    columns = [_together(one for one in sizes if one.kind == kind) for kind in kinds]
    return {"kinds": kinds, "rows": rows, "columns": columns, "whole": _together(sizes)}


def _layer(size: "UpdateSize") -> int:
    return -1 if size.layer is None else size.layer


def _together(sizes: Iterable["UpdateSize"]) -> dict[str, float | None] | None:
    """Frobenius norm of several updates as one, and its share of that of their weights; None of no update."""
    found = list(sizes)
    if not found:
        return None
    norm = math.hypot(*(size.norm for size in found))
    weights = [size.weight_norm for size in found]
    whole = None if None in weights else math.hypot(*(weight for weight in weights if weight is not None))
    return {"norm": norm, "share": norm / whole if whole else None}
