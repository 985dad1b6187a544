"""Direct preference optimisation: TRL's `DPOTrainer` on pairs that we have tokenised ourselves."""

from typing import Any, cast

from trl import DPOConfig, DPOTrainer

from playground.config.methods.dpo import DPOSettings
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.falling import FallWatch
from playground.training.footing import footing_of, single_gpu
from playground.training.ground import prepare
from playground.training.held_policy import HeldTrainer, look_on, pairs_of, policy_and_reference, refuse_output_layer
from playground.training.outcome import Outcome
from playground.training.pairs import require_pairs


class WatchedDPOTrainer(HeldTrainer, DPOTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Tunes `config.model` towards preferred answers and leaves `adapter` or `model` in the run's folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    refuse_output_layer(config)
    settings = cast("DPOSettings", config.options)
    ground = prepare(config, context, require_pairs)
    models = policy_and_reference(ground)
    rows = pairs_of(ground)
    footing = footing_of(ground, rows)
    # The base's own dropout is off already, and the adapter's is the person's choice; rows are cut already.
    ready = {"max_length": None, "disable_dropout": False}
    trainer = WatchedDPOTrainer(
        **models,
        args=single_gpu(DPOConfig(**footing.arguments, **_loss(settings), **ready)),
        **footing.watching([*ground.samplers(), FallWatch(context, settings)]),
    )
    look_on(trainer, ground, rows.held_out)
    return footing.run(trainer)


def _loss(settings: DPOSettings) -> dict[str, Any]:
    """The loss in the words of a `DPOConfig`."""
    likelihood = bool(settings.nll)
    return {
        "beta": settings.beta,
        "loss_type": [settings.loss, *["sft"] * likelihood],
        "loss_weights": [1.0, *[settings.nll] * likelihood],
        "label_smoothing": settings.label_smoothing,
    }
