"""Rows written once and read in any order: in memory, on the disk, by several threads."""

import datetime
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.config.run import DataSettings
from playground.data import tables
from playground.data.formats import to_records
from playground.data.splits import prepare
from playground.data.tables import Rows, Table

CELLS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.text())


@given(st.lists(st.dictionaries(st.text(max_size=3), CELLS, max_size=4)), st.integers(0, 300))
def test_rows_come_back_as_they_were_wherever_they_lie(rows: list[dict[str, object]], in_memory: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "IN_MEMORY", in_memory)
        kept = Rows(rows)
    assert len(kept) == len(rows)
    assert list(kept) == rows
    assert [kept[place] for place in reversed(range(len(rows)))] == rows[::-1]
    assert kept[1:3] == rows[1:3]
    assert kept == rows
    assert kept.columns == tuple(dict.fromkeys(name for row in rows for name in row))
    if rows:
        assert kept[-1] == rows[-1]
    with pytest.raises(IndexError):
        kept[len(rows)]


def test_rows_that_differ_are_told_apart() -> None:
    assert Rows([{"a": 1}]) != [{"a": 2}]
    assert Rows([{"a": 1}]) != Rows([{"a": 1}, {"a": 1}])


def test_cells_that_json_does_not_know() -> None:
    row: dict[str, object] = {"when": datetime.date(2024, 2, 29), "half": "\ud83d", "raw": b"\x00"}
    assert Rows([row])[0] == row


def test_threads_read_without_getting_in_each_others_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "IN_MEMORY", 100)
    rows = Rows({"place": place, "filler": "x" * (place % 50)} for place in range(2000))
    wrong: list[int] = []

    def read(start: int) -> None:
        wrong.extend(place for place in range(start, 2000, 3) if rows[place]["place"] != place)
        wrong.extend(place for place, row in enumerate(rows) if row["place"] != place)

    threads = [threading.Thread(target=read, args=(start,)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_parts_of_objects_are_columns_that_can_be_mapped(tmp_path: Path) -> None:
    path = tmp_path / "nested.jsonl"
    path.write_text(
        '{"id": 1, "data": {"question": "Why?", "answer": "So."}}\n'
        '{"id": 2, "data": {"question": "How?", "answer": {"text": "Thus."}}}\n'
        '{"id": 3, "data": "none"}\n'
        '{"id": 4, "data": {"question": "When?", "answer": "Now."}}\n'
    )
    mapping = {"instruction": "data.question", "output": "data.answer"}
    splits = prepare(DataSettings(source=str(path), columns=mapping, split=(1.0, 0.0)))
    assert splits.table_columns == ("id", "data", "data.question", "data.answer")
    assert [record.answer for record in splits.train] == ["So.", "Now."]
    assert [(drop.row, drop.reason) for drop in splits.dropped] == [
        (1, "Column 'data.answer' must hold a text; it holds an object."),
        (2, "Column 'data.question' has nothing in this row."),
    ]


def test_a_column_whose_own_name_has_a_dot_is_that_column() -> None:
    rows = Rows([{"a.b": "own", "a": {"b": "part"}}])
    [record] = to_records(Table(rows.columns, rows, "x"), {"text": "a.b"}).records
    assert (rows.columns, record.answer) == (("a.b", "a"), "own")


def test_objects_used_as_dictionaries_do_not_fill_the_columns() -> None:
    spread = Rows({"counts": {f"word {place}": 1}} for place in range(5000))
    at_once = Rows([{"counts": {f"word {place}": 1 for place in range(5000)}}])
    assert len(spread.columns) == len(at_once.columns) == tables.PARTS_LISTED + 1
