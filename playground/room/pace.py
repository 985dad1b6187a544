"""How much one person, and one network address, may ask of the app in a minute.

A moving window: whatever lies sixty seconds back does not count any more. Both are counted, since a new key costs
nothing: a person is only as much as a key in a browser, an address is a little more. Where the rule is changed, it
begins to count anew.
"""

import functools
import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from playground.config.room import RoomSettings
from playground.errors import Busy


class TooFast(Busy):
    """More was asked in a minute than is allowed; `retry_after` are the seconds until the next is taken."""

    def __init__(self, whose: str, allowed: int, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(
            f"{whose} asked for {allowed:,} things within a minute, which is what the host allows; nothing is lost, "
            f"try again in {retry_after} s."
        )


class Share(NamedTuple):
    """What is counted, and how much of it there may be in a minute."""

    whose: str
    """Begins the sentence of a refusal."""
    kind: str
    name: str
    allowed: int


class Pace:
    """What was asked in the last minute, in memory; any thread may ask."""

    def __init__(self) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())

    def count(self, settings: RoomSettings, owner: str, address: str) -> None:
        """Counts one action of a person at an address; what is refused does not count.

        Args:
            owner: the person's public id; empty counts for the address alone.
            address: where the request came from; empty counts for the person alone.

        Raises:
            TooFast: the person or the address has had its share.
        """
        shares = [Share("You", "person", owner, settings.actions_per_minute)] if owner else []
        if address:
            shares.append(Share("This network", "address", address, settings.actions_per_address))
        self._count(shares)

    def upload(self, settings: RoomSettings, address: str) -> None:
        """Counts a file that is sent, of which an address may send as many as a person has actions.

        Raises:
            TooFast: it has had its share.
        """
        self._count([Share("This network", "upload", address, settings.actions_per_minute)])

    def _count(self, shares: Sequence[Share]) -> None:
        """Counts for all of them or, where one has had its share, for none."""
        for share in shares:
            if not self._windows.test(_per_minute(share.allowed), share.kind, share.name):
                stats = self._windows.get_window_stats(_per_minute(share.allowed), share.kind, share.name)
                raise TooFast(share.whose, share.allowed, max(1, math.ceil(stats.reset_time - time.time())))
        for share in shares:
            self._windows.hit(_per_minute(share.allowed), share.kind, share.name)


@functools.lru_cache(maxsize=64)
def _per_minute(allowed: int) -> RateLimitItem:
    return RateLimitItemPerMinute(allowed)
