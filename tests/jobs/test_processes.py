"""Real SFT runs of a small model in real worker processes, killed and orphaned as they are in life."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from playground.jobs import allowance
from playground.jobs.executors import ProcessExecutor, ThreadExecutor, chosen_executor
from playground.jobs.manager import JobManager
from playground.runs.checkpoints import sealed
from playground.runs.events import Phase
from playground.runs.store import RunStore
from tests.jobs.conftest import (
    ENDLESS,
    ROOT,
    Document,
    only_worker,
    phases_of,
    program,
    steps_of,
    wait_for,
    wait_for_step,
    workers_of,
)
from tests.waiting import wait_until

WORKER_START_SECONDS = 4.0
"""From queued to preparing with the imports done: about 0.4 s on two idle cores, where a cold start takes 12."""


@pytest.fixture
def manager(store: RunStore) -> Iterator[JobManager]:
    manager = JobManager(store, ProcessExecutor())
    yield manager
    manager.close()


@pytest.fixture
def app(store: RunStore, document: Document) -> Iterator[subprocess.Popen[str]]:
    """An app of its own with one endless run that is under way, and one that waits."""
    with program("tests.jobs.app", store, document(max_steps=ENDLESS), "2") as process:
        wait_until(lambda: len(store.list()) == 2, what="the jobs of the app")
        wait_for(store, store.list()[1].id, Phase.RUNNING)
        yield process


def test_a_run_from_queue_to_adapter(store: RunStore, manager: JobManager, document: Document) -> None:
    manager.warm_up()
    job = manager.submit("run", document(max_steps=10))
    wait_for(store, job)
    record = store.get(job)
    assert (record.phase, record.reason) == (Phase.DONE, "")
    assert phases_of(store, job) == [Phase.QUEUED, Phase.PREPARING, Phase.RUNNING, Phase.DONE]
    assert steps_of(store, job) == list(range(1, 11))
    folder = store.folder(job)
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    assert record.result == json.loads((folder / "result.json").read_text())
    assert record.result
    assert (record.result["phase"], record.result["steps"]) == ("done", 10)
    assert record.result["metrics"]["loss"] == record.metrics["loss"]
    assert "parameters" in (folder / "log.txt").read_text()
    wait_until(lambda: not workers_of(os.getpid()), 10, "the worker to go")


def test_a_warm_start_is_fast_and_the_worker_is_last_in_line(
    store: RunStore, manager: JobManager, document: Document
) -> None:
    first = manager.submit("run", document())
    wait_for(store, first)
    second = manager.submit("run", document(max_steps=ENDLESS))
    wait_for(store, second, Phase.RUNNING)
    record = store.get(second)
    assert record.started is not None
    assert record.started - record.created < WORKER_START_SECONDS
    worker = only_worker(os.getpid())
    assert worker.nice() == 19
    manager.stop(second)
    wait_for(store, second)


def test_a_stop_from_another_process_saves_the_adapter(
    store: RunStore, manager: JobManager, document: Document
) -> None:
    job = manager.submit("run", document(max_steps=ENDLESS))
    wait_for_step(store, job)
    stop = "import sys; from pathlib import Path; from playground.runs.store import RunStore; "
    stop += "store = RunStore(Path(sys.argv[1])); store.request_stop(sys.argv[2]); store.close()"
    subprocess.run([sys.executable, "-c", stop, str(store.home), job], check=True, cwd=ROOT)
    wait_for(store, job)
    record = store.get(job)
    assert (record.phase, record.steps) == (Phase.STOPPED, steps_of(store, job)[-1])
    assert record.reason == f"Stopped at step {record.steps}; adapter and checkpoint saved."
    assert phases_of(store, job)[-2:] == [Phase.STOPPING, Phase.STOPPED]
    assert (store.folder(job) / "adapter" / "adapter_model.safetensors").is_file()


def test_a_run_whose_minutes_are_over_saves_its_adapter(
    store: RunStore, manager: JobManager, document: Document
) -> None:
    minutes = 30.0
    job = manager.submit("run", document(max_steps=ENDLESS), "ann", minutes=lambda: minutes)
    wait_for_step(store, job)
    minutes = 0.001
    wait_for(store, job)
    record = store.get(job)
    assert (record.phase, record.steps) == (Phase.STOPPED, steps_of(store, job)[-1])
    assert record.reason.startswith("A participant's job may take 0.001 minutes at a time here")
    assert (store.folder(job) / "adapter" / "adapter_model.safetensors").is_file()
    # The host gives more: it goes on where it was.
    manager.resume(job)
    wait_for_step(store, job, record.steps + 1)
    manager.stop(job)
    wait_for(store, job)


def test_a_run_that_is_stuck_when_its_minutes_are_over_is_killed(
    store: RunStore, manager: JobManager, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = 30.0
    job = manager.submit("run", document(max_steps=ENDLESS, save_steps=1), "ann", minutes=lambda: minutes)
    wait_for_step(store, job, 3)
    worker = only_worker(os.getpid())
    worker.suspend()
    monkeypatch.setattr(allowance, "GRACE_SECONDS", 0.5)
    minutes = 0.001
    wait_for(store, job)
    record, saved = store.get(job), sealed(store.folder(job))[0].step
    assert record.phase == Phase.STOPPED
    assert f"after the 0.001 minutes it had here, so it was killed at step {record.steps}" in record.reason
    assert f"the last checkpoint is of step {saved}" in record.reason
    wait_until(lambda: not worker.is_running(), what="the worker to be killed")


def test_a_second_stop_kills_a_worker_that_is_stuck(store: RunStore, manager: JobManager, document: Document) -> None:
    job = manager.submit("run", document(max_steps=ENDLESS, save_steps=1))
    wait_for_step(store, job, 3)
    worker = only_worker(os.getpid())
    worker.suspend()
    assert [manager.stop(job), manager.stop(job)] == [1, 2]
    wait_for(store, job)
    record, saved = store.get(job), sealed(store.folder(job))[0].step
    assert (record.phase, record.reason) == (
        Phase.STOPPED,
        f"Killed at step {record.steps}; the last checkpoint is of step {saved}.",
    )
    assert not worker.is_running()
    told = store.folder(job) / "result.json"
    wait_until(told.is_file, what="its result")
    assert json.loads(told.read_text())["phase"] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_fails_its_run_and_the_queue_goes_on(
    store: RunStore, manager: JobManager, document: Document, number: signal.Signals
) -> None:
    jobs = [manager.submit("run", document(max_steps=ENDLESS)), manager.submit("run", document(max_steps=1))]
    wait_for_step(store, jobs[0])
    worker = only_worker(os.getpid())
    worker.send_signal(number)
    for job in jobs:
        wait_for(store, job)
    records = [store.get(job) for job in jobs]
    assert [record.phase for record in records] == [Phase.FAILED, Phase.DONE]
    assert f"killed by signal {number.value} ({number.name}) after step" in records[0].reason
    assert records[0].result
    assert records[0].result["error"] == records[0].reason
    assert [phase for phase in phases_of(store, jobs[0]) if phase.terminal] == [Phase.FAILED]


def test_an_evaluation_is_a_job_too(store: RunStore, manager: JobManager, document: Document) -> None:
    run = manager.submit("run", document())
    evaluation = manager.submit("evaluation", {"run": run, "limit": 2, "generation": {"max_new_tokens": 4}})
    wait_for(store, evaluation)
    record = store.get(evaluation)
    assert (record.phase, record.reason) == (Phase.DONE, "")
    assert phases_of(store, evaluation) == [Phase.QUEUED, Phase.PREPARING, Phase.RUNNING, Phase.DONE]
    assert record.result
    assert record.result["examples"] == 2
    assert 0 <= record.result["tuned"]["bleu"] <= 100
    assert json.loads((store.folder(evaluation) / "result.json").read_text()) == record.result


def test_no_worker_outlives_its_app_and_the_next_one_says_so(
    store: RunStore, app: subprocess.Popen[str], manager: JobManager
) -> None:
    waiting, running = (record.id for record in store.list())
    worker = only_worker(app.pid)
    assert manager.recover() == []  # the other app lives, and so do its jobs
    app.send_signal(signal.SIGKILL)
    left = [store.get(job) for job in (waiting, running)]
    wait_until(lambda: not any(map(store.alive, left)), 2, "the worker and its locks to go")
    wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 2, "the worker to go")
    assert sorted(manager.recover()) == sorted([waiting, running])
    assert store.get(running).reason == (
        "The app or the machine went down while this was running. There is no checkpoint."
    )
    assert store.get(waiting).reason == "The app ended before this began; resume it."
    assert {store.get(job).phase for job in (waiting, running)} == {Phase.INTERRUPTED}


def test_an_app_that_closes_saves_what_runs(store: RunStore, app: subprocess.Popen[str]) -> None:
    waiting, running = (record.id for record in store.list())
    app.terminate()
    assert app.wait(60) == 0
    assert [store.get(job).phase for job in (running, waiting)] == [Phase.STOPPED, Phase.INTERRUPTED]
    assert (store.folder(running) / "adapter").is_dir()


def test_one_interrupt_stops_the_foreground_at_a_step(store: RunStore, document: Document) -> None:
    with program("tests.jobs.foreground", store, document(max_steps=ENDLESS)) as process:
        assert process.stdout
        job = process.stdout.readline().strip()
        wait_for_step(store, job)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().strip() == "stopped"
        assert process.wait() == 0
    assert (store.folder(job) / "adapter").is_dir()


def test_a_second_interrupt_ends_the_foreground_at_once(store: RunStore, document: Document) -> None:
    with program("tests.jobs.foreground", store, document(max_steps=ENDLESS)) as process:
        assert process.stdout
        job = process.stdout.readline().strip()
        wait_for(store, job, Phase.PREPARING)  # where there is no step at which to stop
        process.send_signal(signal.SIGINT)
        wait_until(lambda: store.stop_requested(job) == 1, 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    record = store.get(job)
    assert (record.phase, record.reason) == (Phase.STOPPED, "Killed before its first step; there is no checkpoint.")


def test_a_run_in_a_thread_of_the_app(store: RunStore, document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYGROUND_EXECUTOR", "thread")
    executor = chosen_executor()
    assert isinstance(executor, ThreadExecutor)
    manager = JobManager(store, executor)
    job = manager.submit("run", document(max_steps=ENDLESS))
    wait_for_step(store, job)
    if sys.platform == "linux":
        nice = {thread.id: os.getpriority(os.PRIO_PROCESS, thread.id) for thread in psutil.Process().threads()}
        assert 19 in nice.values()
        assert nice[os.getpid()] < 19
    manager.stop(job)
    wait_for(store, job)
    assert store.get(job).phase is Phase.STOPPED
    assert (store.folder(job) / "adapter").is_dir()
    manager.close()
