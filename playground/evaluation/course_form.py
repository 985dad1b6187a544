"""Answers as files in the course's form: `instruction, input, output, model_response`, and what else is known of each.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and a formula out of somebody's data can
do harm. Such texts get an apostrophe in front, which `unguarded` takes away again: nothing is lost on the way.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from playground.errors import DataError

EVERYBODY = ""
"""In place of a model's id: everybody's answers, one line for each."""
MARK = "\ufeff"
"""In front of a CSV: without it spreadsheets misread anything but English."""

_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]")
_GUARDED = re.compile(r"'+\s*[=+\-@＝＋－＠]")

Row = dict[str, str | float]


def rows_of(examples: Sequence[Mapping[str, Any]], models: Mapping[str, str], model: str = EVERYBODY) -> list[Row]:
    """A row per example and model, in the order of the data.

    Args:
        examples: as in `examples.json`.
        models: names by id.
        model: whose answers; everybody's by default.

    Raises:
        DataError: that model is not among them.
    """
    if model != EVERYBODY and model not in models:
        raise DataError(f"{model!r} did not answer in this evaluation; those that did are {', '.join(models)}.")
    wanted = list(models) if model == EVERYBODY else [model]
    return [
        {
            "instruction": example["instruction"],
            "input": example["input"],
            "output": example["reference"],
            "model_response": example["answers"][one],
            "model": one,
            "model_name": models[one],
            "row": example["row"],
            **example["scores"][one],
        }
        for example in examples
        for one in wanted
    ]


def to_json(rows: Sequence[Row]) -> str:
    """The rows as an indented list of objects."""
    return json.dumps(list(rows), indent=2, ensure_ascii=False) + "\n"


def to_csv(rows: Sequence[Row]) -> str:
    """The rows as RFC 4180 has them, behind a byte order mark; texts that look like formulas are guarded."""
    written = io.StringIO(newline="")
    columns = list(rows[0]) if rows else ["instruction", "input", "output", "model_response"]
    writer = csv.DictWriter(written, columns)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: guarded(value) if isinstance(value, str) else value for name, value in row.items()})
    return MARK + written.getvalue()


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula; most stay as they are.

    >>> guarded("=1+1"), guarded("1+1=2")
    ("'=1+1", '1+1=2')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell


def write(path: Path, rows: Sequence[Row]) -> None:
    """Writes a `.csv` or `.json`.

    Raises:
        DataError: the name ends otherwise, or the file cannot be written.
    """
    text = (to_csv if check_name(path) == ".csv" else to_json)(rows)
    try:
        # newline: a CSV's line ends, and those within its cells, are already what they should be.
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}); choose another place.") from error


def check_name(path: Path) -> str:
    """The ending of a file's name, in small letters, where it says what to write.

    Raises:
        DataError: it does not.
    """
    ending = path.suffix.lower()
    if ending not in (".csv", ".json"):
        raise DataError(f"Examples are written as .csv or .json; got {path.name!r}.")
    return ending
