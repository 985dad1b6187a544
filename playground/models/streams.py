"""Work that tells of its progress, done in a thread of its own while somebody reads along."""

import threading
import time
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import TypeVar

from playground.errors import Cancelled

Update = TypeVar("Update")

PACE_SECONDS = 0.15
"""A reader is told no oftener: of updates that come faster only the newest counts."""


def streamed(
    work: Callable[[Callable[[Update], None], threading.Event], None], stop: threading.Event | None = None
) -> Generator[Update]:
    """The newest of what `work` tells of, until it has returned; the last one it told of is never left out.

    A reader who is slow, or never comes back, holds the work up in no way; closing the iterator asks it to stop.

    Args:
        work: called with where to tell updates, and with an event that asks it to raise Cancelled.
        stop: that event, where somebody else may set it too.

    Raises:
        Exception: whatever `work` raised, but for Cancelled.
    """
    stop = stop or threading.Event()
    updates: SimpleQueue[Update | Exception | None] = SimpleQueue()

    def run() -> None:
        try:
            work(updates.put, stop)
            updates.put(None)
        except Cancelled:
            updates.put(None)
        except Exception as error:  # noqa: BLE001, the edge of a thread: whoever reads the updates raises it
            updates.put(error)

    threading.Thread(target=run, name="streaming", daemon=True).start()
    try:
        while (update := updates.get()) is not None:
            while not isinstance(update, Exception) and not updates.empty():
                following = updates.get()
                if following is None:
                    yield update
                    return
                update = following
            if isinstance(update, Exception):
                raise update
            yield update
            time.sleep(PACE_SECONDS)
    finally:
        stop.set()
