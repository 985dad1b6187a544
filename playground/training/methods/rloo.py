"""REINFORCE leave-one-out: TRL's `RLOOTrainer` on PPO's prompts and rewards."""

from typing import cast

from trl import RLOOConfig, RLOOTrainer

from playground.config.methods.rloo import RLOOSettings
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.groups import GroupTrainer, train_in_groups
from playground.training.outcome import Outcome


class WatchedRLOOTrainer(GroupTrainer, RLOOTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """As `train_in_groups`."""
    settings = cast("RLOOSettings", config.options)
    own = {"normalize_advantages": settings.normalise}
    return train_in_groups(config, context, WatchedRLOOTrainer, RLOOConfig, own)
