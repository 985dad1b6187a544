"""Data that is opened is read once for all who ask, and not kept for ever."""

import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from playground.config.run import DataSettings
from playground.errors import DataError
from playground.runs.events import Progress
from playground.ui.data_shelf import DataShelf, Kept
from playground.ui.tabs import data
from tests.ui.opened_data import PERSON, around, form
from tests.ui.people import HERE


def test_everyone_who_asks_at_once_waits_for_one_to_do_the_work() -> None:
    kept: Kept[int] = Kept(2)
    started, go = threading.Event(), threading.Event()
    made: list[int] = []
    found: list[int] = []

    def make() -> int:
        started.set()
        assert go.wait(10)
        made.append(1)
        return 5

    threads = [threading.Thread(target=lambda: found.append(kept.get("a", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert started.wait(10)
    go.set()
    for thread in threads:
        thread.join(10)
    assert made == [1]
    assert found == [5] * 4


def test_old_and_heavy_results_go_and_failures_are_not_kept() -> None:
    kept: Kept[int] = Kept(2, lambda value: value, heaviest=10)

    def fail() -> int:
        raise DataError("no")

    with pytest.raises(DataError):
        kept.get("x", fail)
    assert kept.get("x", lambda: 1) == 1
    assert kept.get("y", lambda: 2) == 2
    assert kept.get("x", fail) == 1, "kept"
    assert kept.get("z", lambda: 3) == 3
    assert kept.get("x", fail) == 1, "used later than y"
    with pytest.raises(DataError):
        kept.get("y", fail)
    assert kept.get("heavy", lambda: 100) == 100
    assert kept.get("heavy", fail) == 100, "the newest stays"
    with pytest.raises(DataError):
        kept.get("z", fail)


def test_progress_is_told_while_rows_are_read(shelf: DataShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from playground.ui import data_opening

    real = shelf.splits
    go = threading.Event()

    def slow(settings: DataSettings, progress: Any = None) -> Any:
        progress(Progress("data", 1234, 0, "rows"))
        assert go.wait(10)
        return real(settings)

    monkeypatch.setattr(shelf, "splits", slow)
    monkeypatch.setattr(data_opening, "TELL_EVERY", 0.01)
    told: Iterator[Any] = data.open_form(around(shelf), HERE, PERSON, None, *form("instructions"))
    assert next(told) == (gr.skip(), {"state": "opening", "done": 1234, "total": 0})
    go.set()
    assert [view["state"] for _, view in told][-1] == "ready"
