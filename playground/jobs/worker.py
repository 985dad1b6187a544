"""The whole life of one job in this process: its lock, its phases, its events, its end in words.

The same code runs in a worker process, in a thread of the app and in the foreground of the command line.
"""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.errors import Cancelled, RunError
from playground.jobs import failures, logfile, remains
from playground.jobs.logfile import LogFile
from playground.jobs.recorder import Recorder
from playground.runs import strict
from playground.runs.context import JobContext
from playground.runs.database import StoreUnavailable
from playground.runs.events import Phase
from playground.runs.locks import hold
from playground.runs.records import RunRecord
from playground.runs.store import RunStore
from playground.runs.summary import summarise

RESULT = "result.json"
LOCK_SECONDS = 2.0
"""A start-up that looks for orphans holds a lock for a moment; it is waited for."""


class Ending(NamedTuple):
    """How a job ended."""

    phase: Phase
    reason: str = ""
    steps: int | None = None
    """None where the job did not say; what it emitted stands."""
    metrics: Mapping[str, float] | None = None
    report: Mapping[str, Any] | None = None
    """What goes into the result beside the summary."""


def execute(job: str, store: RunStore) -> Phase:
    """Does a queued job to its end and gives the terminal phase; never raises for what goes wrong in the job itself.

    Raises:
        RunError: there is no such job.
        Busy: another process works on it.
        StoreUnavailable: its end could not be written.
    """
    record = store.get(job)
    folder = store.folder(job)
    started = time.monotonic()
    with hold(store.lock_path(job), wait=LOCK_SECONDS), LogFile(folder / logfile.NAME) as log:
        recorder = Recorder(store, record, log)
        try:
            recorder.begin()
        except RunError as error:  # stopped while it waited
            log.write("info", str(error))
            return store.get(job).phase
        context = JobContext(job, folder, recorder.emit, recorder.stop, record.attempt, recorder.settle)
        ending = _attempt(record, context, log, recorder)
        recorder.close()
        ending = _explained(ending, store, job)
        result = _result(record, folder, ending, recorder, time.monotonic() - started)
        try:
            strict.write(folder / RESULT, result)
        except OSError as error:
            log.error(error)
        recorder.finish(ending.phase, ending.reason, result, record.attempt)
    return store.get(job).phase


def _attempt(record: RunRecord, context: JobContext, log: LogFile, recorder: Recorder) -> Ending:
    try:
        return _perform(record, context)
    except remains.Killed:
        return Ending(Phase.STOPPED, remains.killed(record.kind, context.folder, recorder.steps))
    except Cancelled as error:
        return Ending(Phase.STOPPED, str(error))
    except Exception as error:  # noqa: BLE001  # the boundary: whatever a job does, the app goes on
        log.error(error)
        return Ending(Phase.FAILED, failures.sentence(error, record.kind, record.document))


def _explained(ending: Ending, store: RunStore, job: str) -> Ending:
    """With the reason that was given for the stop, before what it left behind."""
    try:
        asked = store.get(job)
    except StoreUnavailable:  # the end itself waits longer for the store
        return ending
    if ending.phase is not Phase.STOPPED or asked.phase is not Phase.STOPPING:
        return ending
    return ending._replace(reason=f"{asked.reason} {ending.reason}".strip())


def _perform(record: RunRecord, context: JobContext) -> Ending:
    if record.kind == "evaluation":
        from playground.evaluation import job

        settings = codec.decode_section(EvaluationSettings, record.document)
        outcome = job.execute(settings, context)
        return Ending(Phase.STOPPED if outcome.stopped else Phase.DONE, report=outcome.report)
    from playground.training import dispatch

    trained = dispatch.execute(codec.decode(record.document), context)
    if trained.stopped:
        reason = remains.stopped(context.folder, trained.steps)
        return Ending(Phase.STOPPED, reason, trained.steps, trained.metrics)
    return Ending(Phase.DONE, "", trained.steps, trained.metrics)


def _result(record: RunRecord, folder: Path, ending: Ending, recorder: Recorder, seconds: float) -> dict[str, Any]:
    ended = dataclasses.replace(
        record,
        phase=ending.phase,
        reason=ending.reason,
        steps=recorder.steps if ending.steps is None else ending.steps,
        # A resumed run may have its last validation loss from an earlier attempt, which the ending does not know.
        metrics=recorder.metrics | dict(ending.metrics or {}),
    )
    return summarise(ended, folder, record.spent + seconds) | dict(ending.report or {})
