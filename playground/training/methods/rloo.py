"""REINFORCE leave-one-out: TRL's `RLOOTrainer` on PPO's prompts and rewards."""

from typing import cast

from trl import RLOOConfig, RLOOTrainer

from playground.config.methods.rloo import RLOOSettings
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.ground import prepare, single_gpu
from playground.training.groups import Groups, GroupTrainer, check_group
from playground.training.outcome import Outcome


class WatchedRLOOTrainer(GroupTrainer, RLOOTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Tunes `config.model` towards a reward and leaves `adapter` or `model` in the run's folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    settings = cast("RLOOSettings", config.options)
    check_group(config.training, settings)
    groups = Groups(prepare(config, context), settings)
    footing = groups.ground.footing(groups.rows)
    own = {"normalize_advantages": settings.normalise}
    trainer = WatchedRLOOTrainer(
        reward_funcs=groups.judge,
        args=single_gpu(RLOOConfig(**footing.arguments, **groups.arguments(), **own)),
        **groups.policy(),
        **footing.watching(),
    )
    groups.begin(trainer)
    return footing.run(trainer)
