"""What every method adds to its TRL trainer: whole checkpoints, a watch on the loss, and no word to the outside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import torch
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer import TRAINER_STATE_NAME

from playground.errors import Cancelled, RunError
from playground.models.soft_prompts import has_prompt, load_encoder, save_encoder
from playground.runs import checkpoints
from playground.runs.context import JobContext
from playground.training import continuation
from playground.training.continuation import Carried, Start
from playground.training.saving import check_finite, keep_step, save_weights
from playground.training.stopwatch import Stopwatch
from playground.training.undisturbed import undisturbed


class Moment(NamedTuple):
    """Where training stood after a whole step; a stop in the middle of the next one goes back to it."""

    step: int
    carried: Carried
    random: dict[str, Any] | None
    """None where a stop cannot come in the middle of a step, so that the generators stand right anyway."""


class Look(Protocol):
    """What is measured beside the loss at each evaluation."""

    def look(self, step: int) -> dict[str, float]:
        """Metrics by name, without `eval_`; whatever else there is to show is emitted."""


class WatchedTrainer(Trainer):
    """Mixin to stand in front of a TRL trainer: `class Ours(WatchedTrainer, SFTTrainer)`."""

    looks: Sequence[Look] = ()
    _metrics: dict[str, dict[str, list[float]]]
    """TRL's: by mode, values of each metric since the last point."""
    _total_train_tokens: int
    """TRL's."""

    def __init__(self, *args: Any, watch: Stopwatch, context: JobContext, rows: str, **kwargs: Any) -> None:
        """Adds to TRL's arguments the run's stopwatch and context, and the fingerprint of its rows."""
        super().__init__(*args, **kwargs)
        self._watch = watch
        self._context = context
        self._rows = rows
        self._moment: Moment | None = None
        self.remove_callback(PrinterCallback)

    def compute_loss(self, model: torch.nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """The loss of a batch; raises `RunError` before the backward pass where it is not a finite number."""
        loss: Any = super().compute_loss(model, inputs, *args, **kwargs)
        if model.training and not torch.isfinite(loss):
            raise RunError(
                f"The loss became {loss.item()} at step {self.state.global_step + 1}; lower training.learning_rate "
                f"(now {self.args.learning_rate:g}), or use training.precision float32."
            )
        return loss

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The held-out metrics; empty where a stop came in between. Changes nothing in how the training goes on."""
        try:
            with self._watch.paused(), undisturbed(cast("torch.nn.Module", self.model)):
                return super().evaluate(*args, **kwargs)
        except Cancelled:
            self.control.should_training_stop = True
            self.control.should_evaluate = False
            return {}

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """TRL's, and what `looks` find; their metrics come with the loss's."""
        output = super().evaluation_loop(*args, **kwargs)
        for one in self.looks:
            for name, value in one.look(self.state.global_step).items():
                self._metrics["eval"][name].append(value)
        return output

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: a run's config.json says what it was."""

    def _send_telemetry(self) -> None:
        """Nothing: TRL would tell Hugging Face what is trained on which device; what people do here is their own."""

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """The weights alone: the tokenizer is the base's, the arguments stand in config.json."""
        folder = Path(cast("str", output_dir))
        save_weights(self.model, folder)
        if has_prompt(self.model):
            save_encoder(self.model, folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """The weights of a checkpoint; of a soft prompt with whatever writes it."""
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if has_prompt(self.model):
            load_encoder(self.model, Path(resume_from_checkpoint))

    def train_from(self, start: Start | None) -> None:
        """Trains to the end from a checkpoint, or from the beginning; the curve is the one of a run never cut off."""
        if start is None:
            self.train()
            return
        folder = start.checkpoint.folder
        self.add_callback(_PutBack(self, start.carried))
        if start.checkpoint.step < start.last_step:
            self.train(resume_from_checkpoint=str(folder))
            return
        # Only the end was missing, and transformers would take one step more.
        self._load_from_checkpoint(str(folder))
        self.state = TrainerState.load_from_json(str(folder / TRAINER_STATE_NAME))
        self.callback_handler.on_train_begin(self.args, self.state, self.control)

    def save_stop(self) -> None:
        """A checkpoint of the last whole step, for after the end of training; none where there is one already."""
        if any(found.step == self.state.global_step for found in checkpoints.sealed(self._context.folder)):
            return
        if self._moment is not None:
            self.put_back(self._moment.carried)
            if self._moment.random is not None:
                continuation.set_random_state(self._moment.random)
        self._save_checkpoint(cast("torch.nn.Module", self.model), None)

    def put_back(self, carried: Carried) -> None:
        """Makes the next point on the curve count what was counted before."""
        self._tr_loss = torch.tensor(carried.loss, device=self.args.device)
        self._globalstep_last_logged = carried.logged
        self._total_train_tokens = carried.tokens
        self._metrics["train"].update({name: list(values) for name, values in carried.averages.items()})

    def _carry(self) -> Carried:
        averages = {name: list(values) for name, values in self._metrics["train"].items()}
        return Carried(self._tr_loss.item(), self._globalstep_last_logged, self._total_train_tokens, averages)

    def _maybe_log_save_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Remembers the moment, before a point that is there only because somebody asked to stop."""
        step = self.state.global_step
        if self._moment is not None and self._moment.step == step:  # asked a second time at the end of an epoch
            super()._maybe_log_save_evaluate(*args, **kwargs)
            return
        accumulates = self.args.gradient_accumulation_steps > 1
        extra = self._carry() if self.control.should_log and not self._has_point(step) else None
        super()._maybe_log_save_evaluate(*args, **kwargs)
        if accumulates or self.control.should_training_stop:
            state = continuation.random_state() if accumulates else None
            self._moment = Moment(step, extra or self._carry(), state)

    def _has_point(self, step: int) -> bool:
        return step % self.args.logging_steps == 0 or step in (1, self.state.max_steps)

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Writes a checkpoint beside the last ones and puts it in its place when whole.

        Raises:
            RunError: a trained weight is not a finite number, from which nothing could go on.
        """
        check_finite(cast("torch.nn.Module", self.model))
        folder = self.args.output_dir
        known = continuation.notes(self._rows, self.state, self._carry())
        with self._watch.paused(), checkpoints.writing(self._context.folder, self.state.global_step, known) as partial:
            self.args.output_dir = str(partial)
            try:
                super()._save_checkpoint(model, trial)
            finally:
                self.args.output_dir = folder
            # A curve must not lack what came before the step at which it will go on.
            self._context.settle()
        with self._watch.paused():
            keep_step(cast("torch.nn.Module", self.model), self.state.global_step, self._context)


class _PutBack(TrainerCallback):
    """Gives a resumed trainer what its predecessor had counted; transformers begins at zero just before this."""

    def __init__(self, trainer: WatchedTrainer, carried: Carried) -> None:
        self._trainer = trainer
        self._carried = carried

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._trainer.put_back(self._carried)
