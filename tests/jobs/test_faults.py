"""What goes wrong in life, done for real: every run ends in a stated phase, none is lost, and the queue goes on."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from playground.errors import ConfigError
from playground.jobs.executors import ProcessExecutor, ThreadExecutor
from playground.jobs.manager import JobManager
from playground.jobs.resumption import resumable
from playground.runs.checkpoints import sealed
from playground.runs.database import StoreUnavailable
from playground.runs.events import Log, Phase
from playground.runs.records import RunRecord
from playground.runs.store import RunStore
from tests.hub_server import Repository, StandIn
from tests.jobs.conftest import (
    ENDLESS,
    PATIENCE,
    ROOT,
    Document,
    events_of,
    only_worker,
    phases_of,
    program,
    steps_of,
    wait_for_step,
    workers_of,
)
from tests.waiting import wait_until

STEPS = 20
HEAVY = {"rank": 512, "targets": ["all-linear"]}
"""An adapter of some megabytes, so that saving a checkpoint takes a good part of the time and is met in the act."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and resource limits of POSIX")


@pytest.fixture
def manager(store: RunStore) -> Iterator[JobManager]:
    manager = JobManager(store, ProcessExecutor())
    yield manager
    manager.close()


@pytest.fixture
def saving(document: Document) -> dict[str, Any]:
    """A run with a checkpoint at every other step."""
    return document(max_steps=STEPS, save_steps=2) | {"adapter": HEAVY}


def ended(store: RunStore, run: str) -> RunRecord:
    """The record of a run once it has ended, however it did."""
    wait_until(lambda: store.get(run).phase.terminal, PATIENCE, f"the end of {run}")
    return store.get(run)


def whole(store: RunStore, run: str, steps: int = STEPS) -> None:
    """Fails unless the run is done with every step on its curve once, in order."""
    record = ended(store, run)
    assert (record.phase, record.reason) == (Phase.DONE, "")
    assert steps_of(store, run) == list(range(1, steps + 1))
    assert (store.folder(run) / "adapter" / "adapter_model.safetensors").is_file()


def caught(worker: psutil.Process, moment: Callable[[], bool]) -> None:
    """Freezes a worker in the moment, which passes quickly."""

    def frozen() -> bool:
        if not moment():
            return False
        worker.suspend()
        if moment():
            return True
        worker.resume()
        return False

    until = time.monotonic() + PATIENCE
    while not frozen():
        assert time.monotonic() < until
        assert worker.is_running()
        time.sleep(0.001)


def moments(store: RunStore, run: str) -> dict[str, Callable[[], bool]]:
    """Whether a run is in a phase, or in the middle of writing its second checkpoint or a later one."""
    folder = store.folder(run)

    def is_saving() -> bool:
        return (folder / "checkpoints" / "partial").is_dir() and bool(sealed(folder))

    return {
        "preparing": lambda: store.pulse(run).phase is Phase.PREPARING,
        "running": lambda: store.get(run).steps >= 3,
        "saving": is_saving,
    }


@pytest.mark.parametrize("moment", [pytest.param("preparing", marks=pytest.mark.soak), "running", "saving"])
def test_a_worker_killed_at_any_moment(
    store: RunStore, manager: JobManager, saving: dict[str, Any], document: Document, moment: str
) -> None:
    runs = [manager.submit("run", saving), manager.submit("run", document(max_steps=1))]
    wait_until(lambda: store.pulse(runs[0]).phase is not Phase.QUEUED, PATIENCE, "the run to begin")
    worker = only_worker(os.getpid())
    caught(worker, moments(store, runs[0])[moment])
    worker.kill()
    record = ended(store, runs[0])
    assert record.phase is Phase.FAILED
    assert "killed by signal 9 (SIGKILL)" in record.reason
    whole(store, runs[1], 1)
    saved = sealed(store.folder(runs[0]))
    assert resumable(record, store.folder(runs[0])) == bool(saved) == (moment != "preparing")
    if saved:
        assert record.reason.endswith(f"The last checkpoint is of step {saved[0].step}.")
        manager.resume(runs[0])
        whole(store, runs[0])


@pytest.mark.parametrize("moment", [pytest.param("preparing", marks=pytest.mark.soak), "saving"])
def test_an_app_killed_at_any_moment(store: RunStore, manager: JobManager, saving: dict[str, Any], moment: str) -> None:
    with program("tests.jobs.app", store, saving, "1") as app:
        assert app.stdout
        run = app.stdout.readline().strip()
        worker = only_worker(app.pid)
        caught(worker, moments(store, run)[moment])
        app.send_signal(signal.SIGKILL)
        app.wait()
        assert manager.recover() == []  # its worker has not gone yet, and might write
        worker.resume()
        wait_until(lambda: not store.alive(store.get(run)), 2, "the worker to go with its app")
    assert manager.recover() == [run]
    record = store.get(run)
    assert record.phase is Phase.INTERRUPTED
    assert record.reason.startswith("The app or the machine went down while this was ")
    manager.resume(run)
    whole(store, run)


def test_an_app_killed_before_its_run_began(store: RunStore, manager: JobManager, document: Document) -> None:
    with program("tests.jobs.app", store, document(), "1") as app:
        assert app.stdout
        run = app.stdout.readline().strip()
        app.send_signal(signal.SIGKILL)  # the fork server has imported nothing yet
        app.wait()
    assert store.get(run).phase is Phase.QUEUED
    wait_until(lambda: not store.alive(store.get(run)), 2, "the app's presence to go")
    assert manager.recover() == [run]
    assert store.get(run).reason == "The app ended before this began; resume it."
    manager.resume(run)
    whole(store, run, 3)


def test_two_who_start_at_once(store: RunStore, manager: JobManager, document: Document) -> None:
    together = threading.Barrier(2)
    runs: list[str] = []

    def submit() -> None:
        together.wait()
        runs.append(manager.submit("run", document(), "somebody"))

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(runs)) == 2
    for run in runs:
        whole(store, run, 3)
    first, second = sorted((store.get(run) for run in runs), key=lambda record: record.started or 0)
    assert (first.ended or 0) <= (second.started or 0)


def test_a_disk_that_fills_up(store: RunStore, manager: JobManager, saving: dict[str, Any]) -> None:
    run = manager.submit("run", saving)
    worker = only_worker(os.getpid())
    caught(worker, moments(store, run)["running"])
    # No file of this process may grow beyond this: the events still can, a checkpoint cannot.
    worker.rlimit(psutil.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    worker.resume()
    record = ended(store, run)
    assert record.phase is Phase.FAILED
    assert record.reason.startswith("The disk is full, or a file may not grow any more; make room")
    assert resumable(record, store.folder(run))
    manager.resume(run)  # in a process that may write again
    whole(store, run)


def test_a_disk_that_is_full_when_it_stops_costs_only_the_checkpoint(
    store: RunStore, manager: JobManager, document: Document
) -> None:
    run = manager.submit("run", document(max_steps=ENDLESS) | {"adapter": HEAVY})
    worker = only_worker(os.getpid())
    wait_for_step(store, run, 2)
    worker.suspend()
    adapter_bytes = 2 * 4 * 512 * (4 * 32 + 2 * (32 + 16) + 3 * (32 + 64))
    limit = 2 * adapter_bytes  # of what an optimiser keeps of each weight, twice its size and a little
    worker.rlimit(psutil.RLIMIT_FSIZE, (limit, limit))
    manager.stop(run)
    worker.resume()
    record = ended(store, run)
    assert record.phase is Phase.STOPPED
    kept = "adapter saved, its checkpoint not: there is no checkpoint."
    assert record.reason == f"Stopped at step {record.steps}; {kept}"
    assert any("could not be saved" in event.text for event in events_of(store, run) if isinstance(event, Log))


def test_a_file_where_checkpoints_should_be(store: RunStore, manager: JobManager, document: Document) -> None:
    runs = [manager.submit("run", document()), manager.submit("run", document(save_steps=1))]
    (store.folder(runs[1]) / "checkpoints").write_text("in the way")
    record = ended(store, runs[1])
    assert record.phase is Phase.FAILED
    assert "checkpoints cannot be read or written (File exists)" in record.reason
    whole(store, runs[0], 3)


def test_a_home_that_takes_no_runs(store: RunStore, manager: JobManager, document: Document) -> None:
    (store.home / "runs").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="Runs cannot be kept at"):
        manager.submit("run", document())
    assert store.list() == []
    (store.home / "runs").unlink()
    whole(store, manager.submit("run", document()), 3)


def test_a_database_that_is_locked_for_a_while(store: RunStore, manager: JobManager, document: Document) -> None:
    run = manager.submit("run", document(max_steps=200))
    wait_for_step(store, run)
    lock = "import sqlite3, sys, time; connection = sqlite3.connect(sys.argv[1], isolation_level=None); "
    lock += "connection.execute('BEGIN EXCLUSIVE'); time.sleep(3); connection.execute('ROLLBACK')"
    with subprocess.Popen([sys.executable, "-c", lock, str(store.home / "runs.sqlite3")], cwd=ROOT) as other:
        assert run not in manager.places()  # readers do not wait
        other.wait()
    whole(store, run, 200)


def test_memory_that_runs_out_in_the_worker(store: RunStore, manager: JobManager, document: Document) -> None:
    rows = [{"instruction": "He go to the park every day. " * 40, "input": "", "output": "He goes."} for _ in range(64)]
    source = store.home / "long.json"
    source.write_text(json.dumps(rows))
    large = document(max_steps=ENDLESS, batch_size=32, max_length=512) | {"data": {"source": str(source)}}
    runs = [manager.submit("run", large), manager.submit("run", document(max_steps=1))]
    worker = only_worker(os.getpid())
    wait_for_step(store, runs[0])
    sizes = []
    for _ in range(50):  # between the steps it has little, within them a hundred megabytes more
        sizes.append(worker.memory_info().vms)
        time.sleep(0.01)
    worker.rlimit(psutil.RLIMIT_AS, (min(sizes), resource.RLIM_INFINITY))
    record = ended(store, runs[0])
    assert record.phase is Phase.FAILED
    assert record.reason.startswith("Memory ran out: ")
    assert "Lower training.batch_size (now 32), training.max_length (now 512)" in record.reason
    whole(store, runs[1], 1)


def test_a_loss_that_is_no_number(store: RunStore, manager: JobManager, document: Document) -> None:
    wild = {"optimizer": "sgd", "learning_rate": 10, "max_grad_norm": 0, "save_steps": 1}
    run = manager.submit("run", document(max_steps=60, **wild) | {"adapter": {"kind": "none"}})
    record = ended(store, run)
    assert record.phase is Phase.FAILED
    assert "training.learning_rate" in record.reason
    assert "at step " in record.reason or "in the last step" in record.reason
    last = sealed(store.folder(run))[0].step
    assert steps_of(store, run)[-1] in (last, last + 1)


def test_a_clock_that_goes_backwards(store: RunStore, document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    shift = iter(range(0, 1_000_000, 100))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - next(shift))
    manager = JobManager(store, ThreadExecutor())
    run = manager.submit("run", document(max_steps=8, save_steps=2))
    wait_for_step(store, run, 3)
    with contextlib.suppress(Exception):  # it may have ended
        manager.stop(run)
    first = ended(store, run)
    if first.phase is Phase.STOPPED:
        manager.resume(run)
    whole(store, run, 8)
    record = store.get(run)
    assert record.seconds >= 0
    assert record.result
    assert record.result["seconds"] > 0
    times = [event.time for event in events_of(store, run)]
    assert times != sorted(times)
    assert phases_of(store, run)[-1] is Phase.DONE
    manager.close()


@pytest.mark.parametrize("how", [{"bytes_per_second": 10}, {"stall_after": 1000}], ids=["trickles", "stalls"])
def test_a_hub_that_hardly_answers_lets_go_when_stopped(
    store: RunStore, document: Document, small_models: dict[str, Path], stand_in: StandIn, how: dict[str, Any]
) -> None:
    stand_in.repositories["somebody/slow"] = Repository(small_models["gpt2"], **how)
    manager = JobManager(store, ThreadExecutor())
    runs = [manager.submit("run", document() | {"model": "somebody/slow"}), manager.submit("run", document())]
    wait_until(lambda: stand_in.sent > 0, PATIENCE, "the first bytes")
    asked = time.monotonic()
    manager.stop(runs[0])
    record = ended(store, runs[0])
    assert time.monotonic() - asked < 5
    assert (record.phase, record.reason) == (Phase.STOPPED, "Stopped before it was complete.")
    whole(store, runs[1], 3)
    manager.close()


def test_a_hub_that_stalls_is_given_up_on(
    store: RunStore,
    document: Document,
    small_models: dict[str, Path],
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1")
    stand_in.repositories["somebody/slow"] = Repository(small_models["gpt2"], stall_after=1000)
    manager = JobManager(store, ThreadExecutor())
    record = ended(store, manager.submit("run", document() | {"model": "somebody/slow"}))
    assert record.phase is Phase.FAILED
    assert record.reason.startswith(("Fetching somebody/slow broke off", "The Hub cannot be reached"))
    manager.close()


def test_a_run_that_hangs_is_ended_and_goes_on(
    store: RunStore, manager: JobManager, saving: dict[str, Any], document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole(store, manager.submit("run", document()), 3)  # the fork server is warm: its start is no silence
    wait_until(lambda: not workers_of(os.getpid()), PATIENCE, "its worker to go")
    monkeypatch.setenv("PLAYGROUND_WATCHDOG_SECONDS", "8")
    run = manager.submit("run", saving)
    worker = only_worker(os.getpid())
    caught(worker, moments(store, run)["running"])
    record = ended(store, run)
    last = sealed(store.folder(run))[0].step
    assert record.phase is Phase.FAILED
    why = "Nothing was heard of it for 8 s (PLAYGROUND_WATCHDOG_SECONDS), so it was killed"
    assert record.reason == f"{why} at step {record.steps}; the last checkpoint is of step {last}."
    monkeypatch.delenv("PLAYGROUND_WATCHDOG_SECONDS")  # a busy machine may be silent for as long
    manager.resume(run)
    whole(store, run)


def test_a_run_that_hangs_in_the_foreground_ends_the_command(
    store: RunStore, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYGROUND_WATCHDOG_SECONDS", "0.3")  # the heavy imports alone are silent for longer
    with program("tests.jobs.foreground", store, document()) as process:
        assert process.wait(60) == 1
    record = store.list()[0]
    assert record.phase is Phase.FAILED
    why = "Nothing was heard of it for 0.3 s (PLAYGROUND_WATCHDOG_SECONDS), so it was killed"
    assert record.reason == f"{why} before its first step; there is no checkpoint."


@pytest.mark.parametrize("given", ["soon", "-1", "nan"])
def test_a_watchdog_that_cannot_be_set_is_told_at_the_start(
    store: RunStore, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYGROUND_WATCHDOG_SECONDS", given)
    with pytest.raises(ConfigError, match=f"must be a number of seconds, or 0 for no watchdog; got '{given}'"):
        JobManager(store, ThreadExecutor())


def test_stop_pressed_twice(store: RunStore, manager: JobManager, saving: dict[str, Any]) -> None:
    run = manager.submit("run", saving)
    worker = only_worker(os.getpid())
    caught(worker, moments(store, run)["saving"])
    assert [manager.stop(run), manager.stop(run)] == [1, 2]
    record = ended(store, run)
    last = sealed(store.folder(run))[0].step
    assert (record.phase, record.reason) == (
        Phase.STOPPED,
        f"Killed at step {record.steps}; the last checkpoint is of step {last}.",
    )
    manager.resume(run)
    whole(store, run)
