"""Widgets of our own: an empty panel that a script of `assets/js` fills."""

from typing import Any

import gradio as gr


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
        props: values that the script reads from `props` from the beginning.
    """
    # Gradio knows a custom event by its quoted name in the script.
    tell = ", ".join(f"{event}: data => trigger('{event}', data)" for event in events)
    return gr.HTML(
        html_template=f'<div class="{panel}"></div>',
        js_on_load=f"playground.module('js/{script}').then(m => m.{mount}(element, props, {{{tell}}}, watch))",
        elem_id=elem_id,
        elem_classes=elem_classes,
        apply_default_css=False,
        **props,
    )
