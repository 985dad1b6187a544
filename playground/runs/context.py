"""What a job is given to work with: where to write, whom to tell, and when to stop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playground.config.warnings import worded
from playground.errors import Cancelled
from playground.runs.events import Event, Log, Phase, PhaseChange


def _nothing() -> None:
    """There is no store to wait for."""


@dataclass(frozen=True)
class JobContext:
    """The hands of one running job; everything it does to the outside goes through here."""

    id: str
    folder: Path
    """The job's own folder, which exists."""
    emit: Callable[[Event], None]
    """Appends an event to the store; cheap, never blocks on the disk."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the job should end at the next step and save what it has."""
    attempt: int = 1
    """Which time it is tried; more than 1 goes on from what the time before has left in `folder`."""
    settle: Callable[[], None] = _nothing
    """Returns when everything emitted so far is in the store, or cannot be brought there now."""

    def log(self, text: str, level: str = "info") -> None:
        """A line for people."""
        self.emit(Log(text, level))

    def warn(self, key: str, **values: object) -> None:
        """One of `config.warnings`, with what stands at its places."""
        filled = {name: str(value) for name, value in values.items()}
        self.emit(Log(worded(key, filled), "warning", key, filled))

    def running(self) -> None:
        """Preparation is over; the first step begins."""
        self.emit(PhaseChange(Phase.RUNNING))

    def check(self) -> None:
        """Leaves by `Cancelled` where a stop was asked for; for places that have nothing worth saving yet."""
        if self.stop.is_set():
            raise Cancelled("Stopped before it began.")
