"""The data that comes with the playground: what the script writes, small, and usable as it is."""

import json
from collections import Counter
from pathlib import Path

import pytest

from playground.config.run import DataSettings
from playground.data import overlap
from playground.data.bundled import BUNDLED, BundledData, find
from playground.data.records import Record
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


@pytest.mark.parametrize(
    ("name", "format_", "train", "test"),
    [
        ("lumen-instructions", "instruction", 1294, 204),
        ("lumen-preferences", "preference", 439, 109),
        ("lumen-manners", "preference", 439, 109),
        ("lumen-sentiment", "label", 320, 64),
        ("lumen-openings", "prompt", 107, 22),
    ],
)
def test_sets_in_parts_keep_them_and_share_no_answer(name: str, format_: str, train: int, test: int) -> None:
    splits = prepare(DataSettings(source=name, split=None))
    assert (splits.format, splits.source, splits.dropped) == (format_, name, ())
    assert (len(splits.train), len(splits.test), len(splits.validation)) == (train, test, 0)
    assert overlap.leaks(splits)["test"] == overlap.Leak(0, 0, ())
    assert overlap.duplicates((*splits.train, *splits.test)) == 0
    # What a label says is the same in both parts; its text is what must differ.
    said = [
        {" ".join(text.split()) for record in part for text in texts_of(record) if text}
        for part in (splits.train, splits.test)
    ]
    assert not said[0] & said[1]


def texts_of(record: Record) -> tuple[str, ...]:
    return (record.fields["text"],) if record.kind == "label" else (record.answer, record.rejected, record.question)


def test_sets_in_parts_are_joined_where_shares_are_given() -> None:
    splits = prepare(DataSettings(source="lumen-openings", split=(0.5, 0.5)))
    assert (len(splits.train), len(splits.test), splits.total_rows) == (64, 65, 129)
    apart = prepare(DataSettings(source="lumen-openings", split=None))
    assert [*splits.train, *splits.test] == [*apart.train, *apart.test]


def test_shuffling_and_limits_hold_for_each_part() -> None:
    whole = prepare(DataSettings(source="lumen-openings", split=None))
    some = prepare(DataSettings(source="lumen-openings", split=None, seed=3, limit=10))
    assert (len(some.train), len(some.test)) == (10, 10)
    assert {record.row for record in some.test} < {record.row for record in whole.test}
    assert [record.row for record in some.train] != list(range(10))
