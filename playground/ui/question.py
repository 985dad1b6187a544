"""What is asked in the Distribution tab: one prompt, told to one model, for all of the tab's views."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.config.methods import SCORING
from playground.runs.events import Phase
from playground.ui import identity
from playground.ui.i18n import text
from playground.ui.services import Services

BASE = ""
"""Value of the run selector that stands for the loaded model itself."""


@dataclass(frozen=True)
class Question:
    """The fields above the views, and the view being built."""

    prompt: gr.Textbox
    chat: gr.Radio
    """True: the prompt is a user's message that goes through the model's chat template."""
    run: gr.Dropdown
    """Id of a finished run; "" is the loaded model itself."""
    view: gr.Tab
    """The view being built; `view.select` fires when it is opened."""

    def inputs(self) -> list[gr.Textbox | gr.Radio | gr.Dropdown]:
        """What a handler takes, in this order: prompt, chat, run."""
        return [self.prompt, self.chat, self.run]


def check_run(services: Services, run: str, person: object, request: gr.Request) -> None:
    """Lets everybody ask the loaded model itself, and one of the runs on it only its owner and the host.

    Raises:
        NotAllowed: the run is someone else's.
        RunError: there is no such run.
    """
    if run:
        identity.require_owner(services.store.get(run).owner, person, request)


def runs_of(services: Services, person: object, request: gr.Request) -> list[tuple[Any, str]]:
    """The selector's choices: the loaded model, then this person's finished runs that were trained on it, newest
    first; the host's list has everyone's."""
    base: list[tuple[Any, str]] = [(text("distribution.base"), BASE)]
    visitor, loaded = identity.visitor(person, request), services.status().get("ref")
    if visitor is None or loaded is None:
        return base
    records = services.store.list("run", owner=None if visitor.host else visitor.owner)
    writing = [run for run in records if run.phase in (Phase.DONE, Phase.STOPPED) and run.method not in SCORING]
    fitting = [run for run in writing if run.document["model"] == loaded]
    return base + [(f"{run.name or run.method} · {run.id}", run.id) for run in fitting]
