"""What every view asks of work at the desk: how it goes, and that it stops."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from playground.errors import RunError
from playground.ui import identity
from playground.ui.desk import Desk
from playground.ui.sent import sent

Answering = Callable[[object], dict[str, Any]]


def named(name: str, function: Answering) -> Answering:
    """The same for a widget's `server_functions`: Gradio calls each by its name."""

    def called(wanted: object) -> dict[str, Any]:
        return function(wanted)

    called.__name__ = name
    return called


def status(desk: Desk, wanted: object) -> dict[str, Any]:
    """How a piece of work stands: `Work.status`, or `{"state": "gone"}`."""
    try:
        return desk.get(str(wanted)).status()
    except RunError:
        return {"state": "gone"}


def stop(desk: Desk, what: str, event: gr.EventData, person: object, request: gr.Request) -> None:
    """Ends a piece of work after the step that it is at; `what` begins the sentence to those who do not own it."""
    work = desk.get(str(sent(event).get("work", "")))
    identity.require_owner(work.owner, person, request, what)
    work.stop.set()
