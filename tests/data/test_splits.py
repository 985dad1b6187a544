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
        (1, (0.85, 0.10, 0.05), (0, 0, 1)),
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


def test_nothing_left_to_train_on_is_told(hundred: str) -> None:
    with pytest.raises(DataError, match=r"1 usable rows shared out 0\.85 / 0\.1 / 0\.05 give 0 / 0 / 1"):
        prepare(DataSettings(source=hundred, limit=1))
