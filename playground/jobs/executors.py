"""Where a job runs: in a worker process, or in a thread of the app where a process cannot be had."""

import abc
import contextlib
import ctypes
import logging
import multiprocessing
import multiprocessing.context
import os
import sys
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

import playground
from playground import surroundings
from playground.errors import ConfigError
from playground.jobs.remains import Killed

logger = logging.getLogger(__name__)

VARIABLE = "PLAYGROUND_EXECUTOR"


class Handle(Protocol):
    """One started job, seen from outside."""

    def wait(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds; True once the job's process or thread has ended."""

    @property
    def alive(self) -> bool:
        """Whether it still runs."""

    def kill(self) -> None:
        """Ends it now, in the middle of whatever it does."""

    @property
    def exit_code(self) -> int | None:
        """0 for a normal end, negative for a signal; None while it runs."""

    @property
    def reason(self) -> str:
        """Why it ended badly, in a sentence, where its place knows more than an exit code says; else empty."""


class Executor(Protocol):
    """Starts jobs that stand in a store; a cluster's scheduler would be another of these."""

    def expect(self, job: str) -> None:
        """Called where a person submits or resumes a job, in the context of their request."""

    def start(self, job: str, home: Path) -> Handle:
        """Begins a queued job of the store in `home`."""

    def warm_up(self) -> None:
        """Does in the background whatever makes the next start fast; returns at once."""


class ProcessExecutor:
    """A process per job, forked from a server that has done the heavy imports; spawned where there is no such server.

    The main script is imported anew in each worker, as always with `multiprocessing`; ours leaves that import empty.
    """

    def __init__(self) -> None:
        methods = multiprocessing.get_all_start_methods()
        self._forks = "forkserver" in methods
        self._context = multiprocessing.get_context("forkserver" if self._forks else "spawn")
        if self._forks:
            self._context.set_forkserver_preload(["playground.jobs.preload"])

    def expect(self, job: str) -> None:
        """Nothing to do: a process is everybody's alike."""

    def start(self, job: str, home: Path) -> "ProcessHandle":
        from playground.jobs import process

        self.warm_up()
        worker = self._context.Process(  # type: ignore[attr-defined]  # every concrete context has it
            target=process.main, args=(job, str(home)), name=f"worker {job}", daemon=True
        )
        worker.start()
        return ProcessHandle(worker)

    def warm_up(self) -> None:
        if self._forks:
            from multiprocessing import forkserver

            with _importable():
                forkserver.ensure_running()


class ProcessHandle:
    """A worker process; dropping this handle ends the worker, which takes it for the death of its parent."""

    def __init__(self, worker: BaseProcess) -> None:
        self._worker = worker

    def wait(self, timeout: float) -> bool:
        self._worker.join(timeout)
        return not self.alive

    @property
    def alive(self) -> bool:
        return self._worker.is_alive()

    def kill(self) -> None:
        self._worker.kill()

    @property
    def exit_code(self) -> int | None:
        return self._worker.exitcode

    @property
    def reason(self) -> str:
        return ""


class ThreadExecutor:
    """A thread of the app per job. Cannot end a job that is stuck in native code."""

    def expect(self, job: str) -> None:
        """Nothing to do: a thread is everybody's alike."""

    def start(self, job: str, home: Path) -> "ThreadHandle":
        return ThreadHandle(job, home)

    def warm_up(self) -> None:
        """Nothing to do: the app's own imports serve."""


class InThread(abc.ABC):
    """A job that a daemon thread of the app does or waits for."""

    def __init__(self, job: str, home: Path) -> None:
        self.reason = ""
        self._exit_code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(job, home), name=f"worker {job}", daemon=True)
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        self._thread.join(timeout)
        return not self.alive

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def exit_code(self) -> int | None:
        return self._exit_code

    @abc.abstractmethod
    def _work(self, job: str, home: Path) -> int:
        """Does the job and gives its exit code."""

    def _run(self, job: str, home: Path) -> None:
        try:
            self._exit_code = self._work(job, home)
        except Exception:
            logger.exception("Job %s ended badly.", job)
            self._exit_code = 1


class ThreadHandle(InThread):
    """A thread that does one job itself."""

    def kill(self) -> None:
        """Raises `Killed` in the thread; it arrives when native code next returns to Python."""
        if self._thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident), ctypes.py_object(Killed))

    def _work(self, job: str, home: Path) -> int:
        from playground.jobs import worker
        from playground.runs.store import RunStore

        if sys.platform == "linux":  # there a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        with contextlib.closing(RunStore(home)) as store:
            worker.execute(job, store)
        return 0


def chosen_executor() -> Executor:
    """By `PLAYGROUND_EXECUTOR`: `process`, `thread` or `zero_gpu`; by default what the place can do.

    Raises:
        ConfigError: it is none of them.
    """
    usual = "zero_gpu" if surroundings.place() is surroundings.Place.ZERO_GPU else "process"
    match os.environ.get(VARIABLE) or usual:
        case "process":
            return ProcessExecutor()
        case "thread":
            return ThreadExecutor()
        case "zero_gpu":
            from playground.jobs.lending import LendingExecutor

            return LendingExecutor()
        case other:
            raise ConfigError([f"{VARIABLE} must be process, thread or zero_gpu; got {other!r}."])


@contextlib.contextmanager
def _importable() -> Iterator[None]:
    """Lets the fork server find our package from any working directory: it is not told the parent's `sys.path`."""
    before = os.environ.get("PYTHONPATH")
    ours = str(Path(playground.__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (ours, before)))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
