"""What a job says while it goes on, as lines for a terminal or a log."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from playground.runs.events import Event, Log, Metric, Phase, PhaseChange, Progress
from playground.runs.store import RunStore

POLL_SECONDS = 0.25
QUIET_SECONDS = 1.0
"""Outside a terminal, lines that only say how far it has come are at least this far apart."""
STAGES = {
    "data": "reading data",
    "find": "finding the model",
    "wait": "waiting for another download of the model",
    "download": "downloading",
    "check": "checking the download",
    "convert": "converting the weights",
    "read": "reading the weights",
    "merge": "merging adapters",
    "move": "moving the model to its device",
    "turn": "waiting for another model to be merged",
    "write": "writing the model",
    "zip": "packing",
    "upload": "uploading",
}
"""Stages of loading in words; other stages are words already."""
CLEAR_LINE = "\r\x1b[K"


class Reporter:
    """Writes events to a stream: in a terminal one line that changes in place, elsewhere a line each."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_place = stream.isatty()
        self._open = False
        self._told = 0.0
        self._total = 0
        self._pending: str | None = None
        self._seen: dict[str, float | None] = {}

    def event(self, event: Event) -> None:
        """Takes one event in its order."""
        match event:
            case Progress(stage="training"):
                self._total = int(event.total)
            case Progress():
                self.passing(in_words(event), last=event.total > 0 and event.done >= event.total)
            case Metric():
                self._seen |= event.values
                self.passing(self._step(event.step), last=event.step == self._total)
            case Log():
                prefix = "" if event.level == "info" else f"{event.level}: "
                self.line(f"{prefix}{event.text}")
            case PhaseChange(phase=Phase.STOPPING):
                self.line(
                    "stopping: the next step is the last; what was learnt is saved. Ctrl-C again ends it at once."
                )
            case PhaseChange(phase=Phase.PREPARING | Phase.RUNNING):
                self.passing(str(event.phase))

    def passing(self, text: str, *, last: bool = False) -> None:
        """A line that the next one may take the place of; `last` makes sure that this one is seen."""
        now = time.monotonic()
        if self._in_place:
            self._stream.write(CLEAR_LINE + text)
            self._stream.flush()
            self._open = True
        elif last or now - self._told >= QUIET_SECONDS:
            self._pending = None
            self._told = now
            print(text, file=self._stream, flush=True)
        else:
            self._pending = text

    def line(self, text: str) -> None:
        """A line that stays."""
        self.close()
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Ends the line that changes in place, and writes what was held back."""
        if self._open:
            self._stream.write("\n")
            self._open = False
        if self._pending is not None:
            print(self._pending, file=self._stream, flush=True)
            self._pending = None

    def _step(self, step: int) -> str:
        parts = [f"step {step}/{self._total}" if self._total else f"step {step}"]
        for name, shown in (
            ("loss", "loss {:.4f}"),
            ("eval_loss", "eval loss {:.4f}"),
            ("tokens_per_second", "{:,.0f} tokens/s"),
        ):
            value = self._seen.get(name)
            if value is not None:
                parts.append(shown.format(value))
        left = self._seen.get("eta_seconds")
        if left is not None and step < self._total:
            parts.append(f"{duration(left)} left")
        return "  ".join(parts)


def in_words(progress: Progress) -> str:
    """Such as "answering base 16/110 rows" or "downloading 12.5/92.9 MB"; no amount where the stage has no unit."""
    done, total, unit = progress.done, progress.total, progress.unit
    if unit == "bytes":
        done, total, unit = done / 1e6, total / 1e6, "MB"
    digits = ",.1f" if unit == "MB" else ",.0f"
    amount = f"{done:{digits}}/{total:{digits}}" if total else f"{done:{digits}}"
    shown = f"{amount} {unit}" if unit and (done or total) else ""
    return " ".join(filter(None, (STAGES.get(progress.stage, progress.stage), shown)))


def duration(seconds: float) -> str:
    """Hours, minutes and seconds as people write them: 1:02:03, or 2:03 without hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def following(store: RunStore, job: str) -> Iterator[None]:
    """Reports what a job says from now on, on stderr while the block runs, to the last event."""
    reporter = Reporter(sys.stderr)
    ended = threading.Event()
    begun_at = store.pulse(job).seq

    def follow() -> None:
        cursor = begun_at
        while True:
            was_last = ended.is_set()
            page = store.events(job, cursor)
            cursor = page.cursor
            for _, event in page.events:
                reporter.event(event)
            if was_last and not page.events:
                return
            if not page.events:
                ended.wait(POLL_SECONDS)

    thread = threading.Thread(target=follow, name=f"follow {job}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        reporter.close()
