"""Rewards by rule: length, keywords, a regular expression."""

import math
from collections.abc import Sequence

import regex

from playground.config.rewards import KeywordReward, LengthReward, PatternReward
from playground.errors import PlaygroundError
from playground.rewards.reward import Bounds

PATTERN_SECONDS = 0.5
"""A pattern is given up after this long on one text: some need longer than the world has had."""


class Length:
    """See `LengthReward`."""

    def __init__(self, settings: LengthReward) -> None:
        self.settings = settings

    @property
    def bounds(self) -> Bounds:
        """One-sided: lengths end at 0 on one side only."""
        best_at_zero = (self.settings.shape == "target") == (self.settings.slope > 0)
        return Bounds(high=0.0) if best_at_zero else Bounds(low=0.0)

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:  # noqa: ARG002
        chosen = self.settings
        lengths = [len(text.split()) if chosen.unit == "words" else len(text) for text in completions]
        if chosen.shape == "target":
            # 0.0 is added so that the best is 0 and not -0.
            return [0.0 - chosen.slope * abs(length - chosen.target) for length in lengths]
        return [chosen.slope * length for length in lengths]


class Keyword:
    """See `KeywordReward`."""

    def __init__(self, settings: KeywordReward) -> None:
        self.settings = settings
        words = dict.fromkeys(word.strip() for word in settings.keywords if word.strip())
        flags = regex.IGNORECASE if settings.ignore_case else 0
        edges = (r"(?<!\w)", r"(?!\w)") if settings.whole_words else ("", "")
        self.patterns = [regex.compile(regex.escape(word).join(edges), flags) for word in words]

    @property
    def bounds(self) -> Bounds:
        """0 to 1, or from 0 up where occurrences are counted."""
        return Bounds(0.0, math.inf if self.settings.counts == "times" else 1.0)

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:  # noqa: ARG002
        found = [[len(pattern.findall(text)) for pattern in self.patterns] for text in completions]
        match self.settings.counts:
            case "any":
                return [float(any(times)) for times in found]
            case "share":
                return [sum(map(bool, times)) / len(times) for times in found]
        return [float(sum(times)) for times in found]


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
