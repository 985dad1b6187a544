"""The curves of a run as a table. Light: no torch."""

import csv
from pathlib import Path

from playground.runs.events import Metric
from playground.runs.store import RunStore


def write_metrics(store: RunStore, run: str, path: Path) -> int:
    """Writes a CSV with one row for each step that anything was logged at, and a column for each metric.

    A cell is empty where a step has no such metric, or where it was not a finite number.

    Returns:
        The number of rows under the header.
    """
    steps: dict[int, dict[str, float | None]] = {}
    cursor = 0
    while True:
        page = store.events(run, cursor)
        for _, event in page.events:
            if isinstance(event, Metric):
                steps.setdefault(event.step, {}).update(event.values)
        if not page.events:
            break
        cursor = page.cursor
    names = list(dict.fromkeys(name for values in steps.values() for name in values))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["step", *names])
        writer.writeheader()
        writer.writerows({"step": step, **values} for step, values in sorted(steps.items()))
    return len(steps)
