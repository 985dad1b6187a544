"""A run that came with the playground, played again in front of the room as if it went on now. No model, no store."""

import functools
import gzip
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from playground.room.curves import Lines, choices, drawn, extend, telling
from playground.runs import recordings
from playground.runs.events import Phase

MARK = "recording:"
"""Before a recording's name where a run's id could stand."""
LONGEST_SECONDS = 60.0
"""What took longer is played faster: nobody in a hall waits for minutes."""


class Recorded(NamedTuple):
    """A recording as it is played."""

    row: Mapping[str, Any]
    metrics: tuple[tuple[float, int, Mapping[str, float | None]], ...]
    """Seconds since the first, step, and values by name."""

    @property
    def seconds(self) -> float:
        """From the first metric to the last."""
        return self.metrics[-1][0]


@functools.lru_cache(maxsize=2)
def recorded(name: str) -> Recorded:
    """A recording by its name.

    Raises:
        RunError: there is none of this name.
    """
    found = json.loads(gzip.decompress(recordings.packed(name)))
    events = [event for event in found["events"] if event["kind"] == "metric"]
    begun = events[0]["time"]
    return Recorded(found["run"], tuple((one["time"] - begun, one["step"], one["values"]) for one in events))


def titles() -> list[tuple[str, str]]:
    """What they are called, and the marked name of each."""
    return [(f"{row['name']} · {row['method']}", f"{MARK}{row['recording']}") for row in recordings.rows()]


def metrics_of(name: str) -> list[str]:
    """Metrics of a recording that can be shown."""
    return choices(dict.fromkeys(key for _, _, values in recorded(name).metrics for key in values))


def shown(name: str, metric: str, elapsed: float) -> dict[str, Any]:
    """A recording as it stands some seconds after it was put on stage; see `Curves.shown`.

    Raises:
        RunError: there is none of this name.
    """
    found = recorded(name)
    played = elapsed * max(1.0, found.seconds / LONGEST_SECONDS)
    lines: Lines = {}
    step = 0
    for at, step_then, values in found.metrics:
        if at <= played:
            step = step_then
            extend(lines, step, values)
    chosen = metric or telling(dict.fromkeys(key for _, _, values in found.metrics for key in values))
    return {
        "name": found.row["name"],
        "method": found.row["method"],
        "phase": Phase.DONE if played >= found.seconds else Phase.RUNNING,
        "step": step,
        "of": found.row["steps"],
        "metric": chosen,
        "lines": drawn(lines, chosen),
        "recorded": True,
    }
