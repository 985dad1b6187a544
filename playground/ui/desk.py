"""Work that a page asked for and comes back to: it goes on in a thread of ours whether or not anybody looks.

A piece of work is known by an id that cannot be guessed; the page keeps it, asks how it goes, and finds the result
after a reload. Results stay until newer ones take their place, or the app ends.
"""

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from playground.errors import Busy, Cancelled, PlaygroundError, RunError
from playground.runs.events import Progress

logger = logging.getLogger(__name__)

KEPT = 48
"""Pieces of work that are remembered, the oldest ended one leaving first."""
MOST_AT_WORK = 24
"""Of all people together; each of them has one of a kind at most."""

State = Literal["working", "done", "stopped", "failed"]


@dataclass
class Work:
    """One piece of work; its thread writes, pages read."""

    id: str
    owner: str
    kind: str
    """What it is; a person has one piece of each kind at work at most."""
    stop: threading.Event = field(default_factory=threading.Event)
    state: State = "working"
    stage: str = "start"
    done: float = 0
    total: float = 0
    unit: str = ""
    ahead: int = 0
    """Requests that have the model first."""
    error: str = ""
    result: Any = None
    """What there is so far, for the page; whole once the state is done or stopped."""
    version: int = 0
    """Grows with every new `result`."""
    seconds: float = 0.0

    def hear(self, progress: Progress) -> None:
        """How far it is."""
        self.stage, self.done, self.total, self.unit = progress.stage, progress.done, progress.total, progress.unit
        self.ahead = 0

    def wait(self, ahead: int) -> None:
        """How many come first."""
        self.ahead = ahead

    def give(self, result: Any) -> None:
        """A result, or more of it."""
        self.result = result
        self.version += 1

    def status(self) -> dict[str, Any]:
        """For the page, as JSON values."""
        names = ("id", "kind", "state", "stage", "done", "total", "unit", "ahead", "error", "version", "seconds")
        return {name: getattr(self, name) for name in names}


class Desk:
    """All work under way, and what came of it. Cheap to make; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: OrderedDict[str, Work] = OrderedDict()

    def start(self, owner: str, kind: str, job: Callable[[Work], bool]) -> str:
        """Begins a piece of work in place of the same person's last one of the kind; gives its id.

        Args:
            job: does it; gives its results to the work, and says whether all of it was done.

        Raises:
            Busy: too many people are at it.
        """
        work = Work(secrets.token_urlsafe(12), owner, kind)
        with self._lock:
            at_work = [known for known in self._all.values() if known.state == "working"]
            for known in at_work:
                if (known.owner, known.kind) == (owner, kind):
                    known.stop.set()
            if len([known for known in at_work if not known.stop.is_set()]) >= MOST_AT_WORK:
                raise Busy(f"{MOST_AT_WORK} people draw from the model at the moment; try again in a minute.")
            self._all[work.id] = work
            ended = [known.id for known in self._all.values() if known.state != "working"]
            for old in ended[: max(0, len(self._all) - KEPT)]:
                del self._all[old]
        threading.Thread(target=_run, args=(work, job), name=f"{kind} {work.id}", daemon=True).start()
        return work.id

    def get(self, wanted: str) -> Work:
        """A piece of work by its id.

        Raises:
            RunError: it is not known any more.
        """
        with self._lock:
            if wanted not in self._all:
                raise RunError("This is not kept any more: newer work took its place, or the app was started anew.")
            return self._all[wanted]

    def close(self) -> None:
        """Asks everything to stop."""
        with self._lock:
            for work in self._all.values():
                work.stop.set()


def _run(work: Work, job: Callable[[Work], bool]) -> None:
    started = time.monotonic()
    try:
        whole = job(work)
    except Cancelled:
        state: State = "stopped"
    except PlaygroundError as error:
        state, work.error = "failed", str(error)
    except Exception as error:  # the edge of a thread: whoever reads the status is told
        logger.exception("Work of the kind %s failed.", work.kind)
        state, work.error = "failed", f"The work failed unexpectedly ({type(error).__name__}); the log has the details."
    else:
        state = "done" if whole else "stopped"
    work.seconds = time.monotonic() - started
    work.state = state
