"""The next pair of answers, written while the room reads the last."""

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from playground.errors import PlaygroundError, RunError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Ahead(Generic[T]):
    """Makes one thing in a thread before it is asked for. Asked for before it is there, it is waited for."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._made: T | None = None
        self._failed: PlaygroundError | None = None
        self._thread = threading.Thread(target=self._run, args=(make,), name="next pair", daemon=True)
        self._thread.start()

    def get(self) -> T:
        """What was made; raises what kept it from being made."""
        self._thread.join()
        if self._failed is not None:
            raise self._failed
        return self._made  # type: ignore[return-value]

    @property
    def waits(self) -> bool:
        """Whether it is still being made."""
        return self._thread.is_alive()

    def _run(self, make: Callable[[], T]) -> None:
        try:
            self._made = make()
        except PlaygroundError as error:
            self._failed = error
        except Exception:  # the edge of a thread: whoever asks for it is told
            logger.exception("What was to be made ahead failed.")
            self._failed = RunError("The next answers could not be written; the log has the details. Try once more.")
