"""Which runs can go on, and the way back into the queue."""

from pathlib import Path

from playground.errors import Busy, RunError
from playground.runs import checkpoints
from playground.runs.events import Phase
from playground.runs.locks import hold
from playground.runs.records import RESUMABLE, RunRecord
from playground.runs.store import RunStore

LEAVING_SECONDS = 5.0
"""A worker that has written its end may hold its lock for about this much longer."""
ABANDONED = "Whoever worked on this went down; what was saved by then is kept."


def resumable(record: RunRecord, folder: Path) -> bool:
    """Whether a run has ended and left a checkpoint to go on from, or was interrupted before its first step."""
    if record.kind != "run" or record.phase not in RESUMABLE:
        return False
    never_begun = record.phase is Phase.INTERRUPTED and record.steps == 0
    return never_begun or bool(checkpoints.sealed(folder))


def resume(store: RunStore, run: str) -> None:
    """Puts a run back into this process's queue, under its id and in its folder.

    Raises:
        RunError: there is no such run, it goes on still, is done, or left nothing to go on from.
        Busy: a process works on it.
    """
    record = store.get(run)
    if record.kind != "run":
        raise RunError(f"{run} is an evaluation, which cannot be resumed; start it again.")
    if not record.phase.terminal:
        if store.alive(record):
            raise RunError(f"Run {run} is {record.phase} and somebody works on it; there is nothing to resume.")
        store.finish(run, Phase.INTERRUPTED, ABANDONED, attempt=record.attempt)
        record = store.get(run)
    if record.phase is Phase.DONE:
        raise RunError(f"Run {run} is done; to train further, start a run on top of it (model: run {run}).")
    if not resumable(record, store.folder(run)):
        raise RunError(f"Run {run} ({record.phase}) left no checkpoint that is whole; start it again.")
    try:
        hold(store.lock_path(run), wait=LEAVING_SECONDS).release()
    except Busy:
        raise Busy(f"Run {run} is being worked on by another process; resume it once that has ended.") from None
    store.resume(run)
