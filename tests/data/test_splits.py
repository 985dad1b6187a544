"""Rows shared out: how many, which ones, in which order."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.config.run import DataSettings
from playground.data.splits import Splits, prepare, share_sizes
from playground.errors import DataError


@pytest.fixture
def hundred(tmp_path: Path) -> str:
    """A file of 100 rows, every second with an input."""
    rows = [
        {"instruction": f"ask {row}", "input": "x" if row % 2 else "", "output": f"answer {row}"} for row in range(100)
    ]
    path = tmp_path / "hundred.json"
    path.write_text(json.dumps(rows))
    return str(path)


def rows_of(splits: Splits) -> list[int]:
    return [record.row for record in (*splits.train, *splits.test, *splits.validation)]


def test_the_classic_split_of_instruction_data(shared_data: Path) -> None:
    splits = prepare(DataSettings(source=str(shared_data / "instruction-data.json")))
    assert (len(splits.train), len(splits.test), len(splits.validation)) == (935, 110, 55)
    assert rows_of(splits) == list(range(1100))
    assert (splits.format, splits.source, splits.dropped) == ("instruction", "instruction-data.json", ())
    assert splits.part("test") == splits.test


def test_rows_with_an_empty_input_only(shared_data: Path) -> None:
    splits = prepare(DataSettings(source=str(shared_data / "code_alpaca_2k.json"), empty_input_only=True))
    kept = rows_of(splits)
    assert len(kept) + len(splits.dropped) == 2017
    assert len(kept) == 1011
    assert all(not record.fields["input"] for record in splits.train)


@pytest.mark.parametrize(
    ("rows", "shares", "expected"),
    [
        (1100, (0.85, 0.10, 0.05), (935, 110, 55)),
        (600, (0.85, 0.10, 0.05), (510, 60, 30)),
        (100, (0.29, 0.71), (29, 71, 0)),
        (101, (0.8, 0.2), (80, 21, 0)),
        (101, (0.5, 0.5, 0.0), (50, 51, 0)),
        (101, (1.0, 0.0), (101, 0, 0)),
        (1, (0.85, 0.10, 0.05), (1, 0, 0)),
        (2, (0.2, 0.7, 0.1), (1, 1, 0)),
        (0, (0.85, 0.10, 0.05), (0, 0, 0)),
    ],
)
def test_sizes(rows: int, shares: tuple[float, ...], expected: tuple[int, int, int]) -> None:
    assert share_sizes(rows, shares) == expected


@given(rows=st.integers(0, 5000), first=st.integers(0, 100), second=st.integers(0, 100))
def test_no_row_is_lost_or_used_twice(rows: int, first: int, second: int) -> None:
    second = min(second, 100 - first)
    shares = (first / 100, second / 100, (100 - first - second) / 100)
    sizes = share_sizes(rows, shares)
    assert sum(sizes) == rows
    assert all(abs(size - rows * share) < 3 for size, share in zip(sizes, shares, strict=True))


def test_a_seed_shuffles_the_same_way_each_time(hundred: str) -> None:
    once, again = (rows_of(prepare(DataSettings(source=hundred, seed=7))) for _ in range(2))
    assert once == again
    assert once != list(range(100))
    assert sorted(once) == list(range(100))
    assert rows_of(prepare(DataSettings(source=hundred, seed=8))) != once


def test_the_limit_is_taken_after_shuffling(hundred: str) -> None:
    shuffled = rows_of(prepare(DataSettings(source=hundred, seed=7)))
    assert rows_of(prepare(DataSettings(source=hundred, seed=7, limit=20))) == shuffled[:20]
    assert rows_of(prepare(DataSettings(source=hundred, limit=1000))) == list(range(100))


def test_filtered_rows_are_counted_as_dropped(hundred: str) -> None:
    splits = prepare(DataSettings(source=hundred, empty_input_only=True))
    assert rows_of(splits) == list(range(0, 100, 2))
    assert [drop.row for drop in splits.dropped] == list(range(1, 100, 2))


def test_nothing_left_to_train_on_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"instruction": "a", "input": "b", "output": "c"}]')
    with pytest.raises(DataError, match=r"0 usable rows shared out 0\.85 / 0\.1 / 0\.05 give 0 / 0 / 0"):
        prepare(DataSettings(source=str(path), empty_input_only=True))


def test_no_shares_and_no_parts_give_the_usual_shares(hundred: str) -> None:
    splits = prepare(DataSettings(source=hundred, split=None))
    assert (len(splits.train), len(splits.test), len(splits.validation)) == (85, 10, 5)


def test_a_limit_in_the_order_of_the_file_ends_the_reading(tmp_path: Path) -> None:
    """The end of the file is broken, and nobody comes so far."""
    path = tmp_path / "rows.jsonl"
    bad, good = '{"prompt": "", "completion": "a"}\n', '{"prompt": "a", "completion": "b"}\n'
    path.write_text(3 * bad + 50 * good + "broken")
    splits = prepare(DataSettings(source=str(path), limit=4, split=(0.5, 0.5)))
    # Four rows held one usable one, so sixteen were read.
    assert (rows_of(splits), splits.total_rows) == ([3, 4, 5, 6], 16)
    for settings in (DataSettings(source=str(path), limit=4, seed=1), DataSettings(source=str(path), limit=51)):
        with pytest.raises(DataError, match=r"row 53, is not valid JSON at line 54"):
            prepare(settings)


def test_a_limit_reads_on_where_the_first_rows_are_of_no_use(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(9 * '{"id": 1}\n' + 9 * '{"prompt": "a", "completion": "b"}\n')
    assert rows_of(prepare(DataSettings(source=str(path), limit=2, split=(0.5, 0.5)))) == [9, 10]


SHARED = {
    "instruction-data.json": ("instruction", 1100, 0),
    "code_alpaca_2k.json": ("instruction", 2015, 2),
    "instruction-data-with-preference.json": ("preference", 1094, 6),
    "sst2_dev.tsv": ("label", 872, 0),
    "sst2_test.tsv": ("label", 1821, 0),
}


@pytest.mark.parametrize("name", SHARED)
def test_real_data_is_recognised(name: str, shared_data: Path) -> None:
    splits = prepare(DataSettings(source=str(shared_data / name)))
    assert (splits.format, len(rows_of(splits)), len(splits.dropped)) == SHARED[name]
    assert splits.total_rows == len(rows_of(splits)) + len(splits.dropped)
    assert splits.columns.format == splits.format
    assert set(splits.columns.of.values()) <= set(splits.table_columns)
