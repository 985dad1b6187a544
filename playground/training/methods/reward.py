"""Reward models: TRL's `RewardTrainer` on pairs that we have tokenised ourselves, and a head on our causal model."""

from typing import Any, cast

import torch
from trl import RewardConfig, RewardTrainer

from playground.config.methods.reward import RewardModelSettings
from playground.config.run import RunConfig
from playground.data.splits import Splits
from playground.errors import DataError
from playground.models.heads import with_head
from playground.runs.context import JobContext
from playground.training.footing import footing_of, single_gpu
from playground.training.ground import Ground, prepare
from playground.training.outcome import Outcome
from playground.training.pairs import PairEncoding, require_pairs
from playground.training.ranking import Ranking
from playground.training.rows import Rows
from playground.training.trainer import WatchedTrainer


class ScoringTrainer(RewardTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer that keeps each side's scores, and counts held-out pairs and not batches of them."""

    _metrics: dict[str, dict[str, list[float]]]
    scored: list[tuple[torch.Tensor, torch.Tensor]]
    """Scores of the preferred and of the rejected answers, by batch of the evaluation that goes on."""

    def compute_loss(
        self, model: torch.nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """TRL's loss, with the mean score of each side among its metrics."""
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        sides = torch.chunk(outputs.logits.detach().squeeze(-1).float().cpu(), 2)
        if model.training:
            for name, side in zip(("chosen_reward", "rejected_reward"), sides, strict=True):
                self._metrics["train"][name].append(side.mean().item())
        else:
            self.scored.append((sides[0], sides[1]))
            # TRL averages over batches, of which the last may be smaller.
            self._metrics["eval"].update({name: [value] for name, value in self._held_out().items()})
        return (loss, outputs) if return_outputs else loss

    def _held_out(self) -> dict[str, float]:
        chosen, rejected = (torch.cat(side) for side in zip(*self.scored, strict=True))
        return {
            "accuracy": (chosen > rejected).float().mean().item(),
            "margin": (chosen - rejected).mean().item(),
            "min_reward": torch.cat((chosen, rejected)).min().item(),
            "mean_reward": torch.cat((chosen, rejected)).mean().item(),
            "max_reward": torch.cat((chosen, rejected)).max().item(),
            "chosen_reward": chosen.mean().item(),
            "rejected_reward": rejected.mean().item(),
        }


class WatchedRewardTrainer(WatchedTrainer, ScoringTrainer):
    """With our watch on it; tells what its held-out pairs came to."""

    def __init__(self, *args: Any, ranking: Ranking | None, **kwargs: Any) -> None:
        """Adds what tells of the held-out pairs; None where there are none."""
        super().__init__(*args, **kwargs)
        self._ranking = ranking
        self.scored = []

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The held-out metrics, and a snapshot of every pair's scores; see `WatchedTrainer.evaluate`."""
        self.scored = []
        found = super().evaluate(*args, **kwargs)
        if found and self._ranking is not None:
            chosen, rejected = (torch.cat(side) for side in zip(*self.scored, strict=True))
            self._ranking.tell(self.state.global_step, chosen, rejected, self._context)
        return found


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Trains a reward model on `config.model`'s trunk and leaves `adapter`, head included, or `model` in the folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    options = cast("RewardModelSettings", config.options)
    ground = prepare(config, context, _check)
    footing = footing_of(ground, _rows(ground, options))
    model = ground.trainable(with_head(ground.loaded.model, ground.loaded.tokenizer, config.training.seed))
    held_out = footing.rows.held_out
    # The rows are cut already; TRL would turn the adapter's dropout off, which is the person's to choose.
    ready = {"max_length": None, "disable_dropout": False}
    centred = {"center_rewards_coefficient": options.center_rewards_coefficient or None}
    trainer = WatchedRewardTrainer(
        model=model,
        args=single_gpu(RewardConfig(**footing.arguments, **ready, **centred)),
        ranking=None if held_out is None else Ranking.of(ground.splits, held_out["row"]),
        **footing.watching(),
    )
    return footing.run(trainer)


def _check(config: RunConfig, splits: Splits) -> None:
    """Raises where the data cannot be learnt from, before a model is loaded."""
    require_pairs(config, splits)
    _margins(cast("RewardModelSettings", config.options), splits)


def _rows(ground: Ground, options: RewardModelSettings) -> Rows:
    ground.tell_length()
    data = ground.config.data
    margins = _margins(options, ground.splits)
    encoding = PairEncoding(data.template_text, ground.loaded.tokenizer, ground.max_length, True, margins)
    rows = encoding.rows(ground.splits, ground.config.training.eval_rows, ground.context)
    ground.tell_rows(rows)
    return rows


def _margins(options: RewardModelSettings, splits: Splits) -> dict[int, float] | None:
    """By row, how much better its preferred answer is at least; None where the data does not say.

    Raises:
        DataError: there is no such column, or a row holds no number.
    """
    column = options.margin_column
    if not column:
        return None
    if column not in splits.table_columns:
        raise DataError(
            f"reward.margin_column names {column!r}, which is no column of {splits.source}; it has "
            f"{', '.join(splits.table_columns)}."
        )
    found = {}
    for record in (*splits.train, *splits.validation, *splits.test):
        value = splits.rows[record.row][column]
        try:
            found[record.row] = float(cast("float", value))
        except (TypeError, ValueError):
            raise DataError(
                f"The margin of row {record.row} must be a number; {column} holds {value!r} there."
            ) from None
    return found
