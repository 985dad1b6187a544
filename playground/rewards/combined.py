"""Several rewards as one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from playground.rewards.reward import Bounds, Reward, scored


@dataclass(frozen=True)
class Weighted:
    """One part of a sum."""

    weight: float
    reward: Reward


class Sum:
    """Σ weight × reward."""

    def __init__(self, parts: Sequence[Weighted]) -> None:
        self.parts = tuple(parts)

    @property
    def bounds(self) -> Bounds:
        """The sums of what each part has at least and at most."""
        ends = [_weighted(part) for part in self.parts]
        return Bounds(math.fsum(one.low for one in ends), math.fsum(one.high for one in ends))

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:
        return self.of(self.each(prompts, completions))

    def each(self, prompts: Sequence[str], completions: Sequence[str]) -> list[list[float]]:
        """What every part says by itself, before its weight."""
        return [scored(part.reward, prompts, completions) for part in self.parts]

    def of(self, each: Sequence[Sequence[float]]) -> list[float]:
        """The sums of what `each` gave."""
        return [
            math.fsum(part.weight * value for part, value in zip(self.parts, values, strict=True))
            for values in zip(*each, strict=True)
        ]


def _weighted(part: Weighted) -> Bounds:
    if part.weight == 0:
        return Bounds(0.0, 0.0)
    ends = sorted((part.weight * part.reward.bounds.low, part.weight * part.reward.bounds.high))
    return Bounds(*ends)
