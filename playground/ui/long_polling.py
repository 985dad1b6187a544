"""Long polling (RFC 6202, section 2): an answer is held back until there is something new to tell.

A phone that asks every one and a half seconds is answered "as before" nearly always, and learns of a change up to
one and a half seconds late. Held, it asks a quarter as often and learns of it at once.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable

from playground.room.audience import Told

LONGEST = 5.0
"""Seconds for which an answer is held; less than after which a phone that was not heard of counts as gone."""
LOOK_EVERY = 0.25
"""Seconds between two looks, which one does for all who wait."""


def waits(prefer: str) -> float:
    """Seconds that a client would wait, by its `Prefer` header (RFC 7240, section 4.3); at most `LONGEST`."""
    asked = re.search(r"(?:^|[\s,;])wait\s*=\s*(\d{1,9})\b", prefer)
    return min(float(asked[1]), LONGEST) if asked else 0.0


class LongPoll:
    """Of many who wait for the stage to change, one looks. For one event loop."""

    def __init__(self, now: Callable[[], Awaitable[Told]], closing: Callable[[], bool] = lambda: False) -> None:
        """`now` tells what is on stage, `closing` whether the app ends, so that nobody is to wait any more."""
        self._now = now
        self._closing = closing
        self._waiting = 0
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def other_than(self, tag: str, seconds: float) -> Told:
        """What is on stage, as soon as it has another tag than this one, or after so many seconds.

        Raises:
            Exception: whatever `now` raises.
        """
        told = await self._now()
        if told.tag != tag or seconds <= 0 or self._closing():
            return told
        self._waiting += 1
        try:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look(tag))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while told.tag == tag and not self._closing():
                        await self._changed.wait()
                        told = await self._now()
            return told
        finally:
            self._waiting -= 1

    async def _look(self, tag: str) -> None:
        """Tells all who wait of every change, as long as somebody does."""
        # Where a look fails, whoever waits looks too, and is told why.
        with contextlib.suppress(Exception):
            while self._waiting and not self._closing():
                await asyncio.sleep(LOOK_EVERY)
                found = (await self._now()).tag
                if found != tag:
                    tag = found
                    self._tell()
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
