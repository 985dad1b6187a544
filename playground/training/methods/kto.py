"""Kahneman–Tversky optimisation: TRL's `KTOTrainer` on single answers, each known to be good or bad."""

import random
from typing import Any, cast

from datasets import Dataset, Features, Value
from trl import KTOConfig, KTOTrainer

from playground.config.methods.kto import KTOSettings
from playground.config.run import RunConfig
from playground.errors import ConfigError
from playground.runs.context import JobContext
from playground.training.falling import FallWatch
from playground.training.footing import footing_of, single_gpu
from playground.training.ground import prepare
from playground.training.held_policy import HeldTrainer, look_on, pairs_of, policy_and_reference, refuse_output_layer
from playground.training.outcome import Outcome
from playground.training.pairs import require_pairs
from playground.training.rows import IDS, Rows

FEATURES = Features(
    {"prompt_ids": IDS, "completion_ids": IDS, "KL_completion_ids": IDS, "label": Value("bool")},
)


class WatchedKTOTrainer(HeldTrainer, KTOTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Tunes `config.model` towards good answers and leaves `adapter` or `model` in the run's folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    refuse_output_layer(config)
    if config.training.batch_size < 2:
        given = config.training.batch_size
        raise ConfigError([f"training.batch_size must be at least 2 for KTO, which compares answers; got {given}."])
    settings = cast("KTOSettings", config.options)
    ground = prepare(config, context, require_pairs)
    models = policy_and_reference(ground)
    pairs = pairs_of(ground)
    footing = footing_of(ground, _answers(pairs, config))
    trainer = WatchedKTOTrainer(
        **models,
        args=single_gpu(KTOConfig(**footing.arguments, **_loss(settings))),
        **footing.watching([*ground.samplers(), FallWatch(context, settings)]),
    )
    look_on(trainer, ground, pairs.held_out)
    return footing.run(trainer)


def _loss(settings: KTOSettings) -> dict[str, Any]:
    """The loss in the words of a `KTOConfig`."""
    return {
        "beta": settings.beta,
        "desirable_weight": settings.desirable_weight,
        "undesirable_weight": settings.undesirable_weight,
        "max_length": None,
        "disable_dropout": False,  # the base's own is off already, and the adapter's is the person's choice
        # Each answer is paired with a neighbour's prompt beforehand, so their order has to stay.
        "train_sampling_strategy": "sequential",
    }


def _answers(pairs: Rows, config: RunConfig) -> Rows:
    """Single answers in an order that `training.seed` shuffles once for the whole run."""
    training = config.training
    train, held_out = (
        part and unpaired(part, batch_size=training.batch_size, seed=training.seed)
        for part in (pairs.train, pairs.held_out)
    )
    return Rows(cast("Dataset", train), held_out)


def unpaired(pairs: Dataset, *, batch_size: int, seed: int) -> Dataset:
    """Both answers of each pair as rows of their own, shuffled.

    `KL_completion_ids` is the answer of the row before in the same batch of `batch_size`, the last one's for the first:
    an answer to another prompt, on which KTO measures how far the policy has moved altogether.
    """
    rows = [
        {"prompt_ids": pair["prompt_ids"], "completion_ids": pair[f"{side}_ids"], "label": side == "chosen"}
        for pair in pairs
        for side in ("chosen", "rejected")
    ]
    random.Random(seed).shuffle(rows)
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        for place, row in enumerate(batch):
            row["KL_completion_ids"] = batch[place - 1]["completion_ids"]
    return Dataset.from_list(rows, features=FEATURES)
