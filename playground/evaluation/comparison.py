"""Held-out rows with both models' answers, and how the answers score. Knows nothing of how they were generated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.data.records import Record
from playground.evaluation.metrics import AnswerScores, Scores, score, score_each


@dataclass(frozen=True)
class Example:
    """One row, answered twice."""

    row: int
    """Place in the source, from 0."""
    instruction: str
    """What is asked: the instruction, the prompt, or the conversation up to its last answer."""
    input: str
    """The instruction's input; empty for the other formats."""
    reference: str
    base: str
    tuned: str
    base_scores: AnswerScores
    tuned_scores: AnswerScores

    def to_json(self) -> dict[str, Any]:
        """The example as it stands in `examples.json`."""
        return {
            "row": self.row,
            "instruction": self.instruction,
            "input": self.input,
            "reference": self.reference,
            "base": self.base,
            "tuned": self.tuned,
            "scores": {"base": self.base_scores.to_json(), "tuned": self.tuned_scores.to_json()},
        }


@dataclass(frozen=True)
class Comparison:
    """Both models' scores on the same rows, and every row."""

    base: Scores
    tuned: Scores
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        """What `evaluate --json` prints of it."""
        return {
            "examples": len(self.examples),
            "signature": self.tuned.signature,
            "base": self.base.to_json(),
            "tuned": self.tuned.to_json(),
        }


def compare(records: Sequence[Record], base: Sequence[str], tuned: Sequence[str]) -> Comparison:
    """Scores both models' answers to `records`, one answer each and in the same order.

    Raises:
        DataError: there are no records, or not as many answers as records.
    """
    references = [record.answer for record in records]
    scores = score(base, references), score(tuned, references)
    rows = zip(records, base, tuned, score_each(base, references), score_each(tuned, references), strict=True)
    return Comparison(*scores, tuple(_example(*row) for row in rows))


def _example(record: Record, base: str, tuned: str, base_scores: AnswerScores, tuned_scores: AnswerScores) -> Example:
    match record.kind:
        case "instruction":
            asked, further = record.fields["instruction"], record.fields["input"]
        case "completion":
            asked, further = record.fields["prompt"], ""
        case "messages":
            asked, further = "\n\n".join(f"{turn.role}: {turn.content}" for turn in record.messages[:-1]), ""
    return Example(record.row, asked, further, record.answer, base, tuned, base_scores, tuned_scores)
