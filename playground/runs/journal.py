"""How a batch of events changes what is kept of a run: the rows it adds, and phase, times, steps and last metrics."""

import json
import sqlite3
from collections.abc import Iterable

from playground.errors import RunError
from playground.runs import strict
from playground.runs.events import Event, Metric, Phase, PhaseChange, Resumed
from playground.runs.records import FOLLOWS

INSERT = "INSERT INTO events (run, seq, kind, time, payload) VALUES (?, ?, ?, ?, ?)"
_LOST = "run = ? AND kind IN ('metric', 'sample', 'snapshot') AND json_extract(payload, '$.step') > ?"


def reached(connection: sqlite3.Connection, number: int, step: int) -> tuple[int, dict[str, float | None]]:
    """The highest step up to `step` that any metric was given for, and the last value of each metric by then."""
    steps, metrics = 0, dict[str, float | None]()
    query = "SELECT payload FROM events WHERE run = ? AND kind = 'metric' ORDER BY seq"
    for row in connection.execute(query, (number,)):
        payload = json.loads(row["payload"])
        if payload["step"] <= step:
            steps = max(steps, payload["step"])
            metrics |= payload["values"]
    return steps, metrics


def row_of(number: int, seq: int, event: Event) -> tuple[int, int, str, float, str]:
    """An event as `INSERT` takes it; `number` is the run's."""
    return number, seq, event.kind, event.time, strict.dumps(event.payload())


def append(connection: sqlite3.Connection, row: sqlite3.Row, events: Iterable[Event]) -> None:
    """Adds events to the run of `row`, a whole row of `runs`, and brings it in step with them; inside a transaction.

    Raises:
        RunError: the run has ended, or a phase change is not one that may follow; the transaction must not be kept.
    """
    phase, reason, started, ended = Phase(row["phase"]), row["reason"], row["started"], row["ended"]
    seq, steps, metrics = row["seq"], row["steps"], json.loads(row["metrics"])
    rows: list[tuple[int, int, str, float, str]] = []
    for event in events:
        if phase.terminal:
            raise RunError(f"Run {row['id']} has ended ({phase}); nothing can be added to it.")
        if isinstance(event, PhaseChange):
            late = phase is Phase.STOPPING and event.phase is Phase.RUNNING
            if late or event.phase is phase:
                continue  # a stop was asked for while it got ready, or nothing changes
            if event.phase not in FOLLOWS[phase]:
                raise RunError(f"Run {row['id']} is {phase}; it cannot become {event.phase}.")
            phase, reason = event.phase, event.reason
            started = event.time if phase is Phase.PREPARING else started
            ended = event.time if phase.terminal else ended
        elif isinstance(event, Metric):
            steps = max(steps, event.step)
            metrics |= event.values
        elif isinstance(event, Resumed):
            connection.executemany(INSERT, rows)
            rows = []
            connection.execute(f"DELETE FROM events WHERE {_LOST}", (row["number"], event.step))  # noqa: S608
            steps, metrics = reached(connection, row["number"], event.step)
        seq += 1
        rows.append(row_of(row["number"], seq, event))
    connection.executemany(INSERT, rows)
    connection.execute(
        "UPDATE runs SET phase = ?, reason = ?, started = ?, ended = ?, seq = ?, steps = ?, metrics = ? "
        "WHERE number = ?",
        (phase, reason, started, ended, seq, steps, strict.dumps(metrics), row["number"]),
    )
