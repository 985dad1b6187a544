"""Work that takes a while, done in a thread while the page hears how far it is. Knows nothing of what the work is."""

import queue
import threading
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from playground.runs.events import Progress

T = TypeVar("T")
Report = Callable[[Progress], None]

EVERY = 0.4
"""Seconds between two words to the page."""


class Finished(Generic[T]):
    """What the work gave."""

    def __init__(self, value: T) -> None:
        self.value = value


def followed(work: Callable[[Report, threading.Event], T]) -> Generator[Progress | Finished[T]]:
    """Gives the newest progress a few times a second, and at last what the work gave; raises what it raised.

    Where the iterator is closed early (the page went, or its owner cancelled), the work is told to stop.

    Args:
        work: takes a report and a wish to stop.
    """
    stop = threading.Event()
    ended: queue.SimpleQueue[Finished[T] | BaseException] = queue.SimpleQueue()
    newest = Progress("", 0, 0)

    def report(said: Progress) -> None:
        nonlocal newest
        newest = said

    def do() -> None:
        try:
            ended.put(Finished(work(report, stop)))
        except BaseException as error:  # noqa: BLE001  # whoever follows raises it
            ended.put(error)

    threading.Thread(target=do, name="takeaway", daemon=True).start()
    try:
        while True:
            try:
                found = ended.get(timeout=EVERY)
            except queue.Empty:
                yield newest  # also where there is nothing new: only at a yield can Gradio close a generator
                continue
            if isinstance(found, BaseException):
                raise found
            yield found
            return
    finally:
        stop.set()
