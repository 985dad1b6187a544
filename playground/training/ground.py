"""What every method stands on: from a config to data and model. `footing.py` goes on from here with TRL."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback

from playground.config.run import RunConfig
from playground.data.splits import Splits
from playground.data.splits import prepare as prepare_splits
from playground.models.adapters import attach_lora
from playground.models.devices import choose_device
from playground.models.loading import LoadedModel, load
from playground.models.soft_prompts import attach_prompt
from playground.runs.context import JobContext
from playground.training.precision import Precision, choose_precision
from playground.training.samples import samplers
from playground.training.saving import name_base
from playground.training.stopwatch import Stopwatch

if TYPE_CHECKING:  # TRL's methods alone need what it brings along
    from playground.training.rows import Rows


@dataclass(frozen=True)
class Ground:
    """A run before its rows: the data shared out, and the model as it was before this run."""

    config: RunConfig
    context: JobContext
    device: torch.device
    precision: Precision
    splits: Splits
    loaded: LoadedModel
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def max_length(self) -> int:
        """Tokens of the longest row: what was asked for, as far as the model can read behind a soft prompt."""
        adapter = self.config.adapter
        before = adapter.num_virtual_tokens if adapter.is_prompt else 0
        return min(self.config.training.max_length, self.loaded.info.context_length - before)

    def tell_length(self) -> None:
        """Says where the model reads less than was asked for."""
        wanted = self.config.training.max_length
        if wanted > self.max_length:
            title = self.loaded.info.title
            self.context.log(f"training.max_length {wanted} is more than {title} reads; {self.max_length} is used.")

    def tell_rows(self, rows: "Rows") -> None:
        """Says where there is nothing to measure on."""
        if rows.held_out is None and self.config.training.eval_steps:
            self.context.warn("no_held_out_rows")

    def tell_trained(self, model: torch.nn.Module) -> None:
        """Says how much of the model is trained, and in what format it is kept."""
        trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
        info = self.loaded.info
        self.context.log(
            f"{trained:,} of {info.parameters:,} parameters of {info.title} are trained on {info.device}; "
            f"the weights are kept in {info.dtype}."
        )

    def trainable(self, model: Any = None) -> Any:
        """A model, or else the causal one, with what is trained set free and all else frozen."""
        model = self.loaded.model if model is None else model
        adapter, seed = self.config.adapter, self.config.training.seed
        if adapter.kind == "none":
            model.requires_grad_(True)
        else:
            model = (
                attach_prompt(model, self.loaded.tokenizer, adapter, seed)
                if adapter.is_prompt
                else attach_lora(model, adapter, seed)
            )
            name_base(model, self.config.model)
        self.tell_trained(model)
        return model

    def samplers(self) -> list[TrainerCallback]:
        """What answers the fixed held-out prompts meanwhile; none where `training.sample_steps` is 0."""
        return samplers(self.config, self.splits, self.loaded, self.context, self.watch)


def prepare(config: RunConfig, context: JobContext, check: Callable[[RunConfig, Splits], None] | None = None) -> Ground:
    """Reads the data and loads the model.

    Args:
        check: looks at the data before the model is loaded, and raises where the method cannot learn from it.

    Raises:
        PlaygroundError: something a person can act on.
        Cancelled: the run was asked to stop.
    """
    device = choose_device("auto")
    precision = choose_precision(config.training, config.adapter, device)
    splits = prepare_splits(config.data, context.emit)
    if check is not None:
        check(config, splits)
    context.check()
    loaded = load(config.model, dtype=precision.weights, device=str(device), report=context.emit, stop=context.stop)
    return Ground(config, context, device, precision, splits, loaded)
