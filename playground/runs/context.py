"""What a job is given to work with: where to write, whom to tell, and when to stop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playground.errors import Cancelled
from playground.runs.events import Event, Log, Phase, PhaseChange


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

    def log(self, text: str, level: str = "info") -> None:
        """A line for people."""
        self.emit(Log(text, level))

    def running(self) -> None:
        """Preparation is over; the first step begins."""
        self.emit(PhaseChange(Phase.RUNNING))

    def check(self) -> None:
        """Leaves by `Cancelled` where a stop was asked for; for places that have nothing worth saving yet."""
        if self.stop.is_set():
            raise Cancelled("Stopped before it began.")
