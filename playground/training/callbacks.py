"""Turns what transformers' `Trainer` says into events, and a wish to stop into the end of its loop."""

import math
import time
from collections.abc import Mapping
from typing import Any

import psutil
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from playground.errors import Cancelled
from playground.runs.context import JobContext
from playground.runs.events import Metric, Progress, Resumed
from playground.training.stopwatch import Stopwatch

_LEFT_OUT = frozenset({"eval_runtime", "eval_samples_per_second", "eval_steps_per_second", "eval_num_tokens"})
"""Of what TRL logs: times that count our samples and snapshots in, and tokens that are the same every time."""

GB = 1e9
SIGN_OF_LIFE_SECONDS = 30.0
"""Within a long step, progress is told again about this often, so that nobody takes it for a hung one."""


class Reporter(TrainerCallback):
    """Emits the phase, the metrics and the progress of a run, and ends it at the next step when asked to.

    Beside TRL's own numbers it gives `tokens_per_second` (real tokens, padding not counted, per second of training
    without evaluation, samples and checkpoints), `eta_seconds` and `memory_gb` (10⁹ bytes; the peak of what torch
    allocated on a GPU, else the peak of the process's resident memory).
    """

    def __init__(self, context: JobContext, watch: Stopwatch, tokens: int = 0) -> None:
        """`tokens` were seen before this attempt."""
        self.metrics: dict[str, float] = {}
        self._context = context
        self._watch = watch
        self._first_step = 0
        self._logged = (float(tokens), 0.0)
        self._told = 0.0
        self._peak_memory = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._first_step = state.global_step
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        self._watch.restart()
        if self._context.attempt > 1:
            self._context.emit(Resumed(state.global_step or -1))
            self._context.log(
                f"Goes on from the checkpoint of step {state.global_step}."
                if state.global_step
                else "Begins from the start."
            )
        self._context.running()
        self._progress(state)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        self._progress(state)
        self._stop_if_asked(control)
        if control.should_training_stop:
            control.should_log = True  # the curve ends with the run, whatever log_steps is

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._give_sign(state)
        if state.global_step:
            self._stop_if_asked(control)

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._give_sign(state)
        if self._context.stop.is_set():
            raise Cancelled("Stopped during the validation loss.")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        logs = logs or {}
        if "loss" in logs:
            values = {**logs, **self._telemetry(state, logs)}
        elif "eval_loss" in logs:
            values = {name: logs[name] for name in logs if name.startswith("eval_") and name not in _LEFT_OUT}
        else:
            return
        # None stands for the spread of a single answer.
        values = {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}
        self.metrics |= values
        self._context.emit(Metric(state.global_step, values))

    def _progress(self, state: TrainerState) -> None:
        self._told = time.monotonic()
        self._context.emit(Progress("training", state.global_step, state.max_steps, "steps"))

    def _give_sign(self, state: TrainerState) -> None:
        if time.monotonic() - self._told > SIGN_OF_LIFE_SECONDS:
            self._progress(state)

    def _stop_if_asked(self, control: TrainerControl) -> None:
        if self._context.stop.is_set():
            control.should_training_stop = True
            control.should_evaluate = control.should_save = False

    def _telemetry(self, state: TrainerState, logs: Mapping[str, float]) -> dict[str, float]:
        seconds_per_step = self._watch.total / (state.global_step - self._first_step)
        return {
            **self._speed(logs),
            "eta_seconds": seconds_per_step * (state.max_steps - state.global_step),
            "memory_gb": self._memory() / GB,
        }

    def _speed(self, logs: Mapping[str, float]) -> dict[str, float]:
        if "num_tokens" not in logs:
            return {}  # nothing new was read in this step
        tokens, seconds = logs["num_tokens"], self._watch.running
        tokens_before, seconds_before = self._logged
        self._logged = (tokens, seconds)
        return {"tokens_per_second": (tokens - tokens_before) / max(seconds - seconds_before, 1e-9)}

    def _memory(self) -> int:
        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated()
        self._peak_memory = max(self._peak_memory, psutil.Process().memory_info().rss)
        return self._peak_memory
