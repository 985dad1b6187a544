"""Where runs are kept: one SQLite file and one folder per run, shared by all threads and processes of a home.

Writers append events, readers follow by cursor. The phase of a run changes only through `PhaseChange` events, in the
same transaction, so that what the events say and what the record says never differ.
"""

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from playground.errors import RunError
from playground.runs import strict
from playground.runs.database import Database, in_words
from playground.runs.events import TERMINAL, Event, Metric, Phase, PhaseChange, from_payload
from playground.runs.home import home
from playground.runs.locks import hold, is_held
from playground.runs.records import FOLLOWS, EventPage, JobKind, Pulse, RunRecord

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Digits and letters that are not mistaken for one another when an id is read out."""

INSERT_EVENT = "INSERT INTO events (run, seq, kind, time, payload) VALUES (?, ?, ?, ?, ?)"


class RunStore:
    """All runs of one home; safe across threads and processes. Make one per process and share it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Opens, and where it is new makes, the store in `folder`, by default the playground's home.

        Raises:
            PlaygroundError: the folder cannot be written, or its database is damaged or of a newer version.
        """
        self.home = folder or home()
        self.session = secrets.token_hex(8)
        self._database = Database(self.home / "runs.sqlite3")
        self._presence: FileLock | None = None

    def close(self) -> None:
        """Gives back connections, and the presence that keeps this process's queued runs alive."""
        self._database.close()
        if self._presence:
            self._presence.release()
            self._session_lock(self.session).unlink(missing_ok=True)

    def create(
        self, kind: JobKind, document: Mapping[str, Any], *, method: str, model: str, name: str, owner: str
    ) -> str:
        """Keeps a new run, queued, and makes its folder with `config.json`; gives its id."""
        with in_words(self.home):
            if self._presence is None:
                self._presence = hold(self._session_lock(self.session))
            run, folder = self._new_folder(method)
        try:
            with in_words(self.home):
                strict.write(folder / "config.json", document)
            with self._database.writing() as connection:
                connection.execute(
                    "INSERT INTO runs (id, kind, name, method, model, owner, session, phase, created, document, seq) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
                    (run, kind, name, method, model, owner, self.session, Phase.QUEUED, time.time(),
                     strict.dumps(document)),
                )  # fmt: skip
                number = _row(connection, run, "number")["number"]
                connection.execute(INSERT_EVENT, _event_row(number, 1, PhaseChange(Phase.QUEUED)))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return run

    def get(self, run: str) -> RunRecord:
        """The run as it stands now.

        Raises:
            RunError: there is no such run.
        """
        with self._database.reading() as connection:
            return _record(_row(connection, run))

    def list(
        self, kind: JobKind | None = None, *, owner: str | None = None, live: bool = False, limit: int = 200
    ) -> list[RunRecord]:
        """Runs, newest first; `live` leaves out those that have ended."""
        conditions, values = ["TRUE"], []
        for column, value in (("kind", kind), ("owner", owner)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if live:
            conditions.append(f"phase NOT IN ({', '.join('?' * len(TERMINAL))})")
            values.extend(TERMINAL)
        query = f"SELECT * FROM runs WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT ?"  # noqa: S608
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query, (*values, limit))]

    def queued(self) -> tuple[str, ...]:
        """Ids of this process's runs that wait for their turn, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id FROM runs WHERE phase = ? AND session = ? ORDER BY number", (Phase.QUEUED, self.session)
            )
            return tuple(row["id"] for row in rows)

    def append(self, run: str, events: Iterable[Event]) -> None:
        """Appends events in order, all or none, and keeps phase, steps and last metrics in step with them.

        Raises:
            RunError: the run is unknown or has ended, or a phase change is not one that may follow.
        """
        with self._database.writing() as connection:
            _append(connection, _row(connection, run), events)

    def finish(
        self,
        run: str,
        phase: Phase,
        reason: str = "",
        *,
        events: Iterable[Event] = (),
        result: Mapping[str, Any] | None = None,
    ) -> bool:
        """Ends a run: last events, result and terminal phase in one transaction. False where it had ended already."""
        with self._database.writing() as connection:
            row = _row(connection, run)
            if Phase(row["phase"]).terminal:
                return False
            _append(connection, row, [*events, PhaseChange(phase, reason)])
            if result is not None:
                connection.execute("UPDATE runs SET result = ? WHERE id = ?", (strict.dumps(result), run))
            return True

    def events(self, run: str, since: int = 0, limit: int = 5000) -> EventPage:
        """Up to `limit` events after cursor `since`, in order, none left out.

        Raises:
            RunError: there is no such run.
        """
        with self._database.reading() as connection:
            number = _row(connection, run, "number")["number"]
            rows = connection.execute(
                "SELECT seq, kind, time, payload FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?",
                (number, since, limit),
            )
            found = [(row["seq"], from_payload(row["kind"], row["time"], json.loads(row["payload"]))) for row in rows]
        return EventPage(found[-1][0] if found else since, found)

    def last_metrics(self, run: str) -> dict[str, float | None]:
        """The last value of each metric, None where it was not finite."""
        return self.get(run).metrics

    def request_stop(self, run: str) -> int:
        """Asks a run to stop: one that waits ends at once, one that goes on becomes `stopping`.

        Returns:
            How many times a stop was asked for, this one included; a second asks to stop by force.

        Raises:
            RunError: there is no such run, or it has ended.
        """
        with self._database.writing() as connection:
            row = _row(connection, run)
            phase = Phase(row["phase"])
            if phase.terminal:
                raise RunError(f"Run {run} has ended ({phase}); there is nothing to stop.")
            connection.execute("UPDATE runs SET stops = stops + 1 WHERE id = ?", (run,))
            if phase is Phase.QUEUED:
                _append(connection, row, [PhaseChange(Phase.STOPPED, "Stopped before it began.")])
            else:
                _append(connection, row, [PhaseChange(Phase.STOPPING)])
            return int(row["stops"]) + 1

    def stop_requested(self, run: str) -> int:
        """How many times a stop was asked for."""
        return self.pulse(run).stops

    def pulse(self, run: str) -> Pulse:
        """Phase and stop requests, cheap enough to ask many times a second."""
        with self._database.reading() as connection:
            row = _row(connection, run, "phase, stops")
            return Pulse(Phase(row["phase"]), row["stops"])

    def set_result(self, run: str, result: Mapping[str, Any]) -> None:
        """Keeps the result of a run, over the one it had."""
        with self._database.writing() as connection:
            _row(connection, run, "number")
            connection.execute("UPDATE runs SET result = ? WHERE id = ?", (strict.dumps(result), run))

    def folder(self, run: str) -> Path:
        """The run's own folder.

        Raises:
            RunError: there is no such run; so no text from outside ever becomes a path.
        """
        with self._database.reading() as connection:
            return self._runs / str(_row(connection, run, "id")["id"])

    def lock_path(self, run: str) -> Path:
        """The file whose lock is held by the process that works on the run."""
        return self.folder(run) / "lock"

    def alive(self, record: RunRecord) -> bool:
        """Whether somebody living works on the run, or has it in a queue."""
        if is_held(self.lock_path(record.id)):
            return True
        return record.phase is Phase.QUEUED and is_held(self._session_lock(record.session))

    @property
    def _runs(self) -> Path:
        return self.home / "runs"

    def _session_lock(self, session: str) -> Path:
        return self.home / "sessions" / f"{session}.lock"

    def _new_folder(self, method: str) -> tuple[str, Path]:
        self._runs.mkdir(parents=True, exist_ok=True)
        while True:
            run = f"{method}-{''.join(secrets.choice(ALPHABET) for _ in range(6))}"
            try:
                (self._runs / run).mkdir()
            except FileExistsError:
                continue
            return run, self._runs / run


def _row(connection: sqlite3.Connection, run: str, columns: str = "*") -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(f"SELECT {columns} FROM runs WHERE id = ?", (run,)).fetchone()  # noqa: S608  # columns are ours
    if row is None:
        raise RunError(f"There is no run {run!r}; `python -m playground runs` lists those there are.")
    return row


def _record(row: sqlite3.Row) -> RunRecord:
    same = ("id", "kind", "name", "method", "model", "owner", "reason", "created", "started", "ended", "steps")
    return RunRecord(
        **{name: row[name] for name in (*same, "session")},
        phase=Phase(row["phase"]),
        metrics=json.loads(row["metrics"]),
        document=json.loads(row["document"]),
        result=None if row["result"] is None else json.loads(row["result"]),
    )


def _event_row(number: int, seq: int, event: Event) -> tuple[int, int, str, float, str]:
    return number, seq, event.kind, event.time, strict.dumps(event.payload())


def _append(connection: sqlite3.Connection, row: sqlite3.Row, events: Iterable[Event]) -> None:
    phase, reason, started, ended = Phase(row["phase"]), row["reason"], row["started"], row["ended"]
    seq, steps, metrics = row["seq"], row["steps"], json.loads(row["metrics"])
    rows = []
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
        seq += 1
        rows.append(_event_row(row["number"], seq, event))
    connection.executemany(INSERT_EVENT, rows)
    connection.execute(
        "UPDATE runs SET phase = ?, reason = ?, started = ?, ended = ?, seq = ?, steps = ?, metrics = ? "
        "WHERE number = ?",
        (phase, reason, started, ended, seq, steps, strict.dumps(metrics), row["number"]),
    )
