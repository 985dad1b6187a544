"""Says when learning from pairs makes the preferred answers themselves less likely, which the loss does not show."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from playground.config.methods.dpo import DPOSettings
from playground.config.methods.kto import KTOSettings
from playground.runs.context import JobContext

MARK = "both_fell"
"""Name of the entry in a trainer's history, which checkpoints keep."""
NATS = 1.0
"""An answer counts as less likely once it has lost more than this, on the mean over pairs."""
POINTS = 5
"""Points of the training curve that are averaged where nothing is held out: one batch may chance to look so."""


class FallWatch(TrainerCallback):
    """Warns, once in a run, when preferred and rejected answers are both less likely than under the reference.

    The loss looks at the difference between the two alone, so it falls while both do (Pal et al. 2024,
    arXiv:2402.13228; Razin et al. 2024, arXiv:2410.08847): the probability goes to answers that nobody has seen.
    """

    def __init__(self, context: JobContext, settings: DPOSettings | KTOSettings) -> None:
        self._context = context
        self._settings = settings
        self._told = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._told = any(MARK in entry for entry in state.log_history)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._told:
            return
        prefix, points = ("eval_", 1) if args.eval_strategy != "no" else ("", POINTS)
        measured = [entry for entry in state.log_history if f"{prefix}rewards/chosen" in entry][-points:]
        if len(measured) < points:
            return
        chosen, rejected = (
            sum(entry[f"{prefix}rewards/{side}"] for entry in measured) / points / self._settings.beta
            for side in ("chosen", "rejected")
        )
        if chosen < -NATS and rejected < -NATS:
            self._tell(state, chosen, rejected, "held_out" if prefix else "training")

    def _tell(self, state: TrainerState, chosen: float, rejected: float, rows: str) -> None:
        self._told = True
        state.log_history.append({"step": state.global_step, MARK: 1.0})
        key = f"both_fall_{self._settings.section}_{rows}"
        self._context.warn(key, step=state.global_step, chosen=f"{-chosen:.1f}", rejected=f"{-rejected:.1f}")
