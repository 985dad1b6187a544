"""From settings to rewards: each kind is made by the module of its name beside this one."""

import importlib

from playground.config.rewards import RewardConfig, RewardSettings, terms_of
from playground.rewards.combined import Sum, Weighted
from playground.rewards.reward import Reward, Surroundings


def make_reward(settings: RewardConfig, around: Surroundings | None = None) -> Sum:
    """The reward that settings describe, ready to be asked; one alone is a sum of one.

    Whatever needs a model fetches and loads it here, so that what cannot be had is told before anything is scored.

    Raises:
        ModelError: a model that it needs cannot be had, or is no classifier or reward model.
        ConfigError: a model that it needs is not named.
        Cancelled: it was given up.
    """
    around = around or Surroundings()
    return Sum([Weighted(term.weight, _made(term.reward, around)) for term in terms_of(settings)])


def _made(settings: RewardSettings, around: Surroundings) -> Reward:
    """By `make(settings, around)` of `playground.rewards.KIND`, imported only now, since some bring torch with them."""
    made: Reward = importlib.import_module(f"playground.rewards.{settings.kind}").make(settings, around)
    return made
