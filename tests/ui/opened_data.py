"""What the tests of the Data tab open data with: people, forms and files."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr

from playground.ui import data_form
from playground.ui.data_shelf import DataShelf
from playground.ui.services import Services
from playground.ui.tabs import data
from tests.ui.people import HERE

PERSON = {"key": "the-key-of-ann-is-long-enough", "host": ""}
FORM = ("alpaca", "", False, "", "", "85 / 10 / 5", "", "train", 512, "response", "", 1.0, "")


def around(shelf: DataShelf) -> Services:
    """Services that have this shelf."""
    made = Services("none")
    made.shelf = shelf
    return made


def event(**asked: Any) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data=asked))


def form(source: str, **changed: Any) -> tuple[Any, ...]:
    values = dict(zip(data_form.PATHS, FORM, strict=True)) | {
        name.replace("__", "."): new for name, new in changed.items()
    }
    return (source, *values.values())


def opened(
    shelf: DataShelf, source: str, before: object = None, request: gr.Request = HERE, **changed: Any
) -> tuple[Any, dict[str, Any]]:
    """What stands in `shell.data` and what the view shows at the end of opening."""
    *_, last = data.open_form(around(shelf), request, PERSON, before, *form(source, **changed))
    return last


def write(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return str(path)
