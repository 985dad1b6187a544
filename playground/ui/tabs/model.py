"""The Model tab: choose a model, see whether it fits, load it, see what it is."""

from dataclasses import dataclass

import gradio as gr

from playground.ui.i18n import text
from playground.ui.services import Services
from playground.ui.shell import Shell


@dataclass(frozen=True)
class ModelTab:
    """Components of the tab."""

    load: gr.Button


def build(services: Services, shell: Shell) -> ModelTab:  # noqa: ARG001
    """Lays the tab out and wires it."""
    return ModelTab(load=gr.Button(text("model.load"), variant="primary", elem_id="model-load"))
