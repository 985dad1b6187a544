"""From settings to rewards. Whatever needs a model fetches and loads it here, so that what cannot be had is told before
anything is scored."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playground.config.rewards import (
    ClassifierReward,
    KeywordReward,
    LengthReward,
    PatternReward,
    RewardConfig,
    RewardSettings,
    SentimentReward,
    TrainedReward,
    terms_of,
)
from playground.errors import ConfigError
from playground.rewards.combined import Sum, Weighted
from playground.rewards.lexicon import Sentiment
from playground.rewards.reward import Reward
from playground.rewards.rules import Keyword, Length, Pattern
from playground.runs.events import Progress


def _unheard(_: Progress) -> None:
    """For whoever does not want to know how far a download is."""


@dataclass(frozen=True)
class Surroundings:
    """What making a reward, and asking it, may need."""

    report: Callable[[Progress], None] = _unheard
    """Told how far a model is that has to be fetched."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to give up."""


Maker = Callable[[Any, Surroundings], Reward]


def _classifier(settings: ClassifierReward, around: Surroundings) -> Reward:
    from playground.rewards.classifier import Classifier, classifier_of

    return Classifier(classifier_of(settings.model, around), settings, around.stop)


def _trained(settings: TrainedReward, around: Surroundings) -> Reward:
    from playground.rewards.scoring import reward_model_of
    from playground.rewards.trained import Trained

    if not settings.run:
        raise ConfigError(["reward.reward_model.run is empty; choose a finished run of a reward model."])
    return Trained(reward_model_of(settings.run, report=around.report, stop=around.stop), settings, around.stop)


MAKERS: dict[type[RewardSettings], Maker] = {
    SentimentReward: lambda settings, _: Sentiment(settings),
    LengthReward: lambda settings, _: Length(settings),
    KeywordReward: lambda settings, _: Keyword(settings),
    PatternReward: lambda settings, _: Pattern(settings),
    ClassifierReward: _classifier,
    TrainedReward: _trained,
}
"""A new kind of reward adds its settings to `config.rewards.KINDS` and its maker here."""


def make_reward(settings: RewardConfig, around: Surroundings | None = None) -> Sum:
    """The reward that settings describe, ready to be asked; one alone is a sum of one.

    Raises:
        ModelError: a model that it needs cannot be had, or is no classifier or reward model.
        ConfigError: a model that it needs is not named.
        Cancelled: it was given up.
    """
    around = around or Surroundings()
    return Sum([Weighted(term.weight, MAKERS[type(term.reward)](term.reward, around)) for term in terms_of(settings)])
