"""The Room tab: what participants may do here, the address for them, and the controls of the host.

Everybody reads the same rules from `/playground/status`, so that a change is on every page at once; the controls are
the host's, and every handler of them asks for the host again.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.ui import identity, reset_view, room_rules, stage_view, votes_training_view
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import widget

KEEP_KEY = """
(person) => {
    playground.hostKey = person?.host || "";
    window.dispatchEvent(new Event("playground:host"));
}
"""
"""The host's link is made in the host's own browser, which has the key; the server never sends it."""


@dataclass(frozen=True)
class RoomTab:
    """Components of the tab."""

    guide: gr.HTML
    host: gr.Column


def build(services: Services, shell: Shell) -> RoomTab:
    """Lays the tab out and wires it."""
    gr.Markdown(text("room.title"), elem_classes="pp-title")
    guide = widget("room.js", "room-guide", mount="mountGuide", elem_classes="pp-bare")
    with gr.Column(visible=False, elem_id="room-host", elem_classes="pp-bare") as host:
        stage = stage_view.build(services, shell)
        with gr.Row(elem_classes="pp-columns pr-host"):
            with gr.Column(scale=3, min_width=320):
                room_rules.build_form(services, shell)
            with gr.Column(scale=2, min_width=320):
                gr.Markdown(text("room.votes"), elem_classes="pp-title")
                votes = [button.click for button in (stage.close, stage.reveal, stage.following)]
                votes_training_view.build(services, shell, voted=votes)
                gr.Markdown(text("room.next"), elem_classes="pp-title")
                reset_view.build(services, shell)
    tab = RoomTab(guide, host)
    _wire(tab, shell)
    return tab


def _wire(tab: RoomTab, shell: Shell) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shell.opened.then(shown(who), [shell.person], [tab.guide, tab.host], **quiet).then(
        None, [shell.person], None, js=KEEP_KEY, **quiet
    )


def who(person: object, request: gr.Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tells the guide who is looking, and shows the controls to the host."""
    known = identity.identify(person, request)
    return {"viewer": identity.viewer(known)}, gr.update(visible=known.host)
