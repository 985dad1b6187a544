"""The fields of what is trained: those that belong to the chosen kind of adapter, and no others."""

from typing import Any, Literal

import gradio as gr

from playground.config.run import ADAPTER_SETTINGS, AdapterSettings
from playground.config.settings import settings_of
from playground.ui.i18n import text

NAMES = tuple(found.name for found in settings_of(AdapterSettings))
FIELDS = NAMES[1:]
"""All of them but the kind itself, in the order in which they are laid out and updated."""


def visible(kind: str, name: str) -> Literal[True, "hidden"]:
    """Whether a field is to be seen; the page keeps what was typed into one that is not, and writes into it."""
    return True if name == "kind" or name in ADAPTER_SETTINGS[kind] else "hidden"


def show_adapter(kind: str) -> list[dict[str, Any]]:
    """The kind's own explanation, and its fields among all."""
    sentence = gr.update(info=text(f"adapter.{kind}.help"))
    return [sentence, *(gr.update(visible=visible(kind, name)) for name in FIELDS)]
