"""Widgets of our own: an empty panel that a script of `assets/js` fills."""

import json
from typing import Any

import gradio as gr

STOPPABLE = {"trigger_mode": "multiple"}
"""For an event that a widget asks for and stops: Gradio holds it for running until the server has answered to the stop,
and "once" would drop what is asked for meanwhile."""


def widget(
    script: str,
    elem_id: str,
    *events: str,
    mount: str = "mount",
    panel: str = "pp-panel",
    elem_classes: str | None = None,
    **props: Any,
) -> gr.HTML:
    """A panel that the script's function `mount` fills: `mount(element, props, tell, watch)`.

    `tell.EVENT(data)` calls the handlers of each of `events`; `watch("value", f)` calls `f` when a handler has written
    `props.value`.

    Args:
        script: a module in `assets/js`, as `train.js`.
        panel: CSS classes of the panel.
        props: values that the script reads from `props`; see `lasting`.
    """
    # Gradio knows a custom event by its quoted name in the script.
    tell = ", ".join(f"{event}: data => trigger('{event}', data)" for event in events)
    given = lasting(**props)
    return gr.HTML(
        html_template=f'<div class="{panel}"></div>',
        js_on_load=f"playground.module('js/{script}').then(m => m.{mount}(element, {given}, {{{tell}}}, watch))",
        elem_id=elem_id,
        elem_classes=elem_classes,
        apply_default_css=False,
    )


def script(module: str, *events: str, mount: str = "mount", server: bool = False, **constants: object) -> str:
    """JavaScript for `js_on_load` of a panel whose module tells of all its events by one function: it calls
    `mount(element, props, trigger, watch)`, where `trigger(event, data)` tells Python.

    Args:
        module: in `assets/js`, as `beam.js`.
        mount: the module's function.
        server: whether it is given the panel's server functions too.
        constants: values that the module reads from `props`; see `lasting`.
    """
    known = ", ".join(f"{event}: '{event}'" for event in events)  # quoted, as Gradio finds them
    given = [lasting(**constants), f"(name, data) => trigger({{{known}}}[name], data)", "watch"]
    arguments = ", ".join(["element", *given, *(["server"] if server else [])])
    return f"playground.module('js/{module}').then(page => page.{mount}({arguments}))"


def lasting(**constants: object) -> str:
    """JavaScript for a widget's `props` with these JSON values in it for good.

    Properties that are given to `gr.HTML` itself do not last: Gradio 6.31 answers even `gr.skip()` with new ones, which
    take the place of all where the widget is not on the page yet.
    """
    return f"{{__proto__: props, ...{json.dumps(constants)}}}"
