"""The SQLite file under the store: its schema, its migrations, its connections, and its troubles in words."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from playground.errors import RunError
from playground.runs.locks import hold

BUSY_SECONDS = 10.0

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        method TEXT NOT NULL,
        model TEXT NOT NULL,
        owner TEXT NOT NULL,
        session TEXT NOT NULL,
        phase TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        created REAL NOT NULL,
        started REAL,
        ended REAL,
        stops INTEGER NOT NULL DEFAULT 0,
        seq INTEGER NOT NULL DEFAULT 0,
        steps INTEGER NOT NULL DEFAULT 0,
        metrics TEXT NOT NULL DEFAULT '{}',
        document TEXT NOT NULL,
        result TEXT
    ) STRICT;
    CREATE INDEX runs_by_phase ON runs (phase);
    CREATE TABLE events (
        run INTEGER NOT NULL REFERENCES runs (number),
        seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        time REAL NOT NULL,
        payload TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE runs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE runs ADD COLUMN spent REAL NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN ticket INTEGER NOT NULL DEFAULT 0;
    UPDATE runs SET ticket = number;
    """,
    """
    CREATE TABLE removals (run TEXT PRIMARY KEY) STRICT;
    """,
    """
    CREATE TABLE pairs (
        number INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        source TEXT NOT NULL,
        row INTEGER NOT NULL,
        first TEXT NOT NULL,
        second TEXT NOT NULL,
        instruction TEXT NOT NULL,
        input TEXT NOT NULL,
        reference TEXT NOT NULL,
        template TEXT NOT NULL,
        first_answer TEXT NOT NULL,
        second_answer TEXT NOT NULL
    ) STRICT;
    CREATE INDEX pairs_by_source ON pairs (source);
    CREATE TABLE ballots (
        id TEXT NOT NULL UNIQUE,
        pair INTEGER NOT NULL REFERENCES pairs (number),
        owner TEXT NOT NULL,
        swapped INTEGER NOT NULL,
        verdict TEXT CHECK (verdict IN ('first', 'second', 'tie')),
        time REAL,
        PRIMARY KEY (pair, owner)
    ) STRICT;
    CREATE INDEX ballots_by_owner ON ballots (owner);
    """,
    """
    ALTER TABLE runs ADD COLUMN archived REAL;
    """,
)
"""Script n takes the schema from version n to n + 1; never change one that was released, add the next."""


class StoreUnavailable(RunError):
    """The database of runs cannot be read or written now: locked, full disk, read-only, damaged."""


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turns what SQLite and the disk complain about into a sentence that names `path`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(
            f"Runs cannot be kept at {path} ({error}); see that its disk has room, that it can be written and that no "
            "other program keeps it locked, then try again."
        ) from error


class Database:
    """Connections to one SQLite file, lent to one thread at a time and used again.

    A pool and not one connection per thread: web servers make and drop threads all the time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._closed = False
        with in_words(self.path):
            # Switching to WAL does not wait for other connections (sqlite.org/wal.html), so only one may try.
            lock = hold(path.with_suffix(".setup.lock"), wait=BUSY_SECONDS)
            with lock, contextlib.closing(self._open()) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                self._migrate(connection)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for queries, each of which sees the latest commit."""
        with in_words(self.path):
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it, or where an error leaves the block nothing."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def close(self) -> None:
        """Closes idle connections now and those in use when they come back."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        # In WAL mode NORMAL survives the death of any process; only a power cut may lose the last moments.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _take(self) -> sqlite3.Connection:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(MIGRATIONS):
            raise RunError(
                f"{self.path} has tables of version {version}, from a newer playground; this one knows "
                f"{len(MIGRATIONS)}. Take the newer playground, or set PLAYGROUND_HOME to another folder."
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
