"""Keywords as a reward."""

import math
from collections.abc import Sequence

import regex

from playground.config.rewards import KeywordReward
from playground.rewards.reward import Bounds, Surroundings


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


def make(settings: KeywordReward, _: Surroundings) -> Keyword:
    """The reward of these settings."""
    return Keyword(settings)
