"""Which two models meet next, and over which question: those that were compared least."""

import itertools
import random
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Matchup(NamedTuple):
    """A question and the two models that answer it."""

    row: int
    """Place of the question in its source."""
    first: str
    """Stands before `second` in the alphabet."""
    second: str


def draw(
    contestants: Collection[str],
    rows: Sequence[int],
    asked: Mapping[tuple[int, str, str], int],
    done: Collection[tuple[int, str, str]],
    chance: random.Random,
) -> Matchup | None:
    """The next matchup for one person; None where they have seen every one.

    First the two models that met least so far, then the question over which they met least; among equals by chance.

    Args:
        rows: the questions there are.
        asked: how many people were given each matchup.
        done: matchups that this person is not given again.
    """
    met = dict.fromkeys(itertools.combinations(sorted(set(contestants)), 2), 0)
    for (_, first, second), people in asked.items():
        if (first, second) in met:
            met[first, second] += people
    done = set(done)
    for first, second in sorted(met, key=lambda two: (met[two], chance.random())):
        left = [row for row in rows if (row, first, second) not in done]
        if left:
            row = min(left, key=lambda row: (asked.get((row, first, second), 0), chance.random()))
            return Matchup(row, first, second)
    return None
