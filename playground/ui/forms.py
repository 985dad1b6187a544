"""Form fields made from settings classes: label and help from the translations, default and range from the config."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components.base import Component

from playground.config.settings import Setting, Settings, setting
from playground.ui.i18n import text


def _shared(found: Setting) -> dict[str, Any]:
    return {"label": text(f"setting.{found.path}.label"), "info": text(f"setting.{found.path}.help")}


def _elem_id(found: Setting, prefix: str) -> str:
    return f"{prefix}-{found.path.replace('.', '-').replace('_', '-')}"


def number_for(cls: type[Settings], name: str, *, prefix: str = "set", **options: Any) -> gr.Number:
    """A number field; empty means null where the setting allows it. `options` override what the config says.

    The lower end of an open range (`above`) is left to the config's own check, which names the value.
    """
    found = setting(cls, name)
    fields = {
        "value": found.default,
        "minimum": found.range.minimum,
        "maximum": found.range.maximum,
        "precision": 0 if found.kind == "int" else None,
        "elem_id": _elem_id(found, prefix),
        **_shared(found),
    }
    return gr.Number(**{**fields, **options})


def slider_for(
    cls: type[Settings], name: str, *, step: float, maximum: float | None = None, prefix: str = "set", **options: Any
) -> gr.Slider:
    """A slider; `maximum` where the setting has none, or where the useful range is shorter than the allowed one."""
    found = setting(cls, name)
    low = found.range.minimum if found.range.minimum is not None else found.range.above
    high = maximum if maximum is not None else found.range.maximum
    if low is None or high is None:
        raise ValueError(f"{found.path} has no finite range; pass maximum=, or use number_for.")
    fields = {
        "value": found.default,
        "minimum": low,
        "maximum": high,
        "step": step,
        "elem_id": _elem_id(found, prefix),
        **_shared(found),
    }
    return gr.Slider(**{**fields, **options})


def choice_for(cls: type[Settings], name: str, *, prefix: str = "set", **options: Any) -> gr.Dropdown:
    """A list of the setting's values, each shown by its text `choice.PATH.VALUE`."""
    found = setting(cls, name)
    choices = [(text(f"choice.{found.path}.{value}"), value) for value in found.choices]
    fields = {"value": found.default, "choices": choices, "elem_id": _elem_id(found, prefix), **_shared(found)}
    return gr.Dropdown(**{**fields, **options})


def text_for(cls: type[Settings], name: str, *, prefix: str = "set", **options: Any) -> gr.Textbox:
    """A line of text; lists are written with commas between their items (see `split_texts`)."""
    found = setting(cls, name)
    value = ", ".join(map(str, found.default)) if isinstance(found.default, tuple) else found.default
    fields = {"value": value or "", "elem_id": _elem_id(found, prefix), **_shared(found)}
    return gr.Textbox(**{**fields, **options})


def list_for(cls: type[Settings], name: str, *, prefix: str = "set", **options: Any) -> gr.Dropdown:
    """A list, filled later, of values for a text; others can be typed."""
    found = setting(cls, name)
    fields = {"value": found.default, "elem_id": _elem_id(found, prefix), **_shared(found)}
    return gr.Dropdown(**{"choices": [], "allow_custom_value": True, **fields, **options})


def checkbox_for(cls: type[Settings], name: str, *, prefix: str = "set", **options: Any) -> gr.Checkbox:
    """A box to tick."""
    found = setting(cls, name)
    fields = {"value": found.default, "elem_id": _elem_id(found, prefix), **_shared(found)}
    return gr.Checkbox(**{**fields, **options})


def field_for(cls: type[Settings], name: str, **options: Any) -> Component:
    """The component that suits a setting's kind."""
    found = setting(cls, name)
    match found.kind:
        case "int" | "float" if not found.optional:
            return number_for(cls, name, **options)
        case "bool":
            return checkbox_for(cls, name, **options)
        case "choice":
            return choice_for(cls, name, **options)
        case _:
            # An optional number too: Gradio 6.31's Number turns an empty field into 0 as soon as it mounts.
            return text_for(cls, name, **{"max_lines": 1, **options})


def relisted(choices: Sequence[tuple[Any, Any]], value: Any, held: object, **others: Any) -> dict[str, Any]:
    """New choices for a list, and what is to be chosen.

    A value that stays is left out: by the time this arrives, the person may have chosen something else.

    Args:
        held: what the page said was chosen.
        others: whatever else of the list is to be changed.
    """
    kept = {} if value == held else {"value": value}
    found: dict[str, Any] = gr.update(choices=list(choices), **kept, **others)
    return found


def split_texts(written: str) -> tuple[str, ...] | None:
    """What was written in the field of a list setting; None where it is empty.

    >>> split_texts("q_proj, v_proj")
    ('q_proj', 'v_proj')
    """
    return tuple(part.strip() for part in written.split(",") if part.strip()) or None
