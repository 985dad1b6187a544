"""What a judge's reply says, where it can be read, and what two replies in both orders come to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Preference = Literal["first", "second", "tie"]
"""Of two answers, the better one."""

_NUMBER = re.compile(r"(?<![\w.,/-])(\d{1,3})(?:\.0+)?(?:\s*(?:/\s*100\b|%|points?\b))?(?!\w|,\d|\.\d|\s*/)")
_MARKED = re.compile(r"\[\[\s*([A-Ca-c])\s*\]\]")
_NAMED = re.compile(
    r"\b(?:answer|response|verdict|winner|choice)\b\s*(?:is)?\s*[:=]?\s*[\"'(*\[]*([A-Ca-c])\b", re.IGNORECASE
)
_LETTER = re.compile(r"^[\s\"'(\[*`]*([A-Ca-c])[\s\"')\].,:*`]*$")
_TIE = re.compile(r"^\W*(?:it(?:'s| is) a )?tie\b\W*$", re.IGNORECASE)
_LETTERS: dict[str, Preference] = {"A": "first", "B": "second", "C": "tie"}


def score_in(reply: str) -> float | None:
    """The score from 0 to 100 in a reply: its only number, or the one that it names as score; None where there is none.

    >>> score_in("85"), score_in("Score: 90/100."), score_in("I would say 120"), score_in("between 40 and 60")
    (85.0, 90.0, None, None)
    """
    named = re.search(r"\b(?:score|rating)\b\s*(?:is|of)?\s*[:=]?\s*\**\s*" + _NUMBER.pattern, reply, re.IGNORECASE)
    found = [named[1]] if named else _NUMBER.findall(reply)
    if len(set(found)) != 1 or float(found[0]) > 100:
        return None
    return float(found[0])


def preference_in(reply: str) -> Preference | None:
    """The answer that a reply prefers: a letter alone, one in [[ ]], or one that is named; None where there is none.

    >>> preference_in("B"), preference_in("[[A]]"), preference_in("The better answer is B."), preference_in("A and B")
    ('second', 'first', 'second', None)
    """
    if alone := _LETTER.match(reply):
        return _LETTERS[alone[1].upper()]
    if _TIE.match(reply):
        return "tie"
    for pattern in (_MARKED, _NAMED):
        letters = {letter.upper() for letter in pattern.findall(reply)}
        if letters:
            return _LETTERS[letters.pop()] if len(letters) == 1 else None
    return None


def agreed(straight: Preference | None, swapped: Preference | None) -> Preference | None:
    """The verdict on a pair that was shown in both orders (Zheng et al. 2023, arXiv:2306.05685): a win is one in both,
    anything else a tie, since a judge that changes its mind with the order knows of no difference.

    Args:
        straight: of the first answer as A.
        swapped: of the second answer as A.

    Returns:
        None where either reply cannot be read.
    """
    if straight is None or swapped is None:
        return None
    turned: dict[Preference, Preference] = {"first": "second", "second": "first", "tie": "tie"}
    return straight if straight == turned[swapped] else "tie"


@dataclass(frozen=True)
class Agreement:
    """How often two who judged the same pairs say the same."""

    pairs: int
    share: float
    """0-1; of pairs."""
    kappa: float | None
    """Cohen's κ (1960): agreement beyond what chance would give; None where both always say the same one thing."""


def agreement(one: Sequence[Preference], other: Sequence[Preference]) -> Agreement | None:
    """Agreement of two on the same pairs in the same order; None without any."""
    pairs = len(one)
    if not pairs:
        return None
    share = sum(mine == theirs for mine, theirs in zip(one, other, strict=True)) / pairs
    kinds: tuple[Preference, ...] = ("first", "second", "tie")
    chance = sum(one.count(kind) * other.count(kind) for kind in kinds) / pairs**2
    return Agreement(pairs, share, None if chance == 1 else (share - chance) / (1 - chance))
