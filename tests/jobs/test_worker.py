"""One job's life in this process, with a stand-in for training: every way to end, each exactly once."""

import json
import sqlite3
import threading
from collections.abc import Callable

import pytest

from playground.config.run import RunConfig
from playground.errors import Busy, Cancelled, DataError
from playground.jobs import worker
from playground.jobs.submission import submit
from playground.runs.context import JobContext
from playground.runs.events import Log, Metric, Phase, PhaseChange
from playground.runs.locks import hold
from playground.runs.store import RunStore
from tests.jobs.conftest import Training, events_of, phases_of, wait_for
from tests.waiting import wait_until


class Trained:
    """What training hands back."""

    def __init__(self, steps: int, *, stopped: bool = False) -> None:
        self.steps = steps
        self.stopped = stopped
        self.metrics = {"loss": 1.0 / steps}


def train_two_steps(config: RunConfig, context: JobContext) -> Trained:
    context.log(f"Training {config.model}.")
    context.running()
    for step in (1, 2):
        context.emit(Metric(step, {"loss": 1.0 / step}))
    return Trained(2)


def fails_with(error: Exception) -> Training:
    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        context.emit(Metric(1, {"loss": float("nan")}))
        raise error

    return train


def test_a_job_that_ends_well(store: RunStore, training_is: Callable[[Training], None]) -> None:
    training_is(train_two_steps)
    job = submit(store, "run", {"name": "mine"})
    assert worker.execute(job, store) is Phase.DONE
    assert phases_of(store, job) == [Phase.QUEUED, Phase.PREPARING, Phase.RUNNING, Phase.DONE]
    assert isinstance(events_of(store, job)[-1], PhaseChange)
    result = store.get(job).result
    assert result
    assert result == json.loads((store.folder(job) / "result.json").read_text())
    assert result.pop("seconds") > 0
    assert result == {
        "run": job,
        "phase": "done",
        "steps": 2,
        "folder": str(store.folder(job)),
        "metrics": {"loss": 0.5},
        "error": None,
    }
    assert "info: Training smollm2-135m-instruct." in (store.folder(job) / "log.txt").read_text()


@pytest.mark.parametrize(
    ("error", "phase", "reason"),
    [
        (DataError("Row 3 has no answer."), Phase.FAILED, "Row 3 has no answer."),
        (Cancelled("Stopped before it began."), Phase.STOPPED, "Stopped before it began."),
        (MemoryError(), Phase.FAILED, "Memory ran out"),
        (ZeroDivisionError("division by zero"), Phase.FAILED, "An unexpected error (ZeroDivisionError: division by"),
    ],
)
def test_a_job_that_ends_badly_says_why_and_keeps_what_it_said(
    store: RunStore, training_is: Callable[[Training], None], error: Exception, phase: Phase, reason: str
) -> None:
    training_is(fails_with(error))
    job = submit(store, "run", {})
    assert worker.execute(job, store) is phase
    record = store.get(job)
    assert record.reason.startswith(reason)
    assert phases_of(store, job) == [Phase.QUEUED, Phase.PREPARING, Phase.RUNNING, phase]
    assert record.result
    assert (record.result["steps"], record.result["metrics"]) == (1, {"loss": None})
    assert record.result["error"] == (record.reason if phase is Phase.FAILED else None)
    log = (store.folder(job) / "log.txt").read_text()
    assert ("Traceback" in log) == (phase is Phase.FAILED)


def test_a_stop_reaches_the_job_and_is_its_end(store: RunStore, training_is: Callable[[Training], None]) -> None:
    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        assert context.stop.wait(20)
        return Trained(5, stopped=True)

    training_is(train)
    job = submit(store, "run", {})
    thread = threading.Thread(target=worker.execute, args=(job, store))
    thread.start()
    wait_for(store, job, Phase.RUNNING)
    store.request_stop(job)
    thread.join(20)
    assert phases_of(store, job)[-2:] == [Phase.STOPPING, Phase.STOPPED]
    assert store.get(job).reason == "Stopped at step 5; nothing saved."


def test_a_job_stopped_while_it_waited_is_not_begun(store: RunStore, training_is: Callable[[Training], None]) -> None:
    training_is(fails_with(AssertionError("begun")))
    job = submit(store, "run", {})
    store.request_stop(job)
    assert worker.execute(job, store) is Phase.STOPPED
    assert phases_of(store, job) == [Phase.QUEUED, Phase.STOPPED]


def test_a_job_is_done_once_and_by_one(store: RunStore, training_is: Callable[[Training], None]) -> None:
    training_is(train_two_steps)
    job = submit(store, "run", {})
    lock = hold(store.lock_path(job))
    with pytest.raises(Busy):
        worker.execute(job, store)
    lock.release()
    assert worker.execute(job, store) is Phase.DONE
    count = len(events_of(store, job))
    assert worker.execute(job, store) is Phase.DONE
    assert len(events_of(store, job)) == count


def test_an_end_written_by_somebody_else_stands(store: RunStore, training_is: Callable[[Training], None]) -> None:
    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        wait_for(store, context.id, Phase.RUNNING)
        store.finish(context.id, Phase.INTERRUPTED, "Somebody else said so.")
        context.log("one more line")
        assert context.stop.wait(20)  # the run is not ours any more
        return Trained(1)

    training_is(train)
    job = submit(store, "run", {})
    assert worker.execute(job, store) is Phase.INTERRUPTED
    assert phases_of(store, job)[-1] is Phase.INTERRUPTED


def test_a_phase_out_of_order_does_not_cost_the_end(store: RunStore, training_is: Callable[[Training], None]) -> None:
    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        context.emit(PhaseChange(Phase.QUEUED))
        context.log("after it")
        return Trained(1)

    training_is(train)
    job = submit(store, "run", {})
    assert worker.execute(job, store) is Phase.DONE
    assert "cannot become queued" in (store.folder(job) / "log.txt").read_text()


def test_events_wait_for_a_locked_database(
    store: RunStore, training_is: Callable[[Training], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.runs.database.BUSY_SECONDS", 0.1)
    impatient = RunStore(store.home)
    other = sqlite3.connect(store.home / "runs.sqlite3", isolation_level=None, check_same_thread=False)

    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        wait_for(store, context.id, Phase.RUNNING)
        other.execute("BEGIN IMMEDIATE")
        context.emit(Metric(1, {"loss": 1.0}))
        log = context.folder / "log.txt"
        wait_until(lambda: "locked" in log.read_text(), 20, "the complaint")
        other.execute("ROLLBACK")
        context.emit(Metric(2, {"loss": 0.5}))
        return Trained(2)

    training_is(train)
    job = submit(store, "run", {})
    assert worker.execute(job, impatient) is Phase.DONE
    assert [event.step for event in events_of(store, job) if isinstance(event, Metric)] == [1, 2]
    other.close()
    impatient.close()


def test_emitting_never_waits_and_keeps_the_order(store: RunStore, training_is: Callable[[Training], None]) -> None:
    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        for number in range(5000):
            context.log(str(number))
        return Trained(1)

    training_is(train)
    job = submit(store, "run", {})
    worker.execute(job, store)
    said = [event.text for event in events_of(store, job) if isinstance(event, Log)]
    said += [event.text for _, event in store.events(job, since=5000).events if isinstance(event, Log)]
    assert said == [str(number) for number in range(5000)]
