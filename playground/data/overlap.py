"""Rows that are there twice, and held-out rows that training has seen. White space is folded; all else counts.

Rows are compared by 64-bit hashes: a million of them take some 60 MB, and one such set in 10^7 has two rows that only
seem the same.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from playground.data.parts import Part
from playground.data.records import Record
from playground.data.splits import Splits

EXAMPLES = 5


class Leak(NamedTuple):
    """Rows of a held-out part that training has too."""

    pairs: int
    """Rows whose question and answer are both in one row of train."""
    questions: int
    """Rows whose question is in train, with whatever answer; the pairs are among them."""
    examples: tuple[int, ...]
    """The first few of these rows, by their places in the source."""


def duplicates(records: Iterable[Record]) -> int:
    """How many rows ask and answer the same as an earlier one; of preferences, with both answers."""
    seen: set[int] = set()
    count = 0
    for record in records:
        key = hash((_question(record), _fold(record.answer), _fold(record.rejected)))
        count += key in seen
        seen.add(key)
    return count


def leaks(splits: Splits) -> dict[Part, Leak]:
    """What test and validation have in common with train."""
    questions: set[int] = set()
    pairs: set[int] = set()
    for record in splits.train:
        question = _question(record)
        questions.add(hash(question))
        pairs.add(hash((question, _fold(record.answer))))
    held_out: tuple[Part, ...] = ("test", "validation")
    return {part: _leak(splits.part(part), questions, pairs) for part in held_out}


def _leak(records: Sequence[Record], questions: set[int], pairs: set[int]) -> Leak:
    both = asked = 0
    rows: list[int] = []
    for record in records:
        question = _question(record)
        same = hash((question, _fold(record.answer))) in pairs
        # A plain text has no question, so all of them would seem to ask the same.
        known = same or (record.kind != "text" and hash(question) in questions)
        both += same
        asked += known
        if known and len(rows) < EXAMPLES:
            rows.append(record.row)
    return Leak(both, asked, tuple(rows))


def _question(record: Record) -> tuple[str, ...]:
    """Everything that stands before the answer, whole."""
    fields = record.fields
    match record.kind:
        case "instruction":
            return (_fold(fields["instruction"]), _fold(fields["input"]))
        case "messages":
            return tuple(_fold(turn.content) for turn in record.messages[:-1])
        case "preference":
            return tuple(_fold(turn.content) for turn in record.messages)
        case "label":
            return (_fold(fields["text"]),)
        case "completion" | "prompt":
            return (_fold(fields["prompt"]),)
        case "text":
            return ()


def _fold(text: str) -> str:
    return " ".join(text.split())
