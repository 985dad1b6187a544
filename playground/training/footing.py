"""What every method that trains with TRL stands on: from a `Ground` and rows to the last step on disk.

A method makes rows and a trainer of its own, and hands the trainer over to be run to its end:

    ground = prepare(config, context)
    rows = …
    footing = footing_of(ground, rows)
    trainer = Ours(model=…, args=OurConfig(**footing.arguments), **footing.watching())
    return footing.run(trainer)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from safetensors import SafetensorError
from transformers import TrainerCallback

from playground.runs import checkpoints
from playground.runs.context import JobContext
from playground.training import continuation
from playground.training.arguments import trainer_arguments
from playground.training.callbacks import Reporter
from playground.training.continuation import Start
from playground.training.ground import Ground
from playground.training.outcome import Outcome
from playground.training.rows import Rows, fingerprint_of
from playground.training.saving import save_result
from playground.training.tracking import tracker_arguments
from playground.training.trainer import WatchedTrainer


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


def footing_of(ground: Ground, rows: Rows) -> Footing:
    """Where the run begins, or goes on; for rows that stay as they are.

    Raises:
        RunError: it is to go on, and cannot; see `continuation.find`.
    """
    fingerprint = fingerprint_of(rows)
    start = continuation.find(fingerprint, ground.context)
    reporter = Reporter(ground.context, ground.watch, start.carried.tokens if start else 0)
    return Footing(ground, rows, fingerprint, start, reporter)


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
