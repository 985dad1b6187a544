"""The app's queue: one background thread per device slot takes jobs in order and sees each to its end.

The store is the truth about every job; the manager only wakes up, starts, watches and, where a worker cannot speak
for itself any more, writes its end.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from playground.errors import Busy, PlaygroundError, RunError
from playground.jobs import failures, forecast, remains, resumption, worker
from playground.jobs.allowance import Allowance, Minutes
from playground.jobs.executors import Executor, Handle, chosen_executor
from playground.jobs.fairness import Turns
from playground.jobs.force import Force, due
from playground.jobs.submission import submit
from playground.jobs.watchdog import Watchdog, patience
from playground.runs import strict
from playground.runs.events import Phase
from playground.runs.records import JobKind, RunRecord, Waiting
from playground.runs.store import RunStore
from playground.runs.summary import summarise

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
LINGER_SECONDS = 10.0
"""A worker that has written its end may take this long to go; then it is killed."""
CLOSE_SECONDS = 10.0
HISTORY = 100
"""How many of the newest jobs tell how long jobs take here."""
TOLD_SECONDS = 1.0
"""For so long what was told about the queue stays good, if nobody joins or leaves it: every page in a room asks."""

Beside = Callable[[RunRecord], AbstractContextManager[None]]


class Place(NamedTuple):
    """Where a job stands in the queue."""

    position: int
    """1 for the next to start."""
    seconds: float | None
    """Until it may begin; None where nothing like what is ahead of it was ever done here."""


class JobManager:
    """Takes jobs and answers for them. Make one per app; `close` it at the end."""

    def __init__(
        self, store: RunStore, executor: Executor | None = None, *, slots: int = 1, beside: Beside | None = None
    ) -> None:
        """`beside` wraps the work on every job: it may make room before, and tidies up after."""
        self._store = store
        self._beside = beside or _nothing_beside
        self._executor = executor or chosen_executor()
        patience()  # a setting that cannot be read is told at the start, not at the first run
        self._changed = threading.Condition()
        self._taken: set[str] = set()
        self._minutes: dict[str, Minutes] = {}
        """Of each job of a participant that waits."""
        self._turns = Turns()
        self._slots = slots
        self._told: tuple[float, object, Mapping[str, Place]] = (0.0, None, {})
        self._closing = False
        self._kill_at = float("inf")
        self._threads = [
            threading.Thread(target=self._serve, name=f"job-slot-{number}", daemon=True) for number in range(slots)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        kind: JobKind,
        document: Mapping[str, Any],
        owner: str = "",
        name: str = "",
        *,
        most: int | None = None,
        minutes: Minutes | None = None,
    ) -> str:
        """Puts a job into the queue, where owners take turns, and gives its id; `submission.submit` checks it.

        Args:
            most: how many jobs of this owner may wait or go on, this one included; None sets no limit.
            minutes: how long it may take at a time; None sets no limit, and `call_off` leaves it alone.

        Raises:
            ConfigError: with every problem in the document.
            Busy: the owner has as many jobs as `most` allows.
            RunError: the run to evaluate does not exist, or the app is closing.
        """
        with self._changed:
            if self._closing:
                raise RunError("The app is closing; start the run again once it is back.")
            self._check_share(owner, most)
            job = submit(self._store, kind, document, owner=owner, name=name)
            self._executor.expect(job)
            if minutes is not None:
                self._minutes[job] = minutes
            self._changed.notify_all()
        return job

    def resume(self, run: str, *, most: int | None = None, minutes: Minutes | None = None) -> None:
        """Puts a run that has ended, but is not done, back into the queue; it goes on from its last checkpoint.

        Args:
            most: as for `submit`, of the run's owner.
            minutes: as for `submit`.

        Raises:
            RunError: there is no such run, it goes on still, is done or left nothing to go on from, or the app closes.
            Busy: another process works on it, or the owner has as many jobs as `most` allows.
        """
        with self._changed:
            if self._closing:
                raise RunError("The app is closing; resume the run once it is back.")
            self._check_share(self._store.get(run).owner, most)
            resumption.resume(self._store, run)
            self._executor.expect(run)
            if minutes is not None:
                self._minutes[run] = minutes
            self._changed.notify_all()

    def stop(self, job: str) -> int:
        """Asks a job to stop: at once where it waits, else at its next step; a second time by force.

        Returns:
            How many times a stop was asked for, this one included.

        Raises:
            RunError: there is no such job, or it has ended.
        """
        stops = self._store.request_stop(job)
        self._minutes.pop(job, None)
        return stops

    def call_off(self, why: str) -> int:
        """Ends what participants have waiting, with a sentence for them; gives how much that was."""
        ended = 0
        with self._changed:
            for job, _ in self._store.queued():
                if job not in self._taken and self._minutes.pop(job, None) is not None:
                    self._ask_to_stop(job, why)
                    ended += 1
        return ended

    def places(self) -> Mapping[str, Place]:
        """Where every waiting job stands in the queue, by id, and when it may begin. Waits for nobody."""
        waiting, going = tuple(self._waiting()), frozenset(self._taken.copy())
        now, (told, asked, places) = time.monotonic(), self._told
        if asked == (waiting, going) and now - told < TOLD_SECONDS:
            return places
        records = self._store.list(limit=-1, live=True)
        done = [record for record in self._store.list(limit=HISTORY, archived=None) if record.phase is Phase.DONE]
        left = [forecast.remaining(found, done, time.time()) for found in records if found.id in going]
        lengths = {found.id: forecast.duration(found, done) for found in records}
        starts = forecast.starts(left, [lengths.get(job) for job, _ in waiting], self._slots)
        places = {job: Place(at, start) for at, ((job, _), start) in enumerate(zip(waiting, starts, strict=True), 1)}
        self._told = (now, (waiting, going), places)
        return places

    def warm_up(self) -> None:
        """Lets the heavy imports of future workers begin, in another process; returns at once."""
        self._executor.warm_up()

    def recover(self) -> list[str]:
        """Marks what a dead app or worker left behind as interrupted; gives the ids. Safe beside living apps."""
        return [
            record.id
            for record in self._store.list(live=True, limit=-1)
            if not self._store.alive(record)
            and self._end(record, Phase.INTERRUPTED, remains.orphaned(record, self._store.folder(record.id)))
        ]

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Ends the queue: what waits becomes interrupted; what runs is asked to stop, and after `timeout` killed."""
        with self._changed:
            self._closing = True
            self._kill_at = time.monotonic() + timeout
            self._changed.notify_all()
            running = list(self._taken)
        for job, _ in self._store.queued():
            if job not in running:
                record = self._store.get(job)
                reason = f"The app was closed before this began; {remains.next_time(record.kind)}."
                self._end(record, Phase.INTERRUPTED, reason)
        for job in running:
            if not self._store.stop_requested(job):  # a second request would kill
                self._ask_to_stop(job)
        for thread in self._threads:
            thread.join(timeout + LINGER_SECONDS)

    def _waiting(self) -> list[Waiting]:
        """What waits, in the order in which it will start."""
        return self._turns.order([found for found in self._store.queued() if found.job not in self._taken])

    def _check_share(self, owner: str, most: int | None) -> None:
        if most is None:
            return
        live = len(self._store.list(owner=owner, live=True, limit=-1))
        if live >= most:
            raise Busy(
                f"You have {live} {'job' if live == 1 else 'jobs'} waiting or going on, and {most} at a time is what "
                "one person may have here; wait for one to end, or stop one."
            )

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._closing and not (waiting := self._look()):
                    self._changed.wait()
                if self._closing:
                    return
                job, owner = waiting[0]
                self._taken.add(job)
                minutes = self._minutes.pop(job, None)
                self._turns.started(owner)
            try:
                with self._beside(self._store.get(job)):
                    self._see_through(job, minutes)
            except Exception as error:  # the boundary: a slot outlives whatever happens to one job
                logger.exception("Job %s could not be run.", job)
                self._fail(job, failures.sentence(error, "run", {}))
            finally:
                with self._changed:
                    self._taken.discard(job)

    def _look(self) -> list[Waiting]:
        try:
            return self._waiting()
        except PlaygroundError:
            logger.exception("The queue cannot be read; it is tried again with the next job.")
            return []

    def _see_through(self, job: str, minutes: Minutes | None) -> None:
        attempt = self._store.get(job).attempt
        handle = self._executor.start(job, self._store.home)
        forced = self._watch(job, attempt, handle, Allowance(minutes))
        record = self._store.get(job)
        if record.phase.terminal or record.attempt != attempt:
            return
        if not forced:
            reason = handle.reason or failures.of_exit(handle.exit_code, record.steps)
            self._end(record, Phase.FAILED, f"{reason} {remains.told(record.kind, self._store.folder(job))}".rstrip())
        elif self._closing:
            self._end_by_force(record, Force(Phase.INTERRUPTED, "The app was closed"))
        else:
            self._end_by_force(record, forced)

    def _watch(self, job: str, attempt: int, handle: Handle, allowance: Allowance) -> Force | None:
        """Waits for the end of a worker; why it had to be killed where it had not written its own end before."""
        forced: Force | None = None
        ended_at: float | None = None
        watchdog = Watchdog()
        while not handle.wait(POLL_SECONDS):
            now = time.monotonic()
            try:
                pulse = self._store.pulse(job)
            except PlaygroundError as error:
                logger.warning("%s", error)
                continue
            if pulse.phase.terminal or pulse.attempt != attempt:
                ended_at = ended_at or now
                if now - ended_at > LINGER_SECONDS:
                    handle.kill()
            elif not forced and (pulse.stops >= 2 or now > self._kill_at):
                forced = Force(Phase.STOPPED, "Killed")
                handle.kill()
            elif not forced and (forced := due(watchdog, allowance, pulse)):
                self._end_by_force(self._store.get(job), forced)  # before a thread says itself that it was killed
                handle.kill()
            elif not pulse.stops and allowance.used_up:
                self._ask_to_stop(job, allowance.sentence)
        return forced

    def _ask_to_stop(self, job: str, why: str = "") -> None:
        try:
            self._store.request_stop(job, why)
        except RunError as error:  # it has just ended
            logger.info("%s", error)

    def _end_by_force(self, record: RunRecord, force: Force) -> None:
        folder = self._store.folder(record.id)
        self._end(record, force.phase, remains.killed(record.kind, folder, record.steps, force.how))

    def _fail(self, job: str, reason: str) -> None:
        try:
            self._end(self._store.get(job), Phase.FAILED, reason)
        except PlaygroundError:
            logger.exception("The end of job %s (%s) could not be kept.", job, reason)

    def _end(self, record: RunRecord, phase: Phase, reason: str) -> bool:
        """Writes the end of a job that cannot do so itself; False where that attempt had ended already."""
        job = record.id
        try:
            if not self._store.finish(job, phase, reason, attempt=record.attempt):
                return False
            folder = self._store.folder(job)
            result = summarise(self._store.get(job), folder)
            self._store.set_result(job, result)
            strict.write(folder / worker.RESULT, result)
        except (PlaygroundError, OSError):
            logger.exception("The end of job %s (%s: %s) could not be kept.", job, phase, reason)
        return True


def _nothing_beside(_: RunRecord) -> AbstractContextManager[None]:
    return nullcontext()
