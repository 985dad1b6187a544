"""Where a job runs on ZeroGPU: in a process that is lent a GPU for a short while, and stopped in time.

A Space on ZeroGPU has no GPU of its own. A generator decorated with `spaces.GPU` is run in a forked process that has
one; what it writes to the store is seen here. `spaces` is installed on such Spaces only, and imported here only.

Whoever begins a run is lent the GPU on their own quota: `spaces` reads it from the request that Gradio is answering,
which by the time the run's turn comes is long over, so it is kept until then.
"""

import contextlib
import functools
import html
import logging
import os
import re
import threading
from collections.abc import Callable, Generator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

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
Asked = Callable[[Any, str, str], Generator[None, None, None]]
"""With the request of whoever asks before job and home."""


MOST_REQUESTS = 256
"""Of jobs that wait; of older ones the Space's own quota is asked for."""
EXPIRED = "expired"
"""A word in what the lender says where a request is too old to be asked for by."""

_TAG = re.compile(r"<[^>]*>")


@functools.cache
def borrowing() -> Lent:
    """The work as it is done on loan; the same at each call.

    To be called before the app is launched: the lender must know by then that something here wants a GPU, or the Space
    is not taken for one of its own.

    Raises:
        ConfigError: the length of a loan is none.
    """
    import spaces

    lent: Lent = spaces.GPU(duration=loan_seconds())(work)
    return lent


class LendingExecutor:
    """A loan of a GPU per job."""

    def __init__(self) -> None:
        from spaces.utils import gradio_request_var

        self._lent = borrowing()
        self._asking: ContextVar[Any] = gradio_request_var()
        self._requests: dict[str, Any] = {}

    def expect(self, job: str) -> None:
        self._requests[job] = self._asking.get(None)
        while len(self._requests) > MOST_REQUESTS:
            del self._requests[next(iter(self._requests))]

    def start(self, job: str, home: Path) -> Handle:
        return Loan(self._as_asked, job, home, self._requests.pop(job, None))

    def _as_asked(self, request: Any, job: str, home: str) -> Generator[None, None, None]:
        # The request alone, and not the event that it belongs to: that is over, and would end the loan with it.
        self._asking.set(request)
        return self._lent(job, home)

    def warm_up(self) -> None:
        """Nothing to do: the forked process has the app's own imports."""


class Loan(InThread):
    """One loan, waited for by its thread; `kill` gives the GPU back."""

    def __init__(self, lent: Asked, job: str, home: Path, request: Any) -> None:
        """`request` is that of whoever asks for it; None asks on the Space's own quota."""
        self._lent = lent
        self._request = request
        self._over = threading.Event()
        super().__init__(job, home)

    def kill(self) -> None:
        self._over.set()

    def _work(self, job: str, home: Path) -> int:
        try:
            return self._borrow(job, home, self._request)
        except Exception as error:
            said = _said(error)
            if self._request is None or EXPIRED not in said.lower():
                raise self._refused(said) from error
        try:
            return self._borrow(job, home, None)
        except Exception as error:
            raise self._refused(_said(error)) from error

    def _borrow(self, job: str, home: Path, request: Any) -> int:
        with contextlib.closing(self._lent(request, job, str(home))) as beats:
            return int(any(self._over.is_set() for _ in beats))

    def _refused(self, said: str) -> RunError:
        self.reason = f"ZeroGPU lent no GPU, or took it back: {said.rstrip('.')}."
        return RunError(self.reason)


def _said(error: Exception) -> str:
    """What the lender says, without the markup of its toasts."""
    text = str(getattr(error, "message", "") or error)
    return " ".join(html.unescape(_TAG.sub("", text)).split()) or type(error).__name__


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
