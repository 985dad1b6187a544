"""Where a job runs on ZeroGPU: in a process that is lent a GPU for a short while, and stopped in time.

A Space on ZeroGPU has no GPU of its own. A generator decorated with `spaces.GPU` is run in a forked process that has
one; what it writes to the store is seen here. `spaces` is installed on such Spaces only, and imported here only.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Generator
from pathlib import Path

from playground.errors import ConfigError, RunError
from playground.jobs.executors import Handle, InThread
from playground.runs.events import Log
from playground.runs.store import RunStore
from playground.surroundings import LOAN_VARIABLE

logger = logging.getLogger(__name__)

VARIABLE = "PLAYGROUND_GPU_SECONDS"
DEFAULT_SECONDS = 120
SHORTEST_SECONDS = 30
ENDING_SECONDS = 15
"""A run is asked to stop so long before the GPU is taken back: it finishes its step and saves what it has."""
HEARTBEAT_SECONDS = 0.5

Lent = Callable[[str, str], Generator[None, None, None]]


class LendingExecutor:
    """A loan of a GPU per job."""

    def __init__(self) -> None:
        import spaces

        self._lent: Lent = spaces.GPU(duration=loan_seconds())(work)

    def start(self, job: str, home: Path) -> Handle:
        return Loan(self._lent, job, home)

    def warm_up(self) -> None:
        """Nothing to do: the forked process has the app's own imports."""


class Loan(InThread):
    """One loan, waited for by its thread; `kill` gives the GPU back."""

    def __init__(self, lent: Lent, job: str, home: Path) -> None:
        self._lent = lent
        self._over = threading.Event()
        super().__init__(job, home)

    def kill(self) -> None:
        self._over.set()

    def _work(self, job: str, home: Path) -> int:
        with contextlib.closing(self._lent(job, str(home))) as beats:
            return int(any(self._over.is_set() for _ in beats))


def loan_seconds() -> int:
    """For how long a run may have a GPU, by `PLAYGROUND_GPU_SECONDS`; a longer loan waits longer for its turn.

    Raises:
        ConfigError: it is no whole number, or too short to train anything.
    """
    given = os.environ.get(VARIABLE) or str(DEFAULT_SECONDS)
    if not given.isascii() or not given.isdecimal() or int(given) < SHORTEST_SECONDS:
        raise ConfigError([f"{VARIABLE} must be a whole number of at least {SHORTEST_SECONDS}; got {given!r}."])
    return int(given)


def work(job: str, home: str) -> Generator[None, None, None]:
    """Does a job where the GPU is, with a sign of life every half second; asks it to stop before the time is over."""
    from playground.jobs import worker

    seconds = loan_seconds()
    os.environ[LOAN_VARIABLE] = "1"
    store = RunStore(Path(home))
    warning = threading.Timer(seconds - ENDING_SECONDS, _ask_to_stop, (store, job, seconds))
    working = threading.Thread(target=worker.execute, args=(job, store), name=f"worker {job}", daemon=True)
    try:
        warning.start()
        working.start()
        while working.is_alive():
            working.join(HEARTBEAT_SECONDS)
            yield
    finally:
        warning.cancel()
        os.environ.pop(LOAN_VARIABLE)


def _ask_to_stop(store: RunStore, job: str, seconds: int) -> None:
    said = f"The GPU was lent for {seconds} s; the run stops and keeps what it learnt."
    try:
        store.append(job, [Log(said, "warning")])
        store.request_stop(job)
    except RunError as error:  # it ended by itself
        logger.info("%s", error)
