"""The rules of the room on the page: what everybody reads of them, and the host's fields to change them.

Pages learn of a change with the next `/playground/status`, which all of them poll.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.base import Component

from playground.config import codec
from playground.config.room import RoomSettings
from playground.config.settings import setting, settings_of
from playground.errors import PlaygroundError
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.forms import checkbox_for, number_for
from playground.ui.i18n import text
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import widget

ROWS = (
    ("allow_runs", "allow_models"),
    ("jobs_per_person", "max_run_minutes"),
    ("max_steps", "max_step_rows", "max_row_tokens"),
    ("max_model_size", "max_evaluation_rows", "max_new_tokens"),
    ("actions_per_minute", "actions_per_address"),
)
"""How the fields stand."""
CLOSED = (
    "The host has closed training and evaluating for participants, so this was called off before it began; start it "
    "again once the host has opened it."
)
SAVED_JS = "() => playground.refresh()"
"""The host's own page shows the change at once."""


@dataclass(frozen=True)
class RulesForm:
    """The host's fields, by the setting's name in the order of `RoomSettings`."""

    fields: Mapping[str, Component]
    save: gr.Button
    said: gr.HTML


def build_note(shell: Shell, elem_id: str) -> gr.HTML:
    """What a participant may start, in a line beside a button that starts it; nothing for the host."""
    note = widget("room.js", elem_id, mount="mountNote", elem_classes="pp-bare")
    shell.opened.then(shown(who), [shell.person], [note], api_visibility="private", show_progress="hidden")
    return note


def build_form(services: Services, shell: Shell) -> RulesForm:
    """Lays the host's fields out and wires them."""
    gr.Markdown(text("room.rules"), elem_classes="pp-title")
    made: dict[str, Component] = {}
    for names in ROWS:
        with gr.Row():
            for name in names:
                made[name] = _field(name)
    fields = {found.name: made[found.name] for found in settings_of(RoomSettings)}
    save = gr.Button(text("room.rules.save"), elem_id="room-rules-save")
    said = widget("room.js", "room-rules-said", mount="mountSaid", elem_classes="pp-bare")
    form = RulesForm(fields, save, said)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    inputs = list(fields.values())
    for event in (shell.opened.then, shell.tab.select):
        event(shown(show, services), [shell.person], inputs, **quiet)
    save.click(shown(change, services), [shell.person, *inputs], [said], **quiet).then(None, js=SAVED_JS, **quiet)
    return form


def _field(name: str) -> Component:
    """The range is left to the settings' own check, which says what was given."""
    if setting(RoomSettings, name).kind == "bool":
        return checkbox_for(RoomSettings, name, min_width=170)
    return number_for(RoomSettings, name, min_width=170, minimum=None, maximum=None)


def who(person: object, request: gr.Request) -> dict[str, Any]:
    """Tells a widget who is looking."""
    known = identity.visitor(person, request)
    return {} if known is None else {"viewer": identity.viewer(known)}


def show(services: Services, person: object, request: gr.Request) -> list[Any]:
    """The rules as they stand, in the host's fields; others have no such fields to fill."""
    if not identity.anyone(person, request).host:
        return [gr.skip()] * len(settings_of(RoomSettings))
    return list(codec.encode_section(services.rules.settings).values())


def change(services: Services, request: gr.Request, person: object, *values: Any) -> dict[str, Any]:
    """Sets the rules; what is wrong with them is said below the fields, and the old ones stay."""
    try:
        identity.require_host(person, request, "Changing the rules of the room")
        names = [found.name for found in settings_of(RoomSettings)]
        rules = codec.decode_section(RoomSettings, dict(zip(names, values, strict=True)))
        services.rules.change(rules)
        return {"saved": True, "called_off": 0 if rules.allow_runs else services.call_off(CLOSED)}
    except PlaygroundError as error:
        return {"error": str(error)}
