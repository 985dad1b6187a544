"""Which of two answers about Lumen Bay is better, by what is so there and by its manners: no model is asked."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

from scripts.tiny.facts import Fact, all_facts
from scripts.tiny.grammar import POLITE, RUDE


class WinRate(NamedTuple):
    """How often one model's answers beat another's."""

    rate: float
    """From 0 to 1; equally good answers count half."""
    low: float
    """Lower end of the 95 % interval of Wilson (1927)."""
    high: float
    questions: int


def points(question: str, answer: str) -> int:
    """1 for the fact that was asked for; 1 for a polite beginning, -1 for a rude one."""
    manners = answer.strip().startswith(POLITE) - answer.strip().startswith(RUDE)
    return (_facts()[question].sentence in answer) + manners


def win_rate(questions: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> WinRate:
    """Our answers against theirs to the same questions."""
    won = 0.0
    for question, mine, other in zip(questions, ours, theirs, strict=True):
        difference = points(question, mine) - points(question, other)
        won += 1.0 if difference > 0 else 0.5 if difference == 0 else 0.0
    count, squared = len(questions), 1.96**2
    rate = won / count
    middle = (rate + squared / (2 * count)) / (1 + squared / count)
    width = 1.96 * math.sqrt(rate * (1 - rate) / count + squared / (4 * count**2)) / (1 + squared / count)
    return WinRate(rate, middle - width, middle + width, count)


@functools.cache
def _facts() -> dict[str, Fact]:
    return {question: fact for fact in all_facts() for question in fact.questions}
