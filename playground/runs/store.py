"""Where runs are kept: one SQLite file and one folder per run, shared by all threads and processes of a home.

Writers append events, readers follow by cursor. The phase of a run changes only through `PhaseChange` events, in the
same transaction, so that what the events say and what the record says never differ. Only `Resumed` takes anything back:
the metrics, samples and snapshots of an attempt that was cut off after its last checkpoint.
"""

import json
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from playground.errors import RunError
from playground.runs import journal, strict
from playground.runs.database import Database, in_words
from playground.runs.events import TERMINAL, Event, Phase, PhaseChange, from_payload
from playground.runs.home import home
from playground.runs.locks import hold, is_held
from playground.runs.records import RESUMABLE, EventPage, JobKind, Pulse, RunRecord, Waiting, span
from playground.runs.rows import find, record_of

LONGEST_NAME = 80
"""Letters of a run's name that are kept."""
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Digits and letters that are not mistaken for one another when an id is read out."""

NEXT_TICKET = "(SELECT COALESCE(MAX(ticket), 0) + 1 FROM runs)"


class RunStore:
    """All runs of one home; safe across threads and processes. Make one per process and share it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Opens, and where it is new makes, the store in `folder`, by default the playground's home.

        Raises:
            PlaygroundError: the folder cannot be written, or its database is damaged or of a newer version.
        """
        self.home = folder or home()
        self.session = secrets.token_hex(8)
        self.database = Database(self.home / "runs.sqlite3")
        """For the modules of this package that change several things at once."""
        self._presence: FileLock | None = None

    def close(self) -> None:
        """Gives back connections, and the presence that keeps this process's queued runs alive."""
        self.database.close()
        if self._presence:
            self._presence.release()
            self._session_lock(self.session).unlink(missing_ok=True)

    def create(
        self, kind: JobKind, document: Mapping[str, Any], *, method: str, model: str, name: str, owner: str
    ) -> str:
        """Keeps a new run, queued, and makes its folder with `config.json`; gives its id."""
        self._be_present()
        with in_words(self.home):
            run, folder = self._new_folder(method)
        try:
            with in_words(self.home):
                strict.write(folder / "config.json", document)
            with self.database.writing() as connection:
                connection.execute(
                    "INSERT INTO runs (id, kind, name, method, model, owner, session, phase, created, document, seq, "  # noqa: S608
                    f"ticket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, {NEXT_TICKET})",
                    (run, kind, name, method, model, owner, self.session, Phase.QUEUED, time.time(),
                     strict.dumps(document)),
                )  # fmt: skip
                number = find(connection, run, "number")["number"]
                connection.execute(journal.INSERT, journal.row_of(number, 1, PhaseChange(Phase.QUEUED)))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return run

    def get(self, run: str) -> RunRecord:
        """The run as it stands now.

        Raises:
            RunError: there is no such run.
        """
        with self.database.reading() as connection:
            return record_of(find(connection, run))

    def list(
        self,
        kind: JobKind | None = None,
        *,
        owner: str | None = None,
        live: bool = False,
        archived: bool | None = False,
        limit: int = 200,
    ) -> list[RunRecord]:
        """Runs, newest first.

        Args:
            live: leaves out those that have ended.
            archived: those that were put aside and no others, or None for both.
        """
        conditions, values = ["TRUE"], []
        if archived is not None:
            conditions.append("archived IS NOT NULL" if archived else "archived IS NULL")
        for column, value in (("kind", kind), ("owner", owner)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if live:
            conditions.append(f"phase NOT IN ({', '.join('?' * len(TERMINAL))})")
            values.extend(TERMINAL)
        query = f"SELECT * FROM runs WHERE {' AND '.join(conditions)} ORDER BY number DESC LIMIT ?"  # noqa: S608
        with self.database.reading() as connection:
            return [record_of(row) for row in connection.execute(query, (*values, limit))]

    def queued(self) -> tuple[Waiting, ...]:
        """This process's runs that wait for their turn, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, owner FROM runs WHERE phase = ? AND session = ? ORDER BY ticket",
                (Phase.QUEUED, self.session),
            )
            return tuple(Waiting(row["id"], row["owner"]) for row in rows)

    def append(self, run: str, events: Iterable[Event]) -> None:
        """Appends events in order, all or none, and keeps phase, steps and last metrics in step with them.

        Raises:
            RunError: the run is unknown or has ended, or a phase change is not one that may follow.
        """
        with self.database.writing() as connection:
            journal.append(connection, find(connection, run), events)

    def finish(
        self,
        run: str,
        phase: Phase,
        reason: str = "",
        *,
        events: Iterable[Event] = (),
        result: Mapping[str, Any] | None = None,
        attempt: int | None = None,
    ) -> bool:
        """Ends a run: last events, result and terminal phase in one transaction.

        Returns:
            False where it had ended already, or where `attempt` is not the one that goes on now.
        """
        with self.database.writing() as connection:
            row = find(connection, run)
            if Phase(row["phase"]).terminal or attempt not in (None, row["attempt"]):
                return False
            journal.append(connection, row, [*events, PhaseChange(phase, reason)])
            if result is not None:
                connection.execute("UPDATE runs SET result = ? WHERE id = ?", (strict.dumps(result), run))
            return True

    def events(self, run: str, since: int = 0, limit: int = 5000) -> EventPage:
        """Up to `limit` events after cursor `since`, in order, none left out.

        Raises:
            RunError: there is no such run.
        """
        with self.database.reading() as connection:
            number = find(connection, run, "number")["number"]
            rows = connection.execute(
                "SELECT seq, kind, time, payload FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?",
                (number, since, limit),
            )
            found = [(row["seq"], from_payload(row["kind"], row["time"], json.loads(row["payload"]))) for row in rows]
        return EventPage(found[-1][0] if found else since, found)

    def last_metrics(self, run: str) -> dict[str, float | None]:
        """The last value of each metric, None where it was not finite."""
        return self.get(run).metrics

    def request_stop(self, run: str, why: str = "") -> int:
        """Asks a run to stop: one that waits ends at once, one that goes on becomes `stopping`.

        Args:
            why: a sentence for its people, where it is not they who ask.

        Returns:
            How many times a stop was asked for, this one included; a second asks to stop by force.

        Raises:
            RunError: there is no such run, or it has ended.
        """
        with self.database.writing() as connection:
            row = find(connection, run)
            phase = Phase(row["phase"])
            if phase.terminal:
                raise RunError(f"Run {run} has ended ({phase}); there is nothing to stop.")
            connection.execute("UPDATE runs SET stops = stops + 1 WHERE id = ?", (run,))
            if phase is Phase.QUEUED:
                journal.append(connection, row, [PhaseChange(Phase.STOPPED, why or "Stopped before it began.")])
            else:
                journal.append(connection, row, [PhaseChange(Phase.STOPPING, why)])
            return int(row["stops"]) + 1

    def resume(self, run: str) -> None:
        """Puts a run that was stopped, failed or was interrupted at the end of this process's queue, for a new attempt.

        Raises:
            RunError: there is no such run, it goes on still, or it is done.
        """
        self._be_present()
        with self.database.writing() as connection:
            row = find(connection, run)
            phase = Phase(row["phase"])
            if phase not in RESUMABLE:
                raise RunError(f"Run {run} is {phase}; only one that was stopped, failed or was interrupted can go on.")
            connection.execute(
                "UPDATE runs SET phase = ?, reason = '', started = NULL, ended = NULL, stops = 0, result = NULL, "  # noqa: S608
                "archived = NULL, session = ?, attempt = attempt + 1, spent = ?, seq = seq + 1, "
                f"ticket = {NEXT_TICKET} WHERE id = ?",
                (Phase.QUEUED, self.session, row["spent"] + span(row["started"], row["ended"]), run),
            )
            connection.execute(journal.INSERT, journal.row_of(row["number"], row["seq"] + 1, PhaseChange(Phase.QUEUED)))

    def reached(self, run: str, step: int) -> tuple[int, dict[str, float | None]]:
        """The highest step up to `step` that any metric was given for, and the last value of each metric by then."""
        with self.database.reading() as connection:
            return journal.reached(connection, find(connection, run, "number")["number"], step)

    def stop_requested(self, run: str) -> int:
        """How many times a stop was asked for in this attempt."""
        return self.pulse(run).stops

    def pulse(self, run: str) -> Pulse:
        """Phase, stop requests and the last event's number, cheap enough to ask many times a second."""
        with self.database.reading() as connection:
            row = find(connection, run, "phase, stops, attempt, seq")
            return Pulse(Phase(row["phase"]), row["stops"], row["attempt"], row["seq"])

    def set_result(self, run: str, result: Mapping[str, Any]) -> None:
        """Keeps the result of a run, over the one it had."""
        with self.database.writing() as connection:
            find(connection, run, "number")
            connection.execute("UPDATE runs SET result = ? WHERE id = ?", (strict.dumps(result), run))

    def rename(self, run: str, name: str) -> str:
        """Gives a run another name, also in its config, and gives the name back as it is kept: on one line, in bounds.

        Raises:
            RunError: there is no such run, or nothing is left of the name.
        """
        kept = " ".join(name.split())[:LONGEST_NAME].strip()
        if not kept or not kept.isprintable():
            raise RunError(f"A run needs a name that can be read, of 1 to {LONGEST_NAME} letters; got {name!r}.")
        with self.database.writing() as connection:
            document = json.loads(find(connection, run)["document"])
            if "name" in document:
                document["name"] = kept
                strict.write(self._runs / run / "config.json", document)
            connection.execute(
                "UPDATE runs SET name = ?, document = ? WHERE id = ?", (kept, strict.dumps(document), run)
            )
        return kept

    def archive(self, run: str) -> bool:
        """Puts a run that has ended aside: it stays with all it has, and lists leave it out unless they are asked.

        Returns:
            False where it goes on still, or was put aside before.

        Raises:
            RunError: there is no such run.
        """
        with self.database.writing() as connection:
            row = find(connection, run, "phase, archived")
            if not Phase(row["phase"]).terminal or row["archived"] is not None:
                return False
            connection.execute("UPDATE runs SET archived = ? WHERE id = ?", (time.time(), run))
            return True

    def bring_back(self, run: str) -> None:
        """Lists a run again that was put aside.

        Raises:
            RunError: there is no such run.
        """
        with self.database.writing() as connection:
            find(connection, run, "id")
            connection.execute("UPDATE runs SET archived = NULL WHERE id = ?", (run,))

    def folder(self, run: str) -> Path:
        """The run's own folder.

        Raises:
            RunError: there is no such run; so no text from outside ever becomes a path.
        """
        with self.database.reading() as connection:
            return self._runs / str(find(connection, run, "id")["id"])

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

    def _be_present(self) -> None:
        """Holds the lock that says this process lives, and with it the runs in its queue."""
        if self._presence is None:
            with in_words(self.home):
                self._presence = hold(self._session_lock(self.session))

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
