"""Labels and their confusion, worked out by hand, and by scikit-learn where it is there."""

import pytest

from playground.core.classification import classify, named
from playground.core.intervals import wilson
from playground.errors import DataError

LABELS = ("positive", "negative", "mixed")
REFERENCES = ["positive", "positive", "positive", "negative", "negative", "mixed"]
ANSWERS = ["Positive.", "negative", "I cannot say", "negative", "Negative, since it is dull", "positive"]


def test_confusion_by_hand() -> None:
    found = classify(ANSWERS, REFERENCES, LABELS)
    assert found.counts == ((1, 1, 0, 1), (0, 2, 0, 0), (1, 0, 0, 0))
    assert (found.total, found.accuracy) == (6, 0.5)
    positive, negative, mixed = found.classes
    assert positive == pytest.approx(("positive", 3, 1 / 2, 1 / 3, 2 / 5))
    assert negative == pytest.approx(("negative", 2, 2 / 3, 1.0, 4 / 5))
    assert mixed == ("mixed", 1, 0.0, 0.0, 0.0)
    assert found.macro_f1 == pytest.approx((2 / 5 + 4 / 5 + 0) / 3)


def test_the_interval_is_wilsons() -> None:
    assert wilson(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert classify(ANSWERS, REFERENCES, LABELS).interval == pytest.approx(wilson(0.5, 6))


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("positive", 0),
        (' "NEGATIVE!" ', 1),
        ("negative - the plot is thin", 1),
        ("positively", None),
        ("not positive", None),
        ("", None),
        ("mixed\nfeelings", 2),
        ("very", 3),
        ("very  good, I think", 4),
        ("!?", None),
    ],
)
def test_an_answer_names_the_label_it_begins_with(answer: str, wanted: int | None) -> None:
    assert named(answer, [*LABELS, "very", "very good"]) == wanted


def test_labels_that_cannot_be_told_apart_and_rows_without_one_are_refused() -> None:
    with pytest.raises(DataError, match="told apart"):
        classify(["yes"], ["yes"], ["yes", "Yes."])
    with pytest.raises(DataError, match="'maybe' is none of the labels yes, no"):
        classify(["yes"], ["maybe"], ["yes", "no"])
    with pytest.raises(DataError, match="got 2 answers, 1 references"):
        classify(["yes", "no"], ["yes"], ["yes", "no"])
    with pytest.raises(DataError, match="got 0 answers"):
        classify([], [], ["yes", "no"])
