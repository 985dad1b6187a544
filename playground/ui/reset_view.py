"""The button that makes the app ready for the next group, its question, and word of how it goes.

Part of the Room tab, for the host. What it does is `next_group`.
"""

import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.errors import Busy, PlaygroundError
from playground.runs.events import Progress
from playground.ui import identity, next_group
from playground.ui.errors import shown
from playground.ui.sent import sent
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.takeaway_work import Finished, followed
from playground.ui.widgets import widget

WHAT = "Making ready for the next group"


def build(services: Services, shell: Shell) -> gr.HTML:
    """Lays the panel out and wires it."""
    panel = widget("room_reset.js", "room-reset", "plan", "reset", elem_classes="pp-bare")
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    panel.plan(shown(plan, services), [shell.person], [panel], queue=False, **quiet)
    panel.reset(shown(reset, services, threading.Lock()), [shell.person], [panel], **quiet).then(
        None, js="() => { playground.refresh(); window.dispatchEvent(new Event('playground:runs')); }", **quiet
    )
    return panel


def plan(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """What would be put away, for the question; `turn` makes every answer another one than the last."""
    turn = sent(event).get("turn")
    try:
        identity.require_host(person, request, WHAT)
        return {"plan": next_group.plan(services).to_json(), "turn": turn}
    except PlaygroundError as error:
        return {"error": str(error), "turn": turn}


def reset(services: Services, working: threading.Lock, person: object, request: gr.Request) -> Iterator[dict[str, Any]]:
    """Puts everything away, saying which part is under way. It goes on where the page is left meanwhile."""

    def work(report: Any, _: threading.Event) -> next_group.Outcome:
        if not working.acquire(blocking=False):
            raise Busy("The app is being made ready already; wait until that is done.")
        try:
            return next_group.begin_anew(services, lambda part: report(Progress(part, 0, 0)))
        finally:
            working.release()

    try:
        identity.require_host(person, request, WHAT)
        for said in followed(work):
            if isinstance(said, Finished):
                yield {"done": said.value.to_json()}
            else:
                yield {"busy": said.stage or "stop"}
    except PlaygroundError as error:
        yield {"error": str(error)}
