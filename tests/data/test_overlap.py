"""Repeated rows and leaks, counted by hand and against a slow count."""

import json
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from playground.config.run import DataSettings
from playground.data.overlap import Leak, duplicates, leaks
from playground.data.records import Message, Record
from playground.data.splits import prepare


def row(place: int, prompt: str, completion: str) -> Record:
    return Record(place, "completion", {"prompt": prompt, "completion": completion})


def write(folder: Path, rows: list[dict[str, str]]) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_repeated_rows_are_counted_with_white_space_folded() -> None:
    rows = [row(0, "a b", "c"), row(1, " a\n b ", "c\t"), row(2, "a b", "C"), row(3, "a", "b c"), row(4, "a b", "c")]
    assert duplicates(rows) == 2
    turns = (Message("user", "Hi"),)
    pairs = [Record(0, "preference", {"chosen": "a", "rejected": other}, turns) for other in ("b", "c", "b")]
    assert duplicates(pairs) == 1


@given(st.lists(st.tuples(st.sampled_from(["a", "a b", "b"]), st.sampled_from(["x", "y"]))))
def test_repeated_rows_as_a_slow_count_has_them(rows: list[tuple[str, str]]) -> None:
    counted = sum(count - 1 for count in Counter(rows).values())
    assert duplicates([row(place, *texts) for place, texts in enumerate(rows)]) == counted


def test_held_out_rows_that_training_has(tmp_path: Path) -> None:
    rows = [{"prompt": f"ask {place}", "completion": "same"} for place in range(8)]
    rows += [
        {"prompt": "ask 3", "completion": "same"},
        {"prompt": "ask 3", "completion": "other"},
        {"prompt": "ask  1 ", "completion": "same "},
        {"prompt": "new", "completion": "same"},
    ]
    splits = prepare(DataSettings(source=write(tmp_path, rows), split=(8 / 12, 2 / 12, 2 / 12)))
    assert leaks(splits) == {"test": Leak(1, 2, (8, 9)), "validation": Leak(1, 1, (10,))}


def test_texts_leak_whole_and_ask_nothing(tmp_path: Path) -> None:
    rows = [{"text": text} for text in ("a", "b", "c", "d", "a", "e")]
    splits = prepare(DataSettings(source=write(tmp_path, rows), split=(4 / 6, 2 / 6)))
    assert leaks(splits)["test"] == Leak(1, 1, (4,))
