"""Where a resumed run goes on: its newest whole checkpoint, if the rows it trains on are still the same."""

import random
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import TrainerState

from playground.errors import RunError
from playground.runs import checkpoints, steps
from playground.runs.checkpoints import Checkpoint
from playground.runs.context import JobContext


class Carried(NamedTuple):
    """What a trainer has counted since its last point on the curve, which its own checkpoints leave out."""

    loss: float
    """Sum over the steps since `logged`."""
    logged: int
    """The step of the last point."""
    tokens: int
    """Seen since the beginning."""
    averages: dict[str, list[float]]
    """Values of TRL's metrics since the last point, one per batch."""


class Start(NamedTuple):
    """A checkpoint to go on from."""

    checkpoint: Checkpoint
    last_step: int
    """At which the run is done."""
    carried: Carried
    evaluated: bool
    """Whether the validation loss of the checkpoint's step is on the curve already."""

    def lacks_evaluation(self, every: int) -> bool:
        """Whether the validation loss was due at the checkpoint's step, and a stop came first."""
        return bool(every) and self.checkpoint.step % every == 0 and not self.evaluated


def find(rows: str, context: JobContext) -> Start | None:
    """The newest whole checkpoint in the run's folder; None where there never was one.

    Args:
        rows: their fingerprint.

    Raises:
        RunError: none is whole, or the rows have changed since.
    """
    checkpoints.tidy(context.folder)
    damaged = checkpoints.cut_short(context.folder)
    for checkpoint in checkpoints.sealed(context.folder):
        if checkpoints.is_whole(checkpoint):
            if damaged:
                context.warn("checkpoint_damaged", names=", ".join(damaged), step=checkpoint.step)
            steps.cut(context.folder, checkpoint.step)
            return _start(checkpoint, rows)
        damaged.append(checkpoint.folder.name)
    if damaged:
        raise RunError(
            f"None of this run's checkpoints is whole ({', '.join(damaged)}), so it cannot go on; start it again."
        )
    steps.cut(context.folder, 0)
    return None


def notes(rows: str, state: TrainerState, carried: Carried) -> dict[str, Any]:
    """What a checkpoint needs beside transformers' own files, for `find`."""
    evaluated = has_logged(state, "eval_loss")
    return {"rows": rows, "last_step": state.max_steps, "carried": carried._asdict(), "evaluated": evaluated}


def random_state() -> dict[str, Any]:
    """Of every generator that training draws from."""
    state = {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def set_random_state(state: dict[str, Any]) -> None:
    """Puts back what `random_state` gave."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["cpu"])
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"])


def _start(checkpoint: Checkpoint, rows: str) -> Start:
    known = checkpoints.notes_of(checkpoint)
    if known["rows"] != rows:
        raise RunError(
            f"The rows are not those that this run was trained on up to step {checkpoint.step}: the data or how it is "
            "read has changed since. Put the data back as it was, or start a new run."
        )
    return Start(checkpoint, known["last_step"], Carried(**known["carried"]), known["evaluated"])


def has_logged(state: TrainerState, name: str) -> bool:
    """Whether a trainer's history has `name` at the step where it stands."""
    return any(entry["step"] == state.global_step and name in entry for entry in state.log_history)
