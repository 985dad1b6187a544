"""Both sides are scored on the same rows, and every row can be read."""

import pytest

from playground.data.records import Message, Record
from playground.errors import DataError
from playground.evaluation.comparison import compare
from playground.evaluation.metrics import score, score_each

RECORDS = [
    Record(7, "instruction", {"instruction": "Add.", "input": "1 and 2", "output": "1 and 2 make 3."}),
    Record(9, "completion", {"prompt": "The sky is", "completion": " blue today."}),
    Record(
        12,
        "messages",
        messages=(Message("system", "Be brief."), Message("user", "Hello"), Message("assistant", "Good day to you.")),
    ),
]
BASE = ["I can help with that.", " grey.", "Good day to you."]
TUNED = ["1 and 2 make 3.", " blue today.", "Good day."]


def test_each_side_is_scored_by_itself() -> None:
    found = compare(RECORDS, BASE, TUNED)
    references = [record.answer for record in RECORDS]
    assert found.base == score(BASE, references)
    assert found.tuned == score(TUNED, references)
    assert [example.base_scores for example in found.examples] == score_each(BASE, references)
    assert [example.tuned_scores.exact_match for example in found.examples] == [True, True, False]
    assert found.to_json() == {
        "examples": 3,
        "signature": found.base.signature,
        "base": found.base.to_json(),
        "tuned": found.tuned.to_json(),
    }


def test_every_format_shows_what_was_asked() -> None:
    shown = [example.to_json() for example in compare(RECORDS, BASE, TUNED).examples]
    assert [(one["row"], one["instruction"], one["input"], one["reference"]) for one in shown] == [
        (7, "Add.", "1 and 2", "1 and 2 make 3."),
        (9, "The sky is", "", " blue today."),
        (12, "system: Be brief.\n\nuser: Hello", "", "Good day to you."),
    ]
    assert [(one["base"], one["tuned"]) for one in shown] == list(zip(BASE, TUNED, strict=True))
    assert (
        set(shown[0]["scores"]["base"]) == set(shown[0]["scores"]["tuned"]) == {"bleu", "chrf", "rougeL", "exact_match"}
    )


def test_nothing_to_compare_is_said() -> None:
    with pytest.raises(DataError, match="nothing to score"):
        compare([], [], [])
    with pytest.raises(DataError, match="one reference"):
        compare(RECORDS, BASE[:2], TUNED)
