"""Runs on a GPU that is lent: `spaces` itself, which off a Space leaves the decorated generator as it is."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from playground import surroundings
from playground.config.run import RunConfig
from playground.errors import Cancelled, ConfigError
from playground.jobs import lending
from playground.jobs.executors import chosen_executor
from playground.jobs.manager import JobManager
from playground.jobs.submission import submit
from playground.runs.context import JobContext
from playground.runs.events import Log, Metric, Phase
from playground.runs.home import home
from playground.runs.store import RunStore
from tests.jobs.conftest import Training, events_of, wait_for
from tests.jobs.test_worker import Trained, train_two_steps


def train_until_stopped(config: RunConfig, context: JobContext) -> Trained:
    context.running()
    step = 0
    while True:
        step += 1
        context.emit(Metric(step, {"loss": 1.0 / step}))
        try:
            context.check()
        except Cancelled:
            return Trained(step, stopped=True)
        time.sleep(0.05)


@pytest.fixture
def lender(monkeypatch: pytest.MonkeyPatch) -> lending.LendingExecutor:
    monkeypatch.setenv("PLAYGROUND_EXECUTOR", "zero_gpu")
    found = chosen_executor()
    assert isinstance(found, lending.LendingExecutor)
    return found


def test_zero_gpu_chooses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAYGROUND_EXECUTOR", raising=False)
    assert not isinstance(chosen_executor(), lending.LendingExecutor)
    monkeypatch.setattr(surroundings, "place", lambda: surroundings.Place.ZERO_GPU)
    assert isinstance(chosen_executor(), lending.LendingExecutor)


def test_a_job_is_done_on_loan(
    store: RunStore, lender: lending.LendingExecutor, training_is: Callable[[Training], None]
) -> None:
    training_is(train_two_steps)
    manager = JobManager(store, lender)
    try:
        job = manager.submit("run", {"name": "mine"})
        wait_for(store, job, Phase.DONE)
    finally:
        manager.close()


def test_it_is_asked_to_stop_before_the_time_is_over(
    store: RunStore,
    lender: lending.LendingExecutor,
    training_is: Callable[[Training], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training_is(train_until_stopped)
    monkeypatch.setattr(lending, "ENDING_SECONDS", lending.DEFAULT_SECONDS - 1)
    manager = JobManager(store, lender)
    try:
        job = manager.submit("run", {"name": "long"})
        wait_for(store, job, Phase.STOPPED)
    finally:
        manager.close()
    said = [event.text for event in events_of(store, job) if isinstance(event, Log)]
    assert said == ["The GPU was lent for 120 s; the run stops and keeps what it learnt."]


def test_killing_gives_the_gpu_back(
    store: RunStore, lender: lending.LendingExecutor, training_is: Callable[[Training], None]
) -> None:
    training_is(train_until_stopped)
    job = submit(store, "run", {"name": "mine"})
    loan = lender.start(job, home())
    wait_for(store, job, Phase.RUNNING)
    loan.kill()
    assert loan.wait(10)
    assert loan.exit_code == 1
    store.request_stop(job)
    wait_for(store, job, Phase.STOPPED)


@pytest.mark.parametrize("given", ["29", "two", "-1", "1.5"])
def test_a_loan_that_is_none_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lending.VARIABLE, given)
    with pytest.raises(ConfigError, match=f"at least 30; got '{given}'"):
        lending.loan_seconds()


@pytest.mark.parametrize(
    ("environment", "gpu", "expected"),
    [
        ({}, False, surroundings.Place.LOCAL),
        ({"SPACE_ID": "me/x"}, False, surroundings.Place.SPACE_CPU),
        ({"SPACE_ID": "me/x"}, True, surroundings.Place.SPACE_GPU),
        ({"SPACE_ID": "me/x", "SPACES_ZERO_GPU": "true"}, True, surroundings.Place.ZERO_GPU),
    ],
)
def test_the_place_is_told_by_its_variables(
    environment: dict[str, str],
    gpu: bool,
    expected: surroundings.Place,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("SPACE_ID", "SPACES_ZERO_GPU"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(surroundings, "_CONTAINER_MARKS", ())
    monkeypatch.setattr(surroundings, "_GPU_DEVICE", tmp_path if gpu else tmp_path / "none")
    assert surroundings.place() is expected
    assert surroundings.place().is_space is bool(environment)
    assert surroundings.keeps(tmp_path) is (expected is surroundings.Place.LOCAL or _on_a_volume(tmp_path))


def _on_a_volume(folder: Path) -> bool:
    return folder.stat().st_dev != Path("/").stat().st_dev


def test_a_mark_of_a_container_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setattr(surroundings, "_CONTAINER_MARKS", (tmp_path,))
    assert surroundings.place() is surroundings.Place.CONTAINER


def test_only_a_process_on_loan_has_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from playground.models.devices import choose_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert choose_device("auto").type != "cuda"
    monkeypatch.setenv(surroundings.LOAN_VARIABLE, "1")
    assert choose_device("auto").type == "cuda"
