"""Random choices that keep count of how surprising they were: a grammar's own entropy, measured as it speaks."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A seeded source of choices. `nats` grows by −log p of each choice, so that the mean of `nats` over many
    documents is the entropy of the derivations: an upper bound on the entropy of the texts, tight where two
    derivations seldom give the same text.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # a grammar needs repeatable choices, not secrets
        self.nats = 0.0

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        self.nats += math.log(len(options))
        return options[self._random.randrange(len(options))]

    def weighted(self, options: Mapping[T, float]) -> T:
        """One of the keys, as likely as its value says; values need not sum to 1."""
        choice = self._random.choices(list(options), list(options.values()))[0]
        self.nats -= math.log(options[choice] / sum(options.values()))
        return choice

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        happens = self._random.random() < probability
        self.nats -= math.log(probability if happens else 1 - probability)
        return happens

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options in random order."""
        self.nats += math.lgamma(len(options) + 1) - math.lgamma(len(options) - count + 1)
        return self._random.sample(list(options), count)

    def untold(self, options: Sequence[T], count: int = 1) -> None:
        """Takes back the surprise of `count` draws among these options that left no trace in the text."""
        self.nats -= count * math.log(len(options))
