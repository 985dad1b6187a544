"""The curve of the run on stage, read as it grows: each event once, however many phones look."""

from collections.abc import Mapping
from typing import Any

from playground.runs.events import Metric, Resumed
from playground.runs.store import RunStore

TELLING = ("objective/scores", "rewards/accuracies", "accuracy", "loss")
"""What is shown of a run unless its host asks for another metric: the first that it has."""
HELD_OUT = "eval_"
MOST_POINTS = 240
"""Of one line; a phone is not wider."""


Lines = dict[str, list[tuple[int, float]]]
"""Steps and values by metric."""


class Curves:
    """Follows one run at a time. Not safe across threads: its one caller holds a lock."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._run = ""
        self._cursor = 0
        self._lines: Lines = {}

    def shown(self, run: str, metric: str) -> dict[str, Any]:
        """The run as it stands, with the lines of a metric on training and held-out rows.

        Raises:
            RunError: there is no such run.
        """
        record = self._store.get(run)
        self._follow(run)
        chosen = metric or telling(record.metrics)
        return {
            "name": record.name or record.id,
            "method": record.method,
            "phase": record.phase,
            "step": record.steps,
            "of": _steps_asked(record.document),
            "metric": chosen,
            "lines": drawn(self._lines, chosen),
            "recorded": False,
        }

    def _follow(self, run: str) -> None:
        if run != self._run:
            self._run, self._cursor, self._lines = run, 0, {}
        while True:
            page = self._store.events(run, since=self._cursor)
            if not page.events:
                return
            self._cursor = page.cursor
            for _, event in page.events:
                match event:
                    case Metric(step=step, values=values):
                        extend(self._lines, step, values)
                    case Resumed(step=step):
                        for name, line in self._lines.items():
                            self._lines[name] = [point for point in line if point[0] <= step]


def extend(lines: Lines, step: int, values: Mapping[str, float | None]) -> None:
    """Adds the finite values of a step."""
    for name, value in values.items():
        if value is not None:
            lines.setdefault(name, []).append((step, value))


def drawn(lines: Lines, metric: str) -> list[dict[str, Any]]:
    """A metric's lines as the page draws them: on training rows and on held-out rows, as far as there are any."""
    names = [name for name in (metric, HELD_OUT + metric) if name in lines]
    return [{"heldOut": name.startswith(HELD_OUT), "points": thinned(lines[name])} for name in names]


def telling(metrics: Mapping[str, object]) -> str:
    """The metric that says most of a run that has these."""
    return next((name for name in TELLING if name in metrics), "loss")


def choices(metrics: Mapping[str, object]) -> list[str]:
    """Metrics of a run that can be shown, held-out twins left out since they come along."""
    return sorted({name.removeprefix(HELD_OUT) for name in metrics})


def thinned(line: list[tuple[int, float]]) -> list[list[float]]:
    """At most `MOST_POINTS` of a line's own points, evenly, its last one among them; four digits of each value."""
    stride = -(-len(line) // MOST_POINTS) or 1
    kept = line[(len(line) - 1) % stride :: stride] if line else []
    return [[step, float(f"{value:.4g}")] for step, value in kept]


def _steps_asked(document: Mapping[str, Any]) -> int | None:
    """How many steps a run was asked for; None where its settings say it otherwise."""
    training = document.get("training")
    steps = training.get("max_steps") if isinstance(training, Mapping) else None
    return steps if isinstance(steps, int) and steps > 0 else None
