"""A catalogue model that comes in the background while another one is in use. Light: no torch."""

import logging
import threading
from dataclasses import dataclass
from typing import Literal

from playground.errors import PlaygroundError
from playground.models import catalogue
from playground.models.fetch import resolve
from playground.runs.events import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArrivalStatus:
    """How far a model has come."""

    name: str
    title: str
    state: Literal["arriving", "here", "failed"]
    stage: str = "find"
    """`find`, `download`, `check`, `convert` or `wait`."""
    progress: float | None = None
    """Share of the stage, 0 to 1; None where its end is not known."""
    error: str | None = None


class Arrival:
    """Fetches one model in a thread of its own. A failure is a state, since nobody waits for it."""

    def __init__(self, entry: catalogue.Entry) -> None:
        self._entry = entry
        self._stop = threading.Event()
        self.status = ArrivalStatus(entry.name, entry.title, "arriving")
        self._thread = threading.Thread(target=self._fetch, name=f"fetch-{entry.name}", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Gives up within a moment; what came so far is kept for the next time."""
        self._stop.set()

    def _fetch(self) -> None:
        name, title = self._entry.name, self._entry.title
        try:
            resolve(name, report=self._report, stop=self._stop)
        except PlaygroundError as problem:
            self.status = ArrivalStatus(name, title, "failed", error=str(problem))
        except Exception as problem:  # the thread's edge: the page says it, the log has the rest
            logger.exception("Fetching %s failed.", name)
            self.status = ArrivalStatus(name, title, "failed", error=f"Fetching it failed: {problem}")
        else:
            self.status = ArrivalStatus(name, title, "here")

    def _report(self, progress: Progress) -> None:
        share = progress.done / progress.total if progress.total else None
        self.status = ArrivalStatus(self._entry.name, self._entry.title, "arriving", progress.stage, share)
