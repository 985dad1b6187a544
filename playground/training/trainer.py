"""What every method adds to its TRL trainer: whole checkpoints, a watch on the loss, and no word to the outside."""

import shutil
from pathlib import Path
from typing import Any, cast

import torch
from transformers import PrinterCallback, Trainer

from playground.errors import Cancelled, RunError
from playground.training.saving import save_weights
from playground.training.stopwatch import Stopwatch
from playground.training.undisturbed import undisturbed


class WatchedTrainer(Trainer):
    """Mixin to stand in front of a TRL trainer: `class Ours(WatchedTrainer, SFTTrainer)`."""

    def __init__(self, *args: Any, watch: Stopwatch, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watch = watch
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

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: a run's config.json says what it was."""

    def _send_telemetry(self) -> None:
        """Nothing: TRL would tell Hugging Face what is trained on which device; what people do here is their own."""

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """The weights alone: the tokenizer is the base's, the arguments stand in config.json."""
        save_weights(self.model, Path(cast("str", output_dir)))

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Writes a checkpoint beside the last one and puts it in its place when whole, so that one always is."""
        folder = Path(cast("str", self.args.output_dir))
        partial = folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        self.args.output_dir = str(partial)
        try:
            with self._watch.paused():
                super()._save_checkpoint(model, trial)
        finally:
            self.args.output_dir = str(folder)
        before = list(folder.glob("checkpoint-*"))
        for written in partial.glob("checkpoint-*"):
            shutil.rmtree(folder / written.name, ignore_errors=True)
            written.rename(folder / written.name)
            before = [found for found in before if found.name != written.name]
        for old in (*before, partial):
            shutil.rmtree(old, ignore_errors=True)
