"""REINFORCE leave-one-out: TRL's `RLOOTrainer` on PPO's prompts and rewards."""

from statistics import fmean
from typing import cast

from trl import RLOOConfig, RLOOTrainer

from playground.config.methods.rloo import RLOOSettings
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.groups import DIVERGENCE, GroupTrainer, train_in_groups
from playground.training.outcome import Outcome


class WatchedRLOOTrainer(GroupTrainer, RLOOTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's, and the divergence of whole answers where some were drawn."""
        for found in self._metrics.values():
            if found.get("kl") and found.get("length"):
                found[DIVERGENCE] = [fmean(found["kl"]) * fmean(found["length"])]
        super().log(logs, start_time)


def train(config: RunConfig, context: JobContext) -> Outcome:
    """As `train_in_groups`."""
    settings = cast("RLOOSettings", config.options)
    own = {"normalize_advantages": settings.normalise}
    return train_in_groups(config, context, WatchedRLOOTrainer, RLOOConfig, own)
