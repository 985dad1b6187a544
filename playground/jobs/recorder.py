"""Takes a job's events without making it wait, writes them in batches, and listens for stop requests meanwhile."""

import contextlib
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

from playground.errors import RunError
from playground.jobs.logfile import LogFile
from playground.runs.database import StoreUnavailable
from playground.runs.events import Event, Log, Metric, Phase, PhaseChange, Resumed
from playground.runs.records import RunRecord
from playground.runs.store import RunStore

BATCH_SECONDS = 0.25
"""An event is in the store, and a stop request noticed, at most about this much later."""
LAST_TRIES_SECONDS = 30.0
"""How long the end of a job waits for a store that cannot be written."""
SETTLE_SECONDS = 30.0
"""How long a checkpoint waits for the events before it, where the store cannot be written."""


class Recorder:
    """One writer thread per job; `emit` and `stop` are what the job's context gets."""

    def __init__(self, store: RunStore, record: RunRecord, log: LogFile) -> None:
        self.stop = threading.Event()
        """Set when somebody asked to stop, or when the run is no longer ours."""
        self._store = store
        self.steps = record.steps
        self.metrics = dict(record.metrics)
        """The highest step and the last values, complete once the recorder is closed."""
        self._run = record.id
        self._log = log
        self._events: queue.SimpleQueue[Event | threading.Event] = queue.SimpleQueue()
        self._pending: list[Event] = []
        self._waiting: list[threading.Event] = []
        self._wanted = threading.Event()
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._write, name=f"recorder {record.id}", daemon=True)

    def emit(self, event: Event) -> None:
        """Takes an event; never waits for the disk."""
        self._events.put(event)

    def settle(self) -> None:
        """Returns when what was emitted so far is in the store; or cannot be brought there, which is tried on."""
        written = threading.Event()
        self._events.put(written)
        self._wanted.set()
        until = time.monotonic() + SETTLE_SECONDS
        while not written.wait(BATCH_SECONDS) and self._thread.is_alive() and time.monotonic() < until:
            pass

    def begin(self) -> None:
        """Enters `preparing` at once and starts the writer.

        Raises:
            RunError: the run is not queued any more.
        """
        preparing = PhaseChange(Phase.PREPARING)
        self._store.append(self._run, [preparing])
        self._log.event(preparing)
        self._thread.start()

    def close(self) -> None:
        """Ends the writer; what is left is written by `finish`."""
        self._finished.set()
        self._wanted.set()
        self._thread.join()
        self._take()

    def finish(self, phase: Phase, reason: str, result: Mapping[str, Any], attempt: int) -> bool:
        """Writes what is left and, as the last event of the run, its terminal phase.

        Returns:
            False where somebody else ended the run first.

        Raises:
            StoreUnavailable: the store could not be written for `LAST_TRIES_SECONDS`.
        """
        self._log.event(PhaseChange(phase, reason))
        until = time.monotonic() + LAST_TRIES_SECONDS
        while True:
            try:
                return self._store.finish(
                    self._run, phase, reason, events=self._pending, result=result, attempt=attempt
                )
            except StoreUnavailable as error:
                if time.monotonic() > until:
                    raise
                self._log.write("warning", str(error))
                time.sleep(1)
            except RunError as error:
                phases = [event for event in self._pending if isinstance(event, PhaseChange)]
                if not phases:
                    raise
                # A job must not lose its end to a phase that was out of order.
                self._log.error(error)
                self._pending = [event for event in self._pending if event not in phases]

    def _write(self) -> None:
        complained = False
        while not self._rest():
            self._take()
            try:
                if self._pending:
                    self._store.append(self._run, self._pending)
                    self._pending = []
                for written in self._waiting:
                    written.set()
                self._waiting = []
                if self._store.stop_requested(self._run):
                    self.stop.set()
                complained = False
            except StoreUnavailable as error:  # kept and tried again with the next batch
                if not complained:
                    self._log.write("warning", str(error))
                complained = True
            except RunError as error:  # ended by somebody else, or a phase out of order: nothing more can be added
                self._log.error(error)
                self.stop.set()
                return

    def _rest(self) -> bool:
        """Until the next batch is due or wanted; True once there is none to come."""
        self._wanted.wait(BATCH_SECONDS)
        self._wanted.clear()
        return self._finished.is_set()

    def _take(self) -> None:
        while True:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return
            if isinstance(event, threading.Event):
                self._waiting.append(event)
                continue
            if isinstance(event, Log):
                self._log.event(event)
            elif isinstance(event, Metric):
                self.steps = max(self.steps, event.step)
                self.metrics |= event.values
            elif isinstance(event, Resumed):
                with contextlib.suppress(StoreUnavailable):  # the store's own count is right all the same
                    self.steps, self.metrics = self._store.reached(self._run, event.step)
            self._pending.append(event)
