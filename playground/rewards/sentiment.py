"""Sentiment by a lexicon: VADER, which was made for English and gives 0 to what it does not know."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.config.rewards import SentimentReward
from playground.rewards.reward import Bounds, Surroundings, read_by

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

KEYS = {"compound": "compound", "positive": "pos", "negative": "neg"}


class Sentiment:
    """See `SentimentReward`."""

    def __init__(self, settings: SentimentReward) -> None:
        self.settings = settings

    @property
    def bounds(self) -> Bounds:
        """-1 to 1, or 0 to 1 for a share."""
        return Bounds(-1.0 if self.settings.score == "compound" else 0.0, 1.0)

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:
        key, analyser = KEYS[self.settings.score], _analyser()
        texts = read_by(self.settings.reads, prompts, completions)
        return [float(analyser.polarity_scores(text)[key]) for text in texts]


def make(settings: SentimentReward, _: Surroundings) -> Sentiment:
    """The reward of these settings."""
    return Sentiment(settings)


@functools.cache
def _analyser() -> "SentimentIntensityAnalyzer":
    """The lexicon of 7,500 words, read once."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
