"""A job done in the foreground, as the command line does it: Ctrl-C once stops at the next step, twice ends it."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator

from playground.errors import PlaygroundError, RunError
from playground.jobs import remains, worker
from playground.jobs.watchdog import Watchdog
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.runs.store import RunStore

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
INTERRUPTED_BY_PERSON = 130
"""Exit code of a command ended by Ctrl-C, as shells have it."""
HUNG = 1
"""Exit code of a command that the watchdog ended: a failed run's."""


def execute(job: str, store: RunStore) -> RunRecord:
    """Does a queued job in this process and gives it as it ended. Call from the main thread.

    Raises:
        RunError: there is no such job.
        Busy: another process works on it.
    """
    with _interrupt_stops(job, store):
        worker.execute(job, store)
    return store.get(job)


@contextlib.contextmanager
def _interrupt_stops(job: str, store: RunStore) -> Iterator[None]:
    # In a thread, for the signal may find the main one in the middle of using the store.
    def asker(*_: object) -> None:
        threading.Thread(target=_ask_to_stop, args=(job, store), daemon=True).start()

    ended = threading.Event()
    threading.Thread(target=_end_when_forced, args=(job, store, ended), name=f"watch {job}", daemon=True).start()
    before = signal.signal(signal.SIGINT, asker)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        ended.set()


def _ask_to_stop(job: str, store: RunStore) -> None:
    try:
        store.request_stop(job)
    except RunError as error:  # it has just ended
        logger.info("%s", error)


def _end_when_forced(job: str, store: RunStore, ended: threading.Event) -> None:
    """Ends the process once a stop was asked for twice, by Ctrl-C or `playground stop`, or nothing happens any more."""
    watchdog = Watchdog()
    while not ended.wait(POLL_SECONDS):
        try:
            pulse = store.pulse(job)
            hangs = watchdog.bites(pulse)
            if pulse.stops < 2 and not hangs:
                continue
            record, folder = store.get(job), store.folder(job)
            why = watchdog.sentence if hangs else "Killed"
            phase = Phase.FAILED if hangs else Phase.STOPPED
            if store.finish(job, phase, remains.killed(record.kind, folder, record.steps, why)):
                os._exit(HUNG if hangs else INTERRUPTED_BY_PERSON)
        except PlaygroundError as error:  # the store cannot be read just now; the job goes on
            logger.warning("%s", error)
