"""The queue, with jobs in threads and a stand-in for training."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playground.config.run import RunConfig
from playground.errors import Busy, ConfigError, RunError
from playground.jobs import allowance
from playground.jobs.executors import ProcessExecutor, ThreadExecutor, chosen_executor
from playground.jobs.manager import JobManager
from playground.runs.context import JobContext
from playground.runs.events import Phase
from playground.runs.store import RunStore
from tests.jobs.conftest import Training, phases_of, wait_for
from tests.jobs.test_worker import Trained
from tests.runs.holder import holding
from tests.waiting import wait_until


@pytest.fixture
def gate(training_is: Callable[[Training], None]) -> threading.Event:
    """Training that goes on until the gate is opened, or it is asked to stop."""
    gate = threading.Event()

    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        while not gate.wait(0.01):
            if context.stop.is_set():
                return Trained(1, stopped=True)
        return Trained(1)

    training_is(train)
    return gate


@pytest.fixture
def manager(store: RunStore) -> Iterator[JobManager]:
    manager = JobManager(store, ThreadExecutor())
    yield manager
    manager.close()


def order(manager: JobManager) -> list[str]:
    """What waits, next to start first."""
    places = manager.places()
    return sorted(places, key=lambda job: places[job].position)


def test_jobs_run_in_order_and_know_their_place(store: RunStore, manager: JobManager, gate: threading.Event) -> None:
    jobs = [manager.submit("run", {}, owner) for owner in ("ann", "ben", "ann")]
    wait_for(store, jobs[0], Phase.RUNNING)
    assert order(manager) == [jobs[1], jobs[2]]
    manager.stop(jobs[1])
    assert store.get(jobs[1]).phase is Phase.STOPPED
    assert order(manager) == [jobs[2]]
    gate.set()
    wait_for(store, jobs[2])
    ended = [store.get(job) for job in jobs]
    assert [record.phase for record in ended] == [Phase.DONE, Phase.STOPPED, Phase.DONE]
    assert (ended[2].started or 0) >= (ended[0].ended or 0)


def test_people_take_turns_and_learn_when(store: RunStore, manager: JobManager, gate: threading.Event) -> None:
    ann = [manager.submit("run", {}, "ann") for _ in range(3)]
    wait_for(store, ann[0], Phase.RUNNING)
    ben = manager.submit("run", {}, "ben")
    assert order(manager) == [ben, *ann[1:]]
    assert {place.seconds for place in manager.places().values()} == {None}, "nothing was ever done here"
    gate.set()
    for job in (*ann, ben):
        wait_for(store, job)
    started = {job: store.get(job).started or 0 for job in (*ann, ben)}
    assert sorted(started, key=lambda job: started[job]) == [ann[0], ben, *ann[1:]]
    gate.clear()
    running, waiting = (manager.submit("run", {}) for _ in range(2))
    wait_for(store, running, Phase.RUNNING)
    assert manager.places()[waiting].seconds is not None
    gate.set()
    wait_for(store, waiting)


def test_a_person_has_only_so_many_jobs_at_a_time(store: RunStore, manager: JobManager, gate: threading.Event) -> None:
    first, second = (manager.submit("run", {}, "ann", most=2) for _ in range(2))
    with pytest.raises(Busy, match="You have 2 jobs waiting or going on, and 2 at a time"):
        manager.submit("run", {}, "ann", most=2)
    with pytest.raises(Busy):
        manager.resume(first, most=2)
    manager.submit("run", {}, "ben", most=2)
    manager.stop(second)
    third = manager.submit("run", {}, "ann", most=2)
    assert third in manager.places()
    gate.set()
    wait_for(store, third)


def test_a_participants_job_is_stopped_after_its_minutes_and_says_why(
    store: RunStore, manager: JobManager, gate: threading.Event
) -> None:
    minutes = 30.0
    ann, host = manager.submit("run", {}, "ann", minutes=lambda: minutes), manager.submit("run", {}, "host")
    wait_for(store, ann, Phase.RUNNING)
    minutes = 0.001  # the host changes the rules while it goes on
    wait_for(store, ann)
    ended = store.get(ann)
    assert ended.phase is Phase.STOPPED
    assert ended.reason.startswith("A participant's job may take 0.001 minutes at a time here, and this one has had")
    assert ended.reason.endswith("in the Room tab. Stopped at step 1; nothing saved.")
    wait_for(store, host, Phase.RUNNING)
    gate.set()
    wait_for(store, host)
    assert store.get(host).phase is Phase.DONE


def test_one_that_takes_no_step_after_its_minutes_is_killed(
    store: RunStore, manager: JobManager, training_is: Callable[[Training], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "GRACE_SECONDS", 0.5)

    def deaf(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        while True:
            time.sleep(0.01)

    training_is(deaf)
    job = manager.submit("run", {}, "ann", minutes=lambda: 0.001)
    wait_for(store, job)
    ended = store.get(job)
    assert ended.phase is Phase.STOPPED
    assert ended.reason == (
        "It took no step in which to stop after the 0.001 minutes it had here, so it was killed before its first step; "
        "there is no checkpoint."
    )


def test_what_participants_have_waiting_can_be_called_off(
    store: RunStore, manager: JobManager, gate: threading.Event
) -> None:
    going, waiting = (manager.submit("run", {}, "ann", minutes=lambda: 30) for _ in range(2))
    wait_for(store, going, Phase.RUNNING)
    hosts = manager.submit("run", {}, "host")
    assert manager.call_off("Closed.") == 1
    assert (store.get(waiting).phase, store.get(waiting).reason) == (Phase.STOPPED, "Closed.")
    assert manager.call_off("Closed.") == 0
    gate.set()
    wait_for(store, hosts)
    assert {store.get(job).phase for job in (going, hosts)} == {Phase.DONE}


def test_the_executor_is_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYGROUND_EXECUTOR", "thread")
    assert isinstance(chosen_executor(), ThreadExecutor)
    monkeypatch.setenv("PLAYGROUND_EXECUTOR", "")
    assert isinstance(chosen_executor(), ProcessExecutor)
    monkeypatch.setenv("PLAYGROUND_EXECUTOR", "threads")
    with pytest.raises(ConfigError, match="must be process, thread or zero_gpu; got 'threads'"):
        chosen_executor()


def test_two_slots_run_two_jobs(store: RunStore, gate: threading.Event) -> None:
    manager = JobManager(store, ThreadExecutor(), slots=2)
    jobs = [manager.submit("run", {}) for _ in range(3)]
    for job in jobs[:2]:
        wait_for(store, job, Phase.RUNNING)
    assert order(manager) == [jobs[2]]
    gate.set()
    for job in jobs:
        wait_for(store, job)
    manager.close()


def test_a_stop_ends_at_the_next_step(store: RunStore, manager: JobManager, gate: threading.Event) -> None:
    job = manager.submit("run", {})
    wait_for(store, job, Phase.RUNNING)
    assert manager.stop(job) == 1
    wait_for(store, job)
    assert phases_of(store, job)[-2:] == [Phase.STOPPING, Phase.STOPPED]
    with pytest.raises(RunError, match="nothing to stop"):
        manager.stop(job)


def test_a_second_stop_ends_a_thread_that_does_not_listen(
    store: RunStore, manager: JobManager, training_is: Callable[[Training], None]
) -> None:
    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        wait_until(lambda: False, 60)
        return Trained(1)

    training_is(train)
    job = manager.submit("run", {})
    wait_for(store, job, Phase.RUNNING)
    manager.stop(job)
    manager.stop(job)
    wait_for(store, job, timeout=20)
    record = store.get(job)
    assert (record.phase, record.reason) == (Phase.STOPPED, "Killed before its first step; there is no checkpoint.")


def test_what_is_wrong_in_a_config_is_told_at_once(store: RunStore, manager: JobManager) -> None:
    with pytest.raises(ConfigError, match=r"training.batch_size must be at least 1; got 0"):
        manager.submit("run", {"training": {"batch_size": 0}})
    with pytest.raises(RunError, match="There is no run 'sft-nosuch'"):
        manager.submit("evaluation", {"run": "sft-nosuch"})
    assert store.list() == []


def test_what_is_kept_has_every_setting_and_a_name(store: RunStore, manager: JobManager, gate: threading.Event) -> None:
    first = store.get(manager.submit("run", {"data": {"source": "folder/rows.json"}}, "ann"))
    assert (first.name, first.owner) == ("sft · smollm2-135m-instruct · rows", "ann")
    assert first.document["training"]["batch_size"] == 4
    second = store.get(manager.submit("run", {"model": {"run": first.id}, "name": "second"}))
    assert (second.model, second.name) == (f"run {first.id}", "second")
    evaluation = store.get(manager.submit("evaluation", {"run": first.id}))
    assert (evaluation.kind, evaluation.method, evaluation.model) == ("evaluation", "evaluation", first.id)
    assert evaluation.document["generation"]["strategy"] == "greedy"


def test_closing_stops_what_runs_and_interrupts_what_waits(store: RunStore, gate: threading.Event) -> None:
    manager = JobManager(store, ThreadExecutor())
    jobs = [manager.submit("run", {}) for _ in range(2)]
    wait_for(store, jobs[0], Phase.RUNNING)
    manager.close()
    records = [store.get(job) for job in jobs]
    assert [record.phase for record in records] == [Phase.STOPPED, Phase.INTERRUPTED]
    assert records[1].reason == "The app was closed before this began; resume it."
    with pytest.raises(RunError, match="closing"):
        manager.submit("run", {})


def test_closing_gives_a_job_that_is_stopping_already_time_to_save(
    store: RunStore, training_is: Callable[[Training], None]
) -> None:
    saved = threading.Event()

    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        assert context.stop.wait(20)
        wait_until(lambda: closing.is_alive() and not manager_accepts(), 20)
        saved.wait(0.5)
        return Trained(7, stopped=True)

    def manager_accepts() -> bool:
        try:
            manager.submit("run", {"training": {"max_steps": 0}})
        except ConfigError:
            return True
        except RunError:
            return False
        return True

    training_is(train)
    manager = JobManager(store, ThreadExecutor())
    closing = threading.Thread(target=manager.close)
    job = manager.submit("run", {})
    wait_for(store, job, Phase.RUNNING)
    manager.stop(job)
    closing.start()
    closing.join(30)
    assert store.get(job).reason == "Stopped at step 7; nothing saved."


def test_a_job_that_cannot_be_started_fails_and_the_queue_goes_on(
    store: RunStore, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.set()
    executor = ThreadExecutor()
    start = executor.start
    refused: list[str] = []

    def refuse_once(job: str, home: Path) -> object:
        if not refused:
            refused.append(job)
            raise OSError(11, "Resource temporarily unavailable")
        return start(job, home)

    monkeypatch.setattr(executor, "start", refuse_once)
    manager = JobManager(store, executor)
    jobs = [manager.submit("run", {}) for _ in range(2)]
    for job in jobs:
        wait_for(store, job)
    assert [store.get(job).phase for job in jobs] == [Phase.FAILED, Phase.DONE]
    assert "Resource temporarily unavailable" in store.get(jobs[0]).reason
    manager.close()


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.PREPARING])
def test_recovery_interrupts_what_the_dead_left_and_nothing_else(
    store: RunStore, manager: JobManager, gate: threading.Event, phase: Phase
) -> None:
    mine = [manager.submit("run", {}) for _ in range(2)]
    wait_for(store, mine[0], Phase.RUNNING)
    with holding(store, phase) as process:
        job = store.list()[0].id
        assert manager.recover() == []
        process.kill()
        process.wait()
    wait_until(lambda: not store.alive(store.get(job)), 5)
    assert manager.recover() == [job]
    record = store.get(job)
    assert record.phase is Phase.INTERRUPTED
    assert record.result
    assert record.result["error"] == record.reason != ""
    assert manager.recover() == []
    assert [store.get(job).phase for job in mine] == [Phase.RUNNING, Phase.QUEUED]
