"""Group relative policy optimisation: TRL's `GRPOTrainer` on PPO's prompts and rewards."""

from typing import cast

from trl import GRPOConfig, GRPOTrainer

from playground.config.methods.grpo import GRPOSettings
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.groups import GroupTrainer, train_in_groups
from playground.training.outcome import Outcome


class WatchedGRPOTrainer(GroupTrainer, GRPOTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """As `train_in_groups`."""
    settings = cast("GRPOSettings", config.options)
    own = {"loss_type": settings.loss, "scale_rewards": settings.scale}
    return train_in_groups(config, context, WatchedGRPOTrainer, GRPOConfig, own)
