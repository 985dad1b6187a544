"""The model that measurements are made on, where none is named."""

import threading
from pathlib import Path

from playground.models.fetch import resolve

DEFAULT = "smollm2-135m-instruct"


def folder_of(name: str = DEFAULT) -> Path:
    """Where a model lies; fetched where it has to be."""
    return resolve(name, report=lambda _: None, stop=threading.Event())
