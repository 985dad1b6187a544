"""Time spent on training itself, without what is done beside it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds since it was made, less those spent inside `paused`."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begins again at zero."""
        self._start = time.perf_counter()
        self._paused = 0.0

    @property
    def total(self) -> float:
        """Seconds since the start, pauses included."""
        return time.perf_counter() - self._start

    @property
    def running(self) -> float:
        """Seconds since the start without the pauses."""
        return self.total - self._paused

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done in here does not count as training."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - begun
