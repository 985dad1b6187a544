"""Answers taken as labels: which label each one names, and how often that is the right one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from playground.core.intervals import wilson
from playground.errors import DataError


class ClassScores(NamedTuple):
    """How one label fares; a share of nothing is 0, as scikit-learn has it."""

    label: str
    support: int
    """Rows whose reference it is."""
    precision: float
    """Share of the rows given this label that have it, 0-1."""
    recall: float
    """Share of the rows that have this label that were given it, 0-1."""
    f1: float
    """Harmonic mean of both, 0-1."""


@dataclass(frozen=True)
class Confusion:
    """Which label was given for which."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """A line per true label and a column per given one, in the order of `labels`; the last column counts the answers
    that name no label."""

    @property
    def total(self) -> int:
        """Rows."""
        return sum(map(sum, self.counts))

    @property
    def accuracy(self) -> float:
        """Share of rows that were given their label, 0-1."""
        return sum(line[place] for place, line in enumerate(self.counts)) / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy, by Wilson."""
        return wilson(self.accuracy, self.total)

    @property
    def classes(self) -> tuple[ClassScores, ...]:
        """Precision, recall and F1 of every label."""
        return tuple(self._scores(place, label) for place, label in enumerate(self.labels))

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the labels, each counting the same however rare it is."""
        return sum(found.f1 for found in self.classes) / len(self.labels)

    def _scores(self, place: int, label: str) -> ClassScores:
        right, support = self.counts[place][place], sum(self.counts[place])
        given = sum(line[place] for line in self.counts)
        precision, recall = right / max(1, given), right / max(1, support)
        f1 = 2 * right / (given + support) if given + support else 0.0
        return ClassScores(label, support, precision, recall, f1)


def classify(predictions: Sequence[str], references: Sequence[str], labels: Sequence[str]) -> Confusion:
    """Counts which label each answer names; see `named` for when it names one.

    Raises:
        DataError: there are no rows, not as many predictions as references, two labels that read the same, or a
            reference that is none of them.
    """
    if not references or len(predictions) != len(references):
        raise DataError(
            "A classification needs at least one answer, and one reference for each; "
            f"got {len(predictions)} answers, {len(references)} references."
        )
    known = tuple(labels)
    if not all(map(_bare, known)) or not 0 < len(known) == len({_bare(label) for label in known}):
        raise DataError(f"Labels must be told apart without case and punctuation; got {', '.join(known) or 'none'}.")
    counts = [[0] * (len(known) + 1) for _ in known]
    for prediction, reference in zip(predictions, references, strict=True):
        truth = named(reference, known)
        if truth is None:
            raise DataError(f"The reference {reference!r} is none of the labels {', '.join(known)}.")
        given = named(prediction, known)
        counts[truth][len(known) if given is None else given] += 1
    return Confusion(known, tuple(map(tuple, counts)))


def named(answer: str, labels: Sequence[str]) -> int | None:
    """Place of the label that an answer is, or begins with as words of their own; None for none.

    Case, white space and punctuation around do not count. Of labels that begin alike the longest is meant.

    >>> named(" Positive.", ["negative", "positive"]), named("positively", ["negative", "positive"])
    (1, None)
    """
    said = _bare(answer)
    fitting = [place for place, label in enumerate(labels) if re.match(re.escape(_bare(label)) + r"(?!\w)", said)]
    return max(fitting, key=lambda place: len(_bare(labels[place])), default=None)


def _bare(text: str) -> str:
    """A text in small letters, without what is no letter or figure at its ends; such texts alone stay as they are."""
    small = " ".join(text.casefold().split())
    return re.sub(r"^[\W_]+|[\W_]+$", "", small) or small
