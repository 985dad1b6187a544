"""Tells a job that hangs from one that is slow: by whether it has said anything at all for a long time."""

import os
import time

from playground.errors import ConfigError
from playground.runs.records import Pulse

VARIABLE = "PLAYGROUND_WATCHDOG_SECONDS"
PATIENCE_SECONDS = 3600.0
"""Long enough for a step on a slow machine; within a long step training gives a sign of life every half minute."""


def patience() -> float:
    """Seconds of silence after which a job is ended, by `PLAYGROUND_WATCHDOG_SECONDS`; infinite where that is 0.

    Raises:
        ConfigError: it is no number, or negative.
    """
    given = os.environ.get(VARIABLE) or str(PATIENCE_SECONDS)
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise ConfigError([f"{VARIABLE} must be a number of seconds, or 0 for no watchdog; got {given!r}."])
    return seconds or float("inf")


class Watchdog:
    """Watches one job by its events: a process that is alive but takes no step is no progress."""

    def __init__(self) -> None:
        self._patience = patience()
        self._heard = time.monotonic()
        self._seq = -1

    def bites(self, pulse: Pulse) -> bool:
        """Whether the job has been silent for too long; ask regularly."""
        now = time.monotonic()
        if pulse.seq != self._seq:
            self._heard, self._seq = now, pulse.seq
        return now - self._heard > self._patience

    @property
    def sentence(self) -> str:
        """Why it was ended, to be followed by where it was."""
        return f"Nothing was heard of it for {self._patience:g} s ({VARIABLE}), so it was killed"
