"""From a source to its rows in memory, with word of how far it is, and what to do where columns are not understood."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.config.run import DataSettings, RunConfig
from playground.data.formats import assign
from playground.data.splits import Splits
from playground.errors import DataError, PlaygroundError
from playground.runs.events import Progress
from playground.ui import data_view
from playground.ui.data_form import check_source, document_of
from playground.ui.data_shelf import DataShelf

TELL_EVERY = 0.25
"""Seconds between two words of progress."""


def opening_of(
    shelf: DataShelf, config: RunConfig, person: object, request: gr.Request
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """How far it is, then what was found, for `shell.data` and the view; or why not, with the mapping if that helps."""
    try:
        check_source(config.data.source, person, request)
        for done in _prepared(shelf, config.data):
            if isinstance(done, Progress):
                yield gr.skip(), {"state": "opening", "done": done.done, "total": done.total}
            else:
                yield document_of(config), data_view.overview(config.data, done)
    except PlaygroundError as error:
        failed = {"state": "error", "message": str(error)}
        yield None, failed | _mapping_for(shelf, config.data, person, request)


def _prepared(shelf: DataShelf, settings: DataSettings) -> Iterator[Progress | Splits]:
    """Progress while the rows are prepared in a thread, at most every `TELL_EVERY` seconds, then the rows."""
    news: queue.SimpleQueue[Progress | Splits | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            news.put(shelf.splits(settings, news.put))
        except Exception as error:  # noqa: BLE001, the edge of a thread: whoever reads the news raises it
            news.put(error)

    threading.Thread(target=work, name="opening-data", daemon=True).start()
    last = Progress("data", 0, 0, "rows")
    while True:
        try:
            told = news.get(timeout=TELL_EVERY)
            while isinstance(told, Progress) and not news.empty():
                told = news.get()
        except queue.Empty:
            yield last
            continue
        if isinstance(told, Exception):
            raise told
        if isinstance(told, Splits):
            yield told
            return
        last = told


def _mapping_for(shelf: DataShelf, settings: DataSettings, person: object, request: gr.Request) -> dict[str, Any]:
    """The mapping panel, where the source can be read but its columns are not understood."""
    try:
        check_source(settings.source, person, request)
        table = shelf.head(settings)
    except PlaygroundError:
        return {}
    try:
        assign(table.columns, settings.columns)
    except DataError:
        return {"mapping": data_view.mapping(table, settings.columns)}
    return {}
