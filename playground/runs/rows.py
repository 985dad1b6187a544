"""Rows of the store's table of runs: found by id, and made into records."""

import json
import sqlite3

from playground.errors import RunError
from playground.runs.events import Phase
from playground.runs.records import RunRecord

_AS_THEY_ARE = (
    "id", "kind", "name", "method", "model", "owner", "reason", "created", "started", "ended", "steps", "session",
    "attempt", "spent", "archived",
)  # fmt: skip


def find(connection: sqlite3.Connection, run: str, columns: str = "*") -> sqlite3.Row:
    """The row of a run.

    Args:
        columns: as SQL names them, never a text from outside.

    Raises:
        RunError: there is no such run.
    """
    row: sqlite3.Row | None = connection.execute(f"SELECT {columns} FROM runs WHERE id = ?", (run,)).fetchone()  # noqa: S608
    if row is None:
        raise RunError(f"There is no run {run!r}; `python -m playground runs` lists those there are.")
    return row


def record_of(row: sqlite3.Row) -> RunRecord:
    """A whole row as a record."""
    return RunRecord(
        **{name: row[name] for name in _AS_THEY_ARE},
        phase=Phase(row["phase"]),
        metrics=json.loads(row["metrics"]),
        document=json.loads(row["document"]),
        result=None if row["result"] is None else json.loads(row["result"]),
    )
