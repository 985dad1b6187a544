"""Odds ratio preference optimisation: our loss in TRL's `DPOTrainer`, whose batches of pairs it shares.

TRL's own `ORPOTrainer` is an experiment that tokenises texts by itself; the loss is `core.losses.orpo_loss`.
"""

from typing import Any

import torch
from trl import DPOConfig, DPOTrainer

from playground.config.run import RunConfig
from playground.core.losses import IGNORED, orpo_loss
from playground.runs.context import JobContext
from playground.training.footing import footing_of, single_gpu
from playground.training.ground import prepare
from playground.training.held_policy import HeldTrainer, look_on, pairs_of, policy_and_reference, refuse_output_layer
from playground.training.outcome import Outcome
from playground.training.pairs import require_pairs


class ORPOTrainer(DPOTrainer):  # type: ignore[misc]  # trl carries no types
    """Reads each pair once and needs no reference."""

    def _compute_loss(self, model: torch.nn.Module, inputs: dict[str, torch.Tensor], return_outputs: bool) -> Any:
        mask, metrics = inputs["completion_mask"], self._metrics["train" if model.training else "eval"]
        output = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            labels=inputs["input_ids"].masked_fill(mask == 0, IGNORED),
            use_cache=False,
            fused_lm_head=True,
        )
        # The preferred answers are the first half of the batch, the rejected ones the second.
        chosen, rejected = output.log_probs.sum(dim=1).chunk(2)
        found = orpo_loss(chosen, rejected, *mask[:, 1:].sum(dim=1).chunk(2), weight=self.args.beta)
        if model.training:
            self._total_train_tokens += int(inputs["attention_mask"].sum())
        metrics["num_tokens"] = [self._total_train_tokens]
        for name, value in {
            "logps/chosen": chosen.detach().mean(),
            "logps/rejected": rejected.detach().mean(),
            "nll_loss": found.likelihood,
            "odds_loss": found.odds,
            "log_odds_ratio": found.log_odds_ratio.mean(),
            "rewards/accuracies": (found.log_odds_ratio > 0).float().mean(),
        }.items():
            metrics[name].append(value.item())
        return (found.total, output) if return_outputs else found.total


class WatchedORPOTrainer(HeldTrainer, ORPOTrainer):
    """With our watch on it."""


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Tunes `config.model` towards preferred answers and leaves `adapter` or `model` in the run's folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    refuse_output_layer(config)
    ground = prepare(config, context, require_pairs)
    models = policy_and_reference(ground)
    rows = pairs_of(ground)
    footing = footing_of(ground, rows)
    options: Any = config.options
    # The base's own dropout is off already, and the adapter's is the person's choice; rows are cut already.
    ready = {"beta": options.beta, "max_length": None, "disable_dropout": False}
    trainer = WatchedORPOTrainer(
        **models,
        args=single_gpu(DPOConfig(**footing.arguments, **ready)),
        **footing.watching(ground.samplers()),
    )
    look_on(trainer, ground, rows.held_out)
    return footing.run(trainer)
