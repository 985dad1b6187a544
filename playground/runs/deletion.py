"""How a run goes away, or its checkpoints do, and the disk they took comes back.

Nothing is taken from under a living process: whoever works on a run holds its lock, which is held here too while the
store forgets the run. The store notes in the same transaction that the folder must go, so that one left by a process
that died in between goes at the next sweep.
"""

import logging
import shutil
from collections.abc import Mapping
from typing import Any

from playground.errors import Busy, RunError
from playground.runs import checkpoints, disk
from playground.runs.database import in_words
from playground.runs.events import Phase
from playground.runs.locks import hold
from playground.runs.records import RunRecord
from playground.runs.rows import find, record_of
from playground.runs.store import RunStore

logger = logging.getLogger(__name__)

LEAVING_SECONDS = 5.0
"""A worker that has written its end may hold its lock for about this much longer."""


def delete(store: RunStore, run: str) -> int:
    """Deletes a run or an evaluation, events, folder and all; gives the bytes that came back.

    Evaluations of a run stay: their scores and answers lie in folders of their own.

    Raises:
        RunError: there is no such run, it goes on still, or another run stands on it.
        Busy: a process works on it.
        StoreUnavailable: the store or the folder cannot be written.
    """
    record, folder = store.get(run), store.folder(run)
    if not record.phase.terminal and store.alive(record):
        raise RunError(f"{_called(record)} is {record.phase}; stop it first, then it can be deleted.")
    lock = _held(store, record)
    try:
        with store.database.writing() as connection:
            row = find(connection, run)
            if (row["phase"], row["attempt"]) != (record.phase, record.attempt):
                raise RunError(f"{_called(record)} has just become {row['phase']}; look again before it is deleted.")
            wanted = (f'%"{run}"%', f'%"{run}@%')
            naming = [record_of(other) for other in connection.execute(_NAMING, wanted)]
            _check_nothing_stands_on(record, naming)
            connection.execute("DELETE FROM events WHERE run = ?", (row["number"],))
            connection.execute("DELETE FROM runs WHERE number = ?", (row["number"],))
            connection.execute("INSERT INTO removals (run) VALUES (?)", (run,))
    finally:
        lock.release()
    before = disk.size_of(folder)
    sweep(store)
    return before - disk.size_of(folder)


def sweep(store: RunStore) -> None:
    """Removes the folders of runs that were deleted, also of those whose deletion was cut short."""
    with store.database.reading() as connection:
        waiting = [str(row["run"]) for row in connection.execute("SELECT run FROM removals")]
    for run in waiting:
        folder = store.home / "runs" / run
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            if folder.exists():  # else another process has just swept it away
                logger.warning("The folder of deleted run %s cannot be removed yet: %s", run, error)
                continue
        with store.database.writing() as connection:
            connection.execute("DELETE FROM removals WHERE run = ?", (run,))


def free_checkpoints(store: RunStore, run: str) -> int:
    """Removes the checkpoints of a run that has ended, what it learnt stays; gives the bytes that came back.

    Raises:
        RunError: there is no such run, or it goes on still.
        Busy: a process works on it.
        StoreUnavailable: the checkpoints cannot be removed.
    """
    record, folder = store.get(run), store.folder(run)
    lock = _held(store, record)
    try:
        # Inside a transaction, since resuming is one too: a run must not lose what it has just begun to go on from.
        with store.database.writing() as connection:
            phase = Phase(find(connection, run)["phase"])
            if not phase.terminal:
                raise RunError(f"{_called(record)} is {phase}; its checkpoints can be freed once it has ended.")
            with in_words(folder):
                before = disk.use_of(folder).checkpoints
                checkpoints.put_aside(folder)
        with in_words(folder):
            checkpoints.free(folder)
    finally:
        lock.release()
    return before - disk.use_of(folder).checkpoints


def references(document: Mapping[str, Any]) -> set[str]:
    """Ids of the runs that a run's config stands on: every `{"run": ID}` in it.

    >>> references({"model": {"run": "sft-abc234"}, "name": "x"})
    {'sft-abc234'}
    """
    found: set[str] = set()
    for value in document.values():
        if isinstance(value, Mapping):
            named = value.get("run")
            found |= {named} if set(value) == {"run"} and isinstance(named, str) else references(value)
    return found


_NAMING = "SELECT * FROM runs WHERE document LIKE ? OR document LIKE ? ORDER BY number"
"""Runs whose document has an id in it somewhere, or one of its steps; ids are of letters, digits and hyphens, which
LIKE takes as such."""


def _check_nothing_stands_on(record: RunRecord, naming: list[RunRecord]) -> None:
    above = [other for other in naming if record.id in references(other.document)]
    if above:
        names = ", ".join(_called(other) for other in above)
        raise RunError(f"{_called(record)} cannot be deleted: {names} began from it; delete what began from it first.")
    asking = [other for other in naming if other.kind == "evaluation" and not other.phase.terminal]
    if asking:
        names = ", ".join(_called(other) for other in asking)
        raise RunError(f"{_called(record)} cannot be deleted while it is evaluated by {names}; stop that first.")


def _called(record: RunRecord) -> str:
    return f"{record.name} ({record.id})" if record.name else record.id


def _held(store: RunStore, record: RunRecord) -> Any:
    try:
        return hold(store.lock_path(record.id), wait=LEAVING_SECONDS)
    except Busy:
        raise Busy(f"{_called(record)} is being worked on by a process; try again once that has ended.") from None
