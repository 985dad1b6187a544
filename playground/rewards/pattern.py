"""A regular expression as a reward."""

import math
from collections.abc import Sequence

import regex

from playground.config.rewards import PatternReward
from playground.errors import PlaygroundError
from playground.rewards.reward import Bounds, Surroundings

PATTERN_SECONDS = 0.5
"""A pattern is given up after this long on one text: some need longer than the world has had."""


class Pattern:
    """See `PatternReward`."""

    def __init__(self, settings: PatternReward) -> None:
        self.settings = settings
        self.pattern = regex.compile(settings.pattern, regex.IGNORECASE if settings.ignore_case else 0)

    @property
    def bounds(self) -> Bounds:
        """0 to 1, or from 0 up where occurrences are counted."""
        return Bounds(0.0, math.inf if self.settings.counts == "times" else 1.0)

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:  # noqa: ARG002
        return [self._of(text) for text in completions]

    def _of(self, text: str) -> float:
        try:
            match self.settings.counts:
                case "found":
                    return float(self.pattern.search(text, timeout=PATTERN_SECONDS) is not None)
                case "whole":
                    return float(self.pattern.fullmatch(text.strip(), timeout=PATTERN_SECONDS) is not None)
            return float(sum(1 for _ in self.pattern.finditer(text, timeout=PATTERN_SECONDS)))
        except TimeoutError:
            raise PlaygroundError(
                f"The pattern {self.settings.pattern!r} was given up after {PATTERN_SECONDS} s on a text of "
                f"{len(text):,} characters: repetitions within repetitions, such as (a+)+, try every way to share the "
                "letters. Write it without them."
            ) from None


def make(settings: PatternReward, _: Surroundings) -> Pattern:
    """The reward of these settings."""
    return Pattern(settings)
