"""What a widget sends along with its event."""

from collections.abc import Mapping
from typing import Any

import gradio as gr


def sent(event: gr.EventData) -> Mapping[str, Any]:
    """As the widget's page writes it; empty where a raw request sent something else, for anything may stand there."""
    found = event._data
    return found if isinstance(found, Mapping) else {}
