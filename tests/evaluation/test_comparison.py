"""All models are scored on the same rows, and every row can be read."""

import math

import pytest

from playground.data.records import Message, Record
from playground.errors import DataError
from playground.evaluation.answers import Answered, ReferenceLoss
from playground.evaluation.comparison import compare
from playground.evaluation.metrics import score, score_each
from playground.evaluation.significance import RESAMPLES
from tests.evaluation.answered import answered, answers

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


METRICS = {
    "bleu",
    "chrf",
    "rougeL",
    "exact_match",
    "perplexity",
    "distinct_1",
    "distinct_2",
    "length_tokens",
    "length_words",
}


def test_every_model_is_scored_by_itself() -> None:
    found = compare(answered(RECORDS, base=BASE, tuned=TUNED, other=BASE))
    references = [record.answer for record in RECORDS]
    document = found.to_json()
    assert (document["examples"], document["resamples"]) == (3, RESAMPLES)
    assert document["signature"] == score(BASE, references).signature
    assert [model["id"] for model in document["models"]] == ["base", "tuned", "other"]
    for model, texts in zip(document["models"], (BASE, TUNED, BASE), strict=True):
        assert set(model["scores"]) == set(model["intervals"]) == METRICS
        assert model["scores"].items() >= score(texts, references).to_json().items()
        assert model["confusion"] is None
        for name, (low, high) in model["intervals"].items():
            assert low <= high, name
    base, tuned, other = document["models"]
    assert base["p"] == {}
    assert base["may_be_noise"] == []
    assert set(tuned["p"]) == METRICS
    assert other["p"] == dict.fromkeys(METRICS, 1.0)
    assert set(other["may_be_noise"]) == METRICS


def test_counts_of_answers_by_hand() -> None:
    _, tuned = compare(answered(RECORDS, base=BASE, tuned=TUNED)).to_json()["models"]
    # "1 and 2 make 3", "blue today", "good day": nine words, all different, and four, one and one pairs of them.
    assert tuned["scores"]["distinct_1"] == 1.0
    assert tuned["scores"]["distinct_2"] == 1.0
    assert tuned["scores"]["length_words"] == 3.0
    assert tuned["scores"]["length_tokens"] == sum(map(len, TUNED)) / 3
    assert tuned["scores"]["exact_match"] == pytest.approx(2 / 3)


def test_perplexity_weighs_tokens_and_not_rows() -> None:
    losses = [ReferenceLoss(1.0, 1), ReferenceLoss(8.0, 4), ReferenceLoss(0.0, 5)]
    others = [ReferenceLoss(1.0, 2), *losses[1:]]
    found = compare(
        Answered(RECORDS, [answers("base", BASE, losses), answers("run", TUNED, losses), answers("far", BASE, others)])
    )
    base, run, far = found.to_json()["models"]
    assert base["scores"]["perplexity"] == pytest.approx(math.exp(0.9))
    assert run["p"]["perplexity"] == 1.0
    assert "perplexity" not in far["p"], "other tokens: the two do not compare"
    assert [one.scores["base"]["perplexity"] for one in found.examples] == pytest.approx([math.e, math.e**2, 1.0])


def test_labels_get_a_confusion_and_their_accuracy_the_interval_of_a_share() -> None:
    records = [Record(row, "label", {"text": "x", "label": "yes" if row % 2 else "no"}) for row in range(10)]
    right = [record.answer.title() + "." for record in records]
    found = compare(answered(records, base=["yes"] * 9 + ["maybe"], tuned=right))
    base, tuned = found.to_json()["models"]
    assert base["confusion"]["labels"] == ["no", "yes"]
    assert base["confusion"]["counts"] == [[0, 5, 0], [0, 4, 1]]
    assert (base["scores"]["accuracy"], tuned["scores"]["accuracy"]) == (0.4, 1.0)
    assert tuned["intervals"]["accuracy"] == pytest.approx([0.7225, 1.0], abs=1e-4)
    assert tuned["p"]["accuracy"] < 0.05
    assert [one.scores["base"]["accuracy"] for one in found.examples[:2]] == [0.0, 1.0]


def test_every_format_shows_what_was_asked() -> None:
    shown = [example.to_json() for example in compare(answered(RECORDS, base=BASE, tuned=TUNED)).examples]
    assert [(one["row"], one["instruction"], one["input"], one["reference"]) for one in shown] == [
        (7, "Add.", "1 and 2", "1 and 2 make 3."),
        (9, "The sky is", "", " blue today."),
        (12, "system: Be brief.\n\nuser: Hello", "", "Good day to you."),
    ]
    assert [one["answers"] for one in shown] == [
        {"base": base, "tuned": tuned} for base, tuned in zip(BASE, TUNED, strict=True)
    ]
    each = score_each(TUNED, [record.answer for record in RECORDS])
    assert all(one["scores"]["tuned"].items() >= own.to_json().items() for one, own in zip(shown, each, strict=True))


def test_nothing_to_compare_is_said() -> None:
    with pytest.raises(DataError, match="nothing to score"):
        compare(answered([], base=[], tuned=[]))
    with pytest.raises(DataError, match="one reference"):
        compare(answered(RECORDS, base=BASE[:2], tuned=TUNED))
