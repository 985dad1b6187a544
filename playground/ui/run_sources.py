"""The field of data sources: what it offers, how an upload gets into it, and whose it is to use."""

from pathlib import Path
from typing import Any

import gradio as gr

from playground.data import uploads
from playground.data.bundled import BUNDLED
from playground.data.readers import READERS
from playground.data.uploads import PREFIX
from playground.errors import DataError
from playground.ui import identity
from playground.ui.i18n import text

UPLOADED = sorted(READERS)
"""Endings of the files that can be read."""


def show_source(source: str) -> dict[str, Any]:
    """Chooses a source in a field of sources; an upload stands among its choices by its own name."""
    return gr.update(value=source, choices=source_choices(source if source.startswith(PREFIX) else ""))


def take_upload(path: str | None, person: object, request: gr.Request) -> dict[str, Any]:
    """Keeps an uploaded file and chooses it as the source."""
    identity.identify(person, request)
    if not path:
        raise DataError("No file has arrived; choose one and upload it again.")
    return show_source(uploads.keep(Path(path), Path(path).name))


def source_choices(uploaded: str = "") -> list[tuple[Any, str]]:
    """The bundled data sets, and an upload by its own name."""
    bundled: list[tuple[Any, str]] = [(text(f"data.bundled.{found.name}.title"), found.name) for found in BUNDLED]
    return [*bundled, (uploaded.rsplit("/", 1)[-1], uploaded)] if uploaded else bundled


def source_is_for_everyone(source: str) -> bool:
    """Whether anyone may train on it: bundled data and uploads, but neither paths of our disk nor the Hub."""
    return source.startswith(PREFIX) or any(found.name == source for found in BUNDLED)
