"""Everybody's votes as a file to take away: how many preferred what, and nothing of who they were."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playground.runs.database import Database, in_words

_COUNTED = (
    "SELECT pairs.*, SUM(verdict = 'first') AS firsts, SUM(verdict = 'tie') AS ties, "
    "SUM(verdict = 'second') AS seconds "
    "FROM pairs JOIN ballots ON ballots.pair = pairs.number WHERE verdict IS NOT NULL AND source LIKE ? "
    "GROUP BY pairs.number ORDER BY pairs.number"
)
EVERY = "%"
"""Stands for all sources."""
_COLUMNS = ("instruction", "input", "reference", "first_answer", "second_answer")


class Exported(NamedTuple):
    """What a file of votes holds."""

    votes: int
    pairs: int
    text: str
    """One JSON object a line: question, both answers, who wrote them, and the number of votes for each and of ties;
    `chosen` and `rejected` are what the majority prefers, null where there is none."""


def count(database: Database) -> int:
    """How many votes there are."""
    with database.reading() as connection:
        return int(connection.execute("SELECT COUNT(*) FROM ballots WHERE verdict IS NOT NULL").fetchone()[0])


def exported(database: Database, title: Callable[[str], str], source: str) -> Exported:
    """The votes on the pairs of one source; titles as for `export_and_clear`."""
    with database.reading() as connection:
        return _exported(connection.execute(_COUNTED, (source,)).fetchall(), title)


def export_and_clear(database: Database, path: Path, title: Callable[[str], str]) -> Exported:
    """Writes all votes to a file, one line for each pair that was voted on, and lets go of pairs, ballots and votes.

    Both or neither: nothing goes before the file is written. Without a vote, no file is.

    Args:
        title: what a model is called on screen, from `Pair.first` or `Pair.second`.

    Raises:
        StoreUnavailable: the file or the database cannot be written.
    """
    with database.writing() as connection:
        found = _exported(connection.execute(_COUNTED, (EVERY,)).fetchall(), title)
        if found.pairs:
            with in_words(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(found.text, encoding="utf-8", errors="replace")
        connection.execute("DELETE FROM ballots")
        connection.execute("DELETE FROM pairs")
    return found


def _exported(rows: Sequence[Any], title: Callable[[str], str]) -> Exported:
    text = "".join(json.dumps(_line(row, title), ensure_ascii=False) + "\n" for row in rows)
    return Exported(sum(row["firsts"] + row["ties"] + row["seconds"] for row in rows), len(rows), text)


def _line(row: Any, title: Callable[[str], str]) -> dict[str, Any]:
    found = {name: row[name] for name in _COLUMNS}
    lead, answers = row["firsts"] - row["seconds"], (row["first_answer"], row["second_answer"])
    chosen, rejected = answers if lead > 0 else answers[::-1] if lead < 0 else (None, None)
    return {
        **found,
        "chosen": chosen,
        "rejected": rejected,
        "first": title(row["first"]),
        "second": title(row["second"]),
        "votes": {"first": row["firsts"], "tie": row["ties"], "second": row["seconds"]},
    }
