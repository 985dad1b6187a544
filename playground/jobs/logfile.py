"""A job's `log.txt`: what it said, and what nobody expected. One line at a time, shared with the worker's stderr."""

import time
import traceback
from pathlib import Path
from types import TracebackType

from playground.runs.events import Event, Log, PhaseChange

NAME = "log.txt"


class LogFile:
    """Appends lines to a job's log; a disk that takes no more lines does not end the job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)

    def __enter__(self) -> "LogFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, level: str, text: str) -> None:
        """One entry with its time in UTC."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        try:
            self._file.write(f"{stamp} {level}: {text}\n")
        except OSError:
            return

    def event(self, event: Event) -> None:
        """Writes the events that are meant to be read: log lines and phases."""
        if isinstance(event, Log):
            self.write(event.level, event.text)
        elif isinstance(event, PhaseChange):
            self.write("info", f"{event.phase}. {event.reason}".rstrip(" ."))

    def error(self, error: BaseException) -> None:
        """The whole traceback."""
        self.write("error", "".join(traceback.format_exception(error)).rstrip())
