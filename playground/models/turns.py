"""Whose turn it is: a lock that is given in the order in which it was asked for."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playground.errors import Cancelled

STOP_POLL_SECONDS = 0.2


class Turns:
    """A fair lock, re-entrant within a thread, whose queue people can see and leave."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[object] = deque()
        self._owner: int | None = None
        self._depth = 0

    @property
    def waiting(self) -> int:
        """How many stand in line, whoever has the turn not counted; takes no lock."""
        return len(self._line)

    @contextmanager
    def take(
        self, *, stop: threading.Event | None = None, on_place: Callable[[int], None] | None = None
    ) -> Iterator[None]:
        """Waits for the turn and keeps it for the block.

        Args:
            stop: set to leave the line.
            on_place: told how many are ahead, if anybody is: at first, whenever that changes, and 0 at the end.

        Raises:
            Cancelled: `stop` was set while waiting.
        """
        self._enter(stop, on_place)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, stop: threading.Event | None, on_place: Callable[[int], None] | None) -> None:
        me, ticket, told = threading.get_ident(), object(), -1
        with self._changed:
            if self._owner == me:
                self._depth += 1
                return
            self._line.append(ticket)
            try:
                while ahead := self._line.index(ticket) + (self._owner is not None):
                    if stop and stop.is_set():
                        raise Cancelled("Stopped while waiting for its turn.")
                    if on_place and ahead != told:
                        on_place(ahead)
                        told = ahead
                    self._changed.wait(STOP_POLL_SECONDS if stop else None)
                self._owner, self._depth = me, 1
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
        if on_place and told > 0:
            on_place(0)

    def _leave(self) -> None:
        with self._changed:
            self._depth -= 1
            if self._depth == 0:
                self._owner = None
                self._changed.notify_all()
