"""What a run left behind, in the words of the sentence that ends it."""

from pathlib import Path

from playground.errors import Cancelled
from playground.jobs.failures import BEFORE
from playground.runs import checkpoints
from playground.runs.events import Phase
from playground.runs.records import JobKind, RunRecord

WEIGHTS = ("adapter", "model")
"""Folders in which a run leaves what it has learnt."""


class Killed(Cancelled):
    """Raised in a job's thread from outside, in the middle of a step; Python makes it there, without arguments."""


def stopped(folder: Path, steps: int) -> str:
    """For a run that ended at a step because somebody asked."""
    saved = [name for name in WEIGHTS if (folder / name).is_dir()]
    last = _last(folder)
    if last == steps:
        saved.append("checkpoint")
    missing = "" if last == steps or not saved else f", its checkpoint not: {kept(folder)}"
    return f"Stopped at step {steps}; {' and '.join(saved) or 'nothing'} saved{missing}."


def killed(kind: JobKind, folder: Path, steps: int, how: str = "Killed") -> str:
    """For a job that was ended in the middle of something."""
    if kind == "evaluation":
        return f"{how}; nothing of it is kept."
    return f"{how} {f'at step {steps}' if steps else BEFORE}; {kept(folder)}."


def kept(folder: Path) -> str:
    """Whether there is anything to go on from."""
    last = _last(folder)
    return "there is no checkpoint" if last is None else f"the last checkpoint is of step {last}"


def told(kind: JobKind, folder: Path) -> str:
    """A sentence on what a run can go on from; empty for an evaluation."""
    if kind == "evaluation":
        return ""
    last = _last(folder)
    return "There is no checkpoint." if last is None else f"The last checkpoint is of step {last}."


def orphaned(record: RunRecord, folder: Path) -> str:
    """For a job whose app or worker is gone."""
    if record.phase is Phase.QUEUED:
        return f"The app ended before this began; {next_time(record.kind)}."
    return f"The app or the machine went down while this was {record.phase}. {told(record.kind, folder)}".rstrip()


def next_time(kind: JobKind) -> str:
    """What to do with a job that never began."""
    return "resume it" if kind == "run" else "start it again"


def _last(folder: Path) -> int | None:
    found = checkpoints.sealed(folder)
    return found[0].step if found else None
