"""When a waiting job may begin: from what goes on now, and from how long such jobs took before."""

import heapq
from collections.abc import Iterable, Sequence
from statistics import fmean

from playground.runs.records import RunRecord, span

ALIKE = 5
"""How many earlier jobs of a kind an expectation rests on: the newest say most about this machine as it is."""


def duration(record: RunRecord, done: Iterable[RunRecord]) -> float | None:
    """Seconds that a job may take, start to end, judged by jobs that are done; None where none is like it.

    Jobs of the same method on the same model tell most, then those of the same method. Where the number of steps is
    set, seconds per step are what is carried over.

    Args:
        done: newest first.
    """
    same_method = [other for other in done if other.method == record.method and other.seconds > 0]
    alike = [other for other in same_method if other.model == record.model] or same_method
    if not alike:
        return None
    asked = _steps_asked(record)
    counted = [other for other in alike if other.steps > 0][:ALIKE]
    if asked is not None and counted:
        return asked * sum(other.seconds for other in counted) / sum(other.steps for other in counted)
    return fmean(other.seconds for other in alike[:ALIKE])


def remaining(record: RunRecord, done: Iterable[RunRecord], now: float) -> float | None:
    """Seconds that a job which goes on may still take: by its own reckoning, else by those before it."""
    own = record.metrics.get("eta_seconds")
    if own is not None:
        return max(0.0, own)
    whole = duration(record, done)
    return None if whole is None else max(0.0, whole - span(record.started, now))


def starts(going: Sequence[float | None], waiting: Sequence[float | None], slots: int) -> list[float | None]:
    """Seconds until each waiting job begins, None from where on it cannot be told.

    Args:
        going: seconds that each job that goes on still takes, None where unknown.
        waiting: seconds that each waiting job takes, in the order in which they start.
        slots: how many jobs go on at once.
    """
    unknown = float("inf")
    free = [unknown if left is None else left for left in going] + [0.0] * (slots - len(going))
    heapq.heapify(free)
    found: list[float | None] = []
    for seconds in waiting:
        begins = heapq.heappop(free)
        found.append(None if begins == unknown else begins)
        heapq.heappush(free, unknown if seconds is None else begins + seconds)
    return found


def _steps_asked(record: RunRecord) -> int | None:
    asked = record.document.get("training", {}).get("max_steps")
    return asked if isinstance(asked, int) else None
