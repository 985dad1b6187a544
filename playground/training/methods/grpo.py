"""Group relative policy optimisation: TRL's `GRPOTrainer` on PPO's prompts and rewards."""

from typing import cast

from trl import GRPOConfig, GRPOTrainer

from playground.config.methods.grpo import GRPOSettings
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.ground import prepare, single_gpu
from playground.training.groups import Groups, GroupTrainer, check_group
from playground.training.outcome import Outcome


class WatchedGRPOTrainer(GroupTrainer, GRPOTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Tunes `config.model` towards a reward and leaves `adapter` or `model` in the run's folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    settings = cast("GRPOSettings", config.options)
    check_group(config.training, settings)
    groups = Groups(prepare(config, context), settings)
    footing = groups.ground.footing(groups.rows)
    own = {"loss_type": settings.loss, "scale_rewards": settings.scale}
    trainer = WatchedGRPOTrainer(
        reward_funcs=groups.judge,
        args=single_gpu(GRPOConfig(**footing.arguments, **groups.arguments(), **own)),
        **groups.policy(),
        **footing.watching(),
    )
    groups.begin(trainer)
    return footing.run(trainer)
