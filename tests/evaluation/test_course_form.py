"""Answers as files: nothing is lost on the way, and no spreadsheet computes what somebody wrote."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import DataError
from playground.evaluation.course_form import guarded, rows_of, to_csv, to_json, unguarded, write

NAMES = {"base": "Tiny", "run-a": "A run"}
FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "  =1",
    "\t=1",
    "\r\n@x",
    "'=1",
    "''-1",
    "＝1",
    '=HYPERLINK("http://x","y")',
]
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(FORMULAS)


def example(row: int, question: str, base: str, tuned: str) -> dict[str, Any]:
    scores = {model: {"bleu": -1.5 * row, "exact_match": 1.0} for model in NAMES}
    answers = {"base": base, "run-a": tuned}
    return {"row": row, "instruction": question, "input": "", "reference": "r", "answers": answers, "scores": scores}


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4))
def test_a_csv_gives_back_every_text(given_texts: list[tuple[str, str, str]]) -> None:
    rows = rows_of([example(place, *three) for place, three in enumerate(given_texts)], NAMES)
    found = read(to_csv(rows))
    for before, after in zip(rows, found, strict=True):
        for name, value in before.items():
            assert unguarded(after[name]) == value if isinstance(value, str) else float(after[name]) == value


@given(texts)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_ordinary_texts_and_numbers_stay_as_they_are() -> None:
    for text in ("", "Paris", "1+1=2", "'tis", "a@b.c", "'"):
        assert guarded(text) == text
    [row, _] = read(to_csv(rows_of([example(2, "Q", "b", "t")], NAMES)))
    assert row["bleu"] == "-3.0"
    assert [guarded(text)[0] for text in FORMULAS] == ["'"] * len(FORMULAS)


def test_the_courses_columns_come_first_for_one_model_or_all() -> None:
    examples = [example(7, "Q", "b", "t"), example(9, "R", "c", "u")]
    assert json.loads(to_json(rows_of(examples, NAMES, "run-a"))) == [
        {
            "instruction": question, "input": "", "output": "r", "model_response": answer, "model": "run-a",
            "model_name": "A run", "row": row, "bleu": -1.5 * row, "exact_match": 1.0,
        }
        for row, question, answer in ((7, "Q", "t"), (9, "R", "u"))
    ]  # fmt: skip
    everybody = rows_of(examples, NAMES)
    assert [(row["row"], row["model"], row["model_response"]) for row in everybody] == [
        (7, "base", "b"), (7, "run-a", "t"), (9, "base", "c"), (9, "run-a", "u"),
    ]  # fmt: skip
    with pytest.raises(DataError, match="'run-b' did not answer in this evaluation; those that did are base, run-a"):
        rows_of(examples, NAMES, "run-b")


def test_files_are_written_by_their_ending(tmp_path: Path) -> None:
    rows = rows_of([example(1, "two\nlines", "=1", "한국어")], NAMES)
    write(tmp_path / "a.CSV", rows)
    assert (tmp_path / "a.CSV").read_bytes() == to_csv(rows).encode()
    write(tmp_path / "a.json", rows)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == rows
    with pytest.raises(DataError, match=r"as \.csv or \.json; got 'a\.txt'"):
        write(tmp_path / "a.txt", rows)
    with pytest.raises(DataError, match="cannot be written"):
        write(tmp_path / "nowhere" / "a.csv", rows)
