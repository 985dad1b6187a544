"""The data that comes with the playground: what the script writes, small, and usable as it is."""

import json
from collections import Counter
from pathlib import Path

import pytest

from playground.config.run import DataSettings
from playground.data.bundled import BUNDLED, BundledData, find
from playground.data.splits import prepare
from scripts import make_instructions

I18N = Path(__file__).resolve().parents[2] / "assets" / "i18n"


def test_the_file_is_what_the_script_writes() -> None:
    instructions = find("instructions")
    assert instructions is not None
    assert instructions.paths["train"].read_text(encoding="utf-8") == make_instructions.text()


def test_it_is_the_default_and_every_row_is_used() -> None:
    splits = prepare(DataSettings())
    assert (len(splits.train), len(splits.test), len(splits.validation)) == (510, 60, 30)
    assert (splits.source, splits.format, splits.dropped) == ("instructions", "instruction", ())


def test_held_out_rows_are_of_every_kind_and_ask_what_training_does_not() -> None:
    splits = prepare(DataSettings())
    asked = Counter((record.fields["instruction"], record.fields["input"]) for record in (*splits.train, *splits.test))
    assert max(asked.values()) == 1
    kinds = {" ".join(record.answer.split()[:2]) for record in splits.test}
    assert {"The opposite", "The plural", "In alphabetical", "The sentence", "The acronym"} <= kinds


@pytest.mark.parametrize(
    ("number", "words"),
    [(11, "eleven"), (40, "forty"), (93, "ninety-three"), (600, "six hundred"), (719, "seven hundred and nineteen")],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert make_instructions.in_words(number) == words


@pytest.mark.parametrize("data", BUNDLED, ids=lambda data: data.name)
def test_every_bundled_set_is_there_small_and_described_in_both_languages(data: BundledData) -> None:
    assert all(0 < path.stat().st_size < 300_000 for path in data.paths.values())
    key = f"data.bundled.{data.name}"
    english, korean = (json.loads((I18N / f"{name}.json").read_text(encoding="utf-8")) for name in ("en", "ko"))
    assert english[key] == data.description
    assert korean[key]
    assert english[f"{key}.title"]
    assert korean[f"{key}.title"]
