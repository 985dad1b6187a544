"""Votes as a file to take away, without who gave them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from playground.runs.database import Database, StoreUnavailable
from playground.voting.ballots import Ballots, Pair, Verdict
from playground.voting.export import count, export_and_clear

PAIR = Pair("evaluation:e", 0, "model:tiny", "run:r", "Say hello.", "", "Hello.", "{}", "Hi.", "Good day.")
PEOPLE = ("owner-ann", "owner-ben", "owner-cho", "owner-dee")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "runs.sqlite3")
    yield made
    made.close()


def test_votes_are_counted_pair_by_pair_and_nobody_is_named(database: Database, tmp_path: Path) -> None:
    ballots, other = Ballots(database), replace(PAIR, row=1, instruction="안녕?")
    verdicts: tuple[Verdict, ...] = ("first", "second", "second", "tie")
    for person, verdict in zip(PEOPLE, verdicts, strict=True):
        ballots.decide(PAIR, person, verdict, False)
    ballots.decide(other, PEOPLE[0], "first", True)
    ballots.hand(replace(PAIR, row=2), PEOPLE[0])  # seen, not voted on
    path = tmp_path / "groups" / "one" / "votes.jsonl"
    assert count(database) == 5
    found = export_and_clear(database, path, str.upper)
    assert (found.votes, found.pairs) == (5, 2)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == {
        "instruction": "Say hello.", "input": "", "reference": "Hello.", "first_answer": "Hi.",
        "second_answer": "Good day.", "chosen": "Good day.", "rejected": "Hi.", "first": "MODEL:TINY",
        "second": "RUN:R",
        "votes": {"first": 1, "tie": 1, "second": 2},
    }  # fmt: skip
    assert (lines[1]["instruction"], lines[1]["votes"]) == ("안녕?", {"first": 1, "tie": 0, "second": 0})
    assert found.text == path.read_text(encoding="utf-8")
    assert not any(person in found.text for person in PEOPLE)
    assert (count(database), ballots.pairs(PAIR.source), ballots.of(PEOPLE[0], PAIR.source)) == (0, [], [])


def test_without_a_vote_there_is_no_file(database: Database, tmp_path: Path) -> None:
    Ballots(database).hand(PAIR, PEOPLE[0])
    path = tmp_path / "groups" / "one" / "votes.jsonl"
    assert export_and_clear(database, path, str)[:2] == (0, 0)
    assert not path.exists()


def test_where_the_file_cannot_be_written_no_vote_goes(database: Database, tmp_path: Path) -> None:
    Ballots(database).decide(PAIR, PEOPLE[0], "first", False)
    (tmp_path / "groups").write_text("a file where a folder should be")
    with pytest.raises(StoreUnavailable):
        export_and_clear(database, tmp_path / "groups" / "one" / "votes.jsonl", str)
    assert count(database) == 1
