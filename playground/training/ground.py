"""What every method that trains with TRL stands on: from a config to model and data, and from the last step to disk.

A method takes a `Ground`, makes rows and a trainer of its own on it, and hands the trainer back to be run to its end:

    ground = prepare(config, context)
    rows = …
    footing = ground.footing(rows)
    trainer = Ours(model=…, args=OurConfig(**footing.arguments), train_dataset=rows.train, **footing.watching)
    return footing.run(trainer)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import TrainerCallback

from playground.config.run import RunConfig
from playground.data.splits import Splits
from playground.data.splits import prepare as prepare_splits
from playground.models.adapters import attach_lora
from playground.models.devices import choose_device
from playground.models.loading import LoadedModel, load
from playground.models.soft_prompts import attach_prompt
from playground.runs import checkpoints
from playground.runs.context import JobContext
from playground.training import continuation
from playground.training.arguments import trainer_arguments
from playground.training.callbacks import Reporter
from playground.training.continuation import Start
from playground.training.outcome import Outcome
from playground.training.precision import Precision, choose_precision
from playground.training.rows import Rows
from playground.training.samples import samplers
from playground.training.saving import name_base, save_result
from playground.training.stopwatch import Stopwatch
from playground.training.tracking import tracker_arguments
from playground.training.trainer import WatchedTrainer


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

    def tell_rows(self, rows: Rows) -> None:
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

    def footing(self, rows: Rows) -> "Footing":
        """Where the run begins, or goes on; for rows that stay as they are.

        Raises:
            RunError: it is to go on, and cannot; see `continuation.find`.
        """
        fingerprint = continuation.fingerprint(rows)
        start = continuation.find(fingerprint, self.context)
        reporter = Reporter(self.context, self.watch, start.carried.tokens if start else 0)
        return Footing(self, rows, fingerprint, start, reporter)


@dataclass(frozen=True)
class Footing:
    """A run with its rows, ready for a trainer."""

    ground: Ground
    rows: Rows
    fingerprint: str
    start: Start | None
    reporter: Reporter

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of a TRL config."""
        ground, training = self.ground, self.ground.config.training
        return trainer_arguments(
            training,
            ground.precision,
            ground.device.type,
            ground.context.folder / checkpoints.FOLDER,
            evaluates=self.rows.held_out is not None,
            evaluates_first=self.start is None or self.start.lacks_evaluation(training.eval_steps),
        ) | tracker_arguments(ground.config, ground.context)

    def watching(self, callbacks: Sequence[TrainerCallback] = ()) -> dict[str, Any]:
        """Keyword arguments of a `WatchedTrainer`: its rows, and everything that looks on."""
        return {
            "train_dataset": self.rows.train,
            "eval_dataset": self.rows.held_out,
            "processing_class": self.ground.loaded.tokenizer,
            "callbacks": [self.reporter, *callbacks],
            "watch": self.ground.watch,
            "context": self.ground.context,
            "rows": self.fingerprint,
        }

    def run(self, trainer: WatchedTrainer) -> Outcome:
        """Trains to the end, or to a stop, and saves what was learnt.

        Raises:
            PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
        """
        context = self.ground.context
        context.check()
        trainer.train_from(self.start)
        save_result(trainer.model, self.ground.loaded.tokenizer, context.folder)
        state = trainer.state
        stopped = state.global_step < state.max_steps
        if stopped:
            _save_stop(trainer, context)
        return Outcome(state.global_step, self.reporter.metrics, stopped)


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


def single_gpu(arguments: Any) -> Any:
    """A TRL config for one GPU: TRL refuses several visible ones in one process, and a run uses one."""
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _save_stop(trainer: WatchedTrainer, context: JobContext) -> None:
    """A checkpoint to resume from; what was learnt is saved by then, so that a full disk costs only this."""
    try:
        trainer.save_stop()
    except (OSError, RuntimeError, SafetensorError) as error:
        context.warn("checkpoint_not_saved", step=trainer.state.global_step, problem=error)
