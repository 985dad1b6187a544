"""Work that takes a while, done in a thread while the page hears how far it is. Knows nothing of what the work is."""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

from playground.errors import Cancelled
from playground.runs.events import Progress

T = TypeVar("T")
Report = Callable[[Progress], None]

EVERY = 0.25
"""Seconds between two words to the page."""
_turn = threading.Lock()
"""Models are merged one at a time: each takes the memory of a whole one."""


class Finished(Generic[T]):
    """What the work gave."""

    def __init__(self, value: T) -> None:
        self.value = value


def followed(work: Callable[[Report, threading.Event], T], *, heavy: bool) -> Generator[Progress | Finished[T]]:
    """Gives the newest progress a few times a second, and at last what the work gave; raises what it raised.

    Where the iterator is closed early (the page went, or its owner cancelled), the work is told to stop.

    Args:
        work: takes a report and a wish to stop.
        heavy: whether it waits for its turn.
    """
    stop = threading.Event()
    ended: queue.SimpleQueue[Finished[T] | BaseException] = queue.SimpleQueue()
    latest: list[Progress] = []

    def do() -> None:
        try:
            with _in_turn(stop) if heavy else contextlib.nullcontext():
                ended.put(Finished(work(latest.append, stop)))
        except BaseException as error:  # noqa: BLE001  # whoever follows raises it
            ended.put(error)

    threading.Thread(target=do, name="takeaway", daemon=True).start()
    try:
        while True:
            try:
                found = ended.get(timeout=EVERY)
            except queue.Empty:
                if latest:
                    newest = latest[-1]
                    latest.clear()
                    yield newest
                continue
            if isinstance(found, BaseException):
                raise found
            yield found
            return
    finally:
        stop.set()


@contextlib.contextmanager
def _in_turn(stop: threading.Event) -> Iterator[None]:
    """Waits for its turn, and leaves by `Cancelled` where nobody waits for it any more."""
    while not _turn.acquire(timeout=EVERY):
        if stop.is_set():
            raise Cancelled("Stopped before its turn.")
    try:
        yield
    finally:
        _turn.release()
