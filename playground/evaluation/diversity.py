"""How much a model repeats itself over many answers: distinct n-grams (Li et al. 2016, arXiv:1510.03055)."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from playground.evaluation.metrics import words_of


class Distinct(NamedTuple):
    """Of a set of answers."""

    share: float
    """Different n-grams as a share of all n-grams of the set, 0-1; 0 where there are none."""
    without: tuple[float, ...]
    """The same without each answer in turn: what the jackknife needs."""


def distinct(texts: Sequence[str], n: int) -> Distinct:
    """Distinct-n of the set, counted over all answers together as in the paper."""
    grams = [_grams(words_of(text), n) for text in texts]
    total: Counter[tuple[str, ...]] = Counter()
    for own in grams:
        total.update(own)
    different, all_of_them = len(total), total.total()
    without = [
        _share(different - sum(total[gram] == count for gram, count in own.items()), all_of_them - own.total())
        for own in grams
    ]
    return Distinct(_share(different, all_of_them), tuple(without))


def _grams(words: Sequence[str], n: int) -> "Counter[tuple[str, ...]]":
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _share(different: int, total: int) -> float:
    return different / total if total else 0.0
