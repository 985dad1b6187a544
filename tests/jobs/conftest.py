"""Jobs for tests: a store, real runs on a small model, and a stand-in for training where only the lifecycle matters."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

import playground.training
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.runs.events import Event, Metric, Phase, PhaseChange
from playground.runs.records import RunRecord
from playground.runs.store import RunStore
from tests.models import conftest as of_models
from tests.waiting import wait_until

stand_in = of_models.stand_in

ROOT = Path(__file__).resolve().parents[2]
ENDLESS = 1_000_000
PATIENCE = 300.0
"""Seconds; the heavy imports of a cold worker may share the processor with much else."""

Training = Callable[[RunConfig, JobContext], object]
Document = Callable[..., dict[str, Any]]


@pytest.fixture
def store(own_home: Path) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file of 40 rows that a small model reads."""
    path = tmp_path / "rows.json"
    row = {"instruction": "Rewrite the sentence.", "input": "He go to the park.", "output": "He goes to the park"}
    path.write_text(json.dumps([{**row, "input": f"{row['input']} {n}"} for n in range(40)]))
    return path


@pytest.fixture
def document(small_models: dict[str, Path], rows: Path) -> Callable[..., dict[str, Any]]:
    """Makes the config of a short run; keywords are training settings."""

    def make(**training: object) -> dict[str, Any]:
        quiet = {"batch_size": 2, "max_length": 128, "eval_steps": 0, "sample_steps": 0, "max_steps": 3}
        return {"model": str(small_models["llama"]), "data": {"source": str(rows)}, "training": quiet | training}

    return make


@pytest.fixture
def training_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[Training], None]:
    """Puts a function in the place of training, for jobs in this process."""

    def replace(train: Training) -> None:
        stand_in = ModuleType("playground.training.dispatch")
        stand_in.execute = train  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
        monkeypatch.setattr(playground.training, "dispatch", stand_in, raising=False)

    return replace


@contextlib.contextmanager
def program(module: str, store: RunStore, document: dict[str, Any], *more: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, str(store.home), json.dumps(document), *more]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def workers_of(pid: int) -> list[psutil.Process]:
    """Workers are children of the fork server, which is a child of the app."""
    children = psutil.Process(pid).children()
    return [worker for child in children for worker in child.children()]


def only_worker(pid: int) -> psutil.Process:
    """The one worker of an app or of this process, once there is one and those of earlier jobs have gone."""
    wait_until(lambda: len(workers_of(pid)) == 1, PATIENCE, "a worker, and no other")
    (worker,) = workers_of(pid)
    return worker


def events_of(store: RunStore, job: str) -> list[Event]:
    """Everything a job said."""
    return [event for _, event in store.events(job).events]


def phases_of(store: RunStore, job: str) -> list[Phase]:
    """The phases a job went through."""
    return [event.phase for event in events_of(store, job) if isinstance(event, PhaseChange)]


def steps_of(store: RunStore, job: str) -> list[int]:
    """The steps that metrics were given for."""
    return [event.step for event in events_of(store, job) if isinstance(event, Metric)]


def wait_for(store: RunStore, job: str, *phases: Phase, timeout: float = PATIENCE) -> None:
    """Waits until a job is in one of `phases`, by default until it has ended; fails where it ends otherwise."""
    wanted = phases or tuple(phase for phase in Phase if phase.terminal)
    wait_until(lambda: _is_in(store, job, wanted), timeout, f"{job} to be {', '.join(wanted)}")


def wait_for_step(store: RunStore, job: str, step: int = 1) -> None:
    """Waits until the store has a metric of this step; fails where the job ends before."""
    wait_until(lambda: not _has_ended(store, job) and store.get(job).steps >= step, PATIENCE, f"step {step} of {job}")


def _is_in(store: RunStore, job: str, phases: tuple[Phase, ...]) -> bool:
    record = store.get(job)  # once, since the job may end between two looks
    return record.phase in phases or _ended(record)


def _has_ended(store: RunStore, job: str) -> bool:
    return _ended(store.get(job))


def _ended(record: RunRecord) -> bool:
    """False; fails where the job has ended."""
    assert not record.phase.terminal, f"{record.id} is {record.phase} already: {record.reason}"
    return False
