"""Held-out rows whose answers are labels: which labels there are, and the confusion of an evaluation's document."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from playground.core.classification import ClassScores, Confusion, classify, named

__all__ = ["ClassScores", "Confusion", "classify", "confusion_to_json", "labels_of", "named"]

MOST_LABELS = 20
LONGEST_LABEL = 40
"""In letters: what is longer is an answer, not a label."""
ROWS_PER_LABEL = 3
"""On average; with fewer, few rows just happen to say the same."""


def labels_of(references: Sequence[str]) -> tuple[str, ...]:
    """The labels of a classification, the most frequent first; empty where the references are answers of another kind.

    They are labels where they are short and few say the same again and again.

    >>> labels_of(["yes", "no", "yes", "yes", "no", "yes"])
    ('yes', 'no')
    """
    counted = Counter(reference.strip() for reference in references)
    few = 2 <= len(counted) <= MOST_LABELS and len(references) >= ROWS_PER_LABEL * len(counted)
    if not few or not all(0 < len(label) <= LONGEST_LABEL for label in counted):
        return ()
    labels = tuple(label for label, _ in counted.most_common())
    # "Yes." and "yes" are one label to whoever reads an answer, so that these are no labels to be told apart.
    return labels if all(named(label, labels) == place for place, label in enumerate(labels)) else ()


def confusion_to_json(confusion: Confusion) -> dict[str, Any]:
    """As it stands in a result: `{"labels", "counts", "accuracy", "interval", "macro_f1", "classes": [{…}]}`."""
    return {
        "labels": list(confusion.labels),
        "counts": [list(line) for line in confusion.counts],
        "accuracy": confusion.accuracy,
        "interval": list(confusion.interval),
        "macro_f1": confusion.macro_f1,
        "classes": [found._asdict() for found in confusion.classes],
    }
