"""Ballots in the playground's database: who was shown which two answers in which order, and how they voted.

A pair of answers is kept once for everybody, a ballot once per person and pair. The order on a ballot is drawn here and
stays, so that nobody finds out by asking again which answer is whose.
"""

import hashlib
import json
import secrets
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from playground.errors import NotAllowed, PlaygroundError, RunError
from playground.runs.database import Database

Choice = Literal["left", "right", "tie"]
Verdict = Literal["first", "second", "tie"]


@dataclass(frozen=True)
class Pair:
    """Two answers to one question."""

    source: str
    """Where the answers come from; the pairs of one source are voted on together."""
    row: int
    """Place of the question in its source."""
    first: str
    """Whose the first answer is: `run:ID` or `model:REF`. Stands before `second` in the alphabet."""
    second: str
    instruction: str
    input: str
    reference: str
    """Empty where none is known."""
    template: str
    """JSON of `data.template` and `data.custom_template` with which it was asked."""
    first_answer: str
    second_answer: str

    @property
    def key(self) -> str:
        """Names the question and the two models; the same for everybody."""
        named = json.dumps([self.source, self.row, self.first, self.second])
        return hashlib.sha256(named.encode()).hexdigest()[:32]

    @property
    def alike(self) -> bool:
        """Whether there is nothing to choose between."""
        return self.first_answer.strip() == self.second_answer.strip()


@dataclass(frozen=True)
class Ballot:
    """A pair as one person sees it."""

    id: str
    pair: Pair
    swapped: bool
    """Whether the second answer stands on the left."""
    verdict: Verdict | None
    """None until there is a vote."""

    def shown(self) -> dict[str, Any]:
        """What the page is told before the vote: nothing in it says whose an answer is."""
        answers = (self.pair.first_answer, self.pair.second_answer)
        left, right = reversed(answers) if self.swapped else answers
        return {
            "ballot": self.id,
            "instruction": self.pair.instruction,
            "input": self.pair.input,
            "reference": self.pair.reference,
            "left": left,
            "right": right,
        }

    @property
    def choice(self) -> Choice | None:
        """The vote as it was given."""
        if self.verdict in (None, "tie"):
            return self.verdict
        return "left" if (self.verdict == "first") != self.swapped else "right"


@dataclass(frozen=True)
class Vote:
    """One person's verdict on a pair."""

    pair: Pair
    verdict: Verdict
    owner: str


class Ballots:
    """Ballots and votes; safe across threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, pair: Pair) -> None:
        """Keeps a pair of answers, unless it is known; the first answers stay."""
        with self._database.writing() as connection:
            _keep(connection, pair)

    def hand(self, pair: Pair, owner: str) -> Ballot:
        """The person's ballot on a pair: the one they have, or a new one in an order that is drawn now."""
        with self._database.writing() as connection:
            number = _keep(connection, pair)
            connection.execute(
                "INSERT INTO ballots (id, pair, owner, swapped) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (secrets.token_urlsafe(12), number, owner, secrets.randbelow(2)),
            )
            row = connection.execute(f"{_BALLOTS} WHERE pair = ? AND owner = ?", (number, owner)).fetchone()
        return _ballot(row)

    def vote(self, ballot: str, owner: str, choice: str) -> Ballot:
        """Writes a vote down, over the one that was there.

        Raises:
            RunError: there is no such ballot.
            NotAllowed: it is someone else's.
            PlaygroundError: the choice is none.
        """
        if choice not in get_args(Choice):
            raise PlaygroundError(f"A vote is one of {', '.join(get_args(Choice))}; got {choice!r}.")
        with self._database.writing() as connection:
            row = connection.execute(f"{_BALLOTS} WHERE id = ?", (ballot,)).fetchone()
            if row is None:
                raise RunError("There is no such ballot any more; press Start to be given another pair.")
            if row["owner"] != owner:
                raise NotAllowed("That ballot is someone else's; everybody votes for themselves only.")
            verdict: str = choice
            if choice != "tie":
                verdict = "first" if (choice == "left") != bool(row["swapped"]) else "second"
            connection.execute("UPDATE ballots SET verdict = ?, time = ? WHERE id = ?", (verdict, time.time(), ballot))
            return _ballot(connection.execute(f"{_BALLOTS} WHERE id = ?", (ballot,)).fetchone())

    def decide(self, pair: Pair, owner: str, verdict: Verdict, swapped: bool) -> None:
        """Writes a person's verdict on a pair down, over the one that was there.

        For a pair that many people see in one order: `swapped` is that order, and stands on a ballot that is new. One
        that was handed out before keeps its own, which does not matter to the verdict.
        """
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO ballots (id, pair, owner, swapped, verdict, time) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (pair, owner) DO UPDATE SET verdict = excluded.verdict, time = excluded.time",
                (secrets.token_urlsafe(12), _keep(connection, pair), owner, int(swapped), verdict, time.time()),
            )

    def of(self, owner: str, source: str) -> list[Ballot]:
        """A person's ballots of one source in the order in which they were handed out, with and without a vote."""
        query = f"{_BALLOTS} WHERE owner = ? AND source = ? ORDER BY ballots.rowid"
        with self._database.reading() as connection:
            return [_ballot(row) for row in connection.execute(query, (owner, source))]

    def pairs(self, source: str) -> list[Pair]:
        """Every pair of answers of one source that is kept."""
        with self._database.reading() as connection:
            return [_pair(row) for row in connection.execute("SELECT * FROM pairs WHERE source = ?", (source,))]

    def asked(self, source: str) -> dict[tuple[int, str, str], int]:
        """How many people hold a ballot on each pair of one source, by row and models."""
        query = (
            "SELECT row, first, second, COUNT(*) AS ballots FROM pairs JOIN ballots ON ballots.pair = pairs.number "
            "WHERE source = ? GROUP BY pairs.number"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, (source,))
            return {(row["row"], row["first"], row["second"]): row["ballots"] for row in rows}

    def votes(
        self, contestants: Collection[str], *, owner: str | None = None, seen_by: str | None = None
    ) -> list[Vote]:
        """The votes between some models, oldest first.

        Args:
            owner: only this person's.
            seen_by: only on pairs of finished evaluations, which everybody may read, and on those this person voted on.
        """
        places = ", ".join("?" * len(contestants))
        query = f"{_BALLOTS} WHERE verdict IS NOT NULL AND first IN ({places}) AND second IN ({places})"
        values = [*contestants, *contestants]
        if owner is not None:
            query, values = f"{query} AND owner = ?", [*values, owner]
        if seen_by is not None:
            own = "pair IN (SELECT pair FROM ballots WHERE owner = ?)"
            query, values = f"{query} AND (source LIKE '{EVALUATION}%' OR {own})", [*values, seen_by]
        with self._database.reading() as connection:
            rows = connection.execute(f"{query} ORDER BY time", values)
            return [Vote(_pair(row), row["verdict"], row["owner"]) for row in rows]

    def sources(self) -> list[str]:
        """Every source that was voted on, that with the newest vote first."""
        query = (
            "SELECT source, MAX(time) AS newest FROM ballots JOIN pairs ON ballots.pair = pairs.number "
            "WHERE verdict IS NOT NULL GROUP BY source ORDER BY newest DESC"
        )
        with self._database.reading() as connection:
            return [row["source"] for row in connection.execute(query)]

    def votes_on(self, source: str) -> list[Vote]:
        """Everybody's votes on the pairs of one source, oldest first."""
        query = f"{_BALLOTS} WHERE verdict IS NOT NULL AND source = ? ORDER BY time"
        with self._database.reading() as connection:
            return [Vote(_pair(row), row["verdict"], row["owner"]) for row in connection.execute(query, (source,))]

    def stamp(self) -> tuple[int, float]:
        """Another one after every vote; cheap."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT COUNT(*) AS votes, MAX(time) AS newest FROM ballots WHERE time > 0"
            ).fetchone()
            return int(row["votes"]), float(row["newest"] or 0)


EVALUATION = "evaluation:"
"""Before an evaluation's id, the source of its pairs."""

_COLUMNS = (
    "source", "row", "first", "second", "instruction", "input", "reference", "template", "first_answer",
    "second_answer",
)  # fmt: skip
_BALLOTS = "SELECT * FROM ballots JOIN pairs ON ballots.pair = pairs.number"


def _keep(connection: sqlite3.Connection, pair: Pair) -> int:
    places = ", ".join("?" * (len(_COLUMNS) + 1))
    connection.execute(
        f"INSERT INTO pairs (key, {', '.join(_COLUMNS)}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608
        (pair.key, *(getattr(pair, name) for name in _COLUMNS)),
    )
    return int(connection.execute("SELECT number FROM pairs WHERE key = ?", (pair.key,)).fetchone()["number"])


def _pair(row: sqlite3.Row) -> Pair:
    return Pair(**{name: row[name] for name in _COLUMNS})


def _ballot(row: sqlite3.Row) -> Ballot:
    return Ballot(row["id"], _pair(row), bool(row["swapped"]), row["verdict"])


def meetings_of(votes: Sequence[Vote]) -> Mapping[Pair, list[Vote]]:
    """The votes by the pair that they are on."""
    found: dict[Pair, list[Vote]] = {}
    for vote in votes:
        found.setdefault(vote.pair, []).append(vote)
    return found
