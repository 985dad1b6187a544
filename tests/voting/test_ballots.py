"""Ballots: blind, one per person and pair, changeable by nobody else, and still there after everything."""

import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from playground.errors import NotAllowed, PlaygroundError, RunError
from playground.runs import database
from playground.runs.database import Database
from playground.runs.events import Phase
from playground.runs.store import RunStore
from playground.voting.ballots import Ballots, Pair
from playground.voting.drawing import Matchup, draw

PAIR = Pair(
    "evaluation:evaluation-abc", 7, "model:tiny", "run:sft-abc", "Say hello.", "to Ann", "Hello, Ann.", "{}",
    "I am the first.", "I am the second.",
)  # fmt: skip


@pytest.fixture
def ballots(tmp_path: Path) -> Iterator[Ballots]:
    found = Database(tmp_path / "runs.sqlite3")
    yield Ballots(found)
    found.close()


def test_what_is_shown_is_the_same_in_both_orders_but_for_the_order(ballots: Ballots) -> None:
    handed = [ballots.hand(PAIR, f"person {number}") for number in range(40)]
    straight = next(one for one in handed if not one.swapped).shown()
    swapped = next(one for one in handed if one.swapped).shown()
    assert set(straight) == {"ballot", "instruction", "input", "reference", "left", "right"}
    assert (straight.pop("left"), straight.pop("right")) == (swapped.pop("right"), swapped.pop("left"))
    ids = [str(one.pop("ballot")) for one in (straight, swapped)]
    assert straight == swapped
    assert len({len(one) for one in ids}) == 1
    told = " ".join(map(str, straight.values()))
    assert not any(name in told for name in (PAIR.first, PAIR.second, "tiny", "sft-abc"))


def test_asking_again_gives_the_same_ballot(ballots: Ballots) -> None:
    first = ballots.hand(PAIR, "ann")
    assert all(ballots.hand(PAIR, "ann") == first for _ in range(20))
    assert ballots.of("ann", PAIR.source) == [first]
    assert ballots.of("ben", PAIR.source) == []


def test_answers_that_are_known_stay(ballots: Ballots) -> None:
    ballots.keep(PAIR)
    assert ballots.hand(replace(PAIR, first_answer="Another time it said this."), "ann").pair == PAIR


def test_a_vote_counts_for_whose_answer_stood_there(ballots: Ballots) -> None:
    for number in range(20):
        ballot = ballots.hand(PAIR, str(number))
        left = ballots.vote(ballot.id, str(number), "left")
        assert left.verdict == ("second" if ballot.swapped else "first")
        assert left.choice == "left"
        right = ballots.vote(ballot.id, str(number), "right")
        assert right.verdict == ("first" if ballot.swapped else "second")
        assert ballots.vote(ballot.id, str(number), "tie").choice == "tie"
    models = [PAIR.first, PAIR.second]
    assert Counter(vote.verdict for vote in ballots.votes(models)) == {"tie": 20}  # one each, the last one given
    assert len(ballots.votes(models, owner="3")) == 1
    assert ballots.votes([PAIR.first, "run:other"]) == []


def test_nobody_votes_for_somebody_else(ballots: Ballots) -> None:
    ballot = ballots.hand(PAIR, "ann")
    with pytest.raises(NotAllowed, match="someone else's"):
        ballots.vote(ballot.id, "ben", "left")
    with pytest.raises(RunError, match="no such ballot"):
        ballots.vote("made-up", "ann", "left")
    with pytest.raises(PlaygroundError, match="one of left, right, tie; got 'both'"):
        ballots.vote(ballot.id, "ann", "both")
    assert ballots.of("ann", PAIR.source)[0].verdict is None


def test_votes_on_what_others_asked_for_themselves_are_not_for_everybody(ballots: Ballots) -> None:
    private = replace(PAIR, source="live:abc")
    for pair in (PAIR, private):
        ballots.vote(ballots.hand(pair, "ann").id, "ann", "left")
    models = [PAIR.first, PAIR.second]
    assert len(ballots.votes(models)) == len(ballots.votes(models, seen_by="ann")) == 2
    assert [vote.pair for vote in ballots.votes(models, seen_by="ben")] == [PAIR]


def test_votes_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from playground.runs.database import Database\n"
        "from playground.voting.ballots import Ballots; from tests.voting.test_ballots import PAIR\n"
        "from dataclasses import replace\n"
        "ballots = Ballots(Database(Path(sys.argv[1])))\n"
        "for row in range(20):\n"
        "    ballots.vote(ballots.hand(replace(PAIR, row=row), sys.argv[2]).id, sys.argv[2], 'left')\n"
    )
    path = tmp_path / "runs.sqlite3"
    people = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in ("ann", "ben")]
    assert [person.wait(120) for person in people] == [0, 0]
    found = Database(path)
    assert len(Ballots(found).votes([PAIR.first, PAIR.second])) == 40
    assert len(Ballots(found).pairs(PAIR.source)) == 20
    found.close()


def test_a_home_from_before_there_were_votes_opens_with_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three scripts of the versions before; what they made must be there afterwards."""
    with monkeypatch.context() as earlier:
        earlier.setattr(database, "MIGRATIONS", database.MIGRATIONS[:3])
        store = RunStore(tmp_path)
        run = store.create("run", {"method": "sft"}, method="sft", model="m", name="Old", owner="ann")
        store.close()
    connection = sqlite3.connect(tmp_path / "runs.sqlite3")
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    connection.close()
    store = RunStore(tmp_path)
    assert (store.get(run).name, store.get(run).phase) == ("Old", Phase.QUEUED)
    ballots = Ballots(store.database)
    ballots.vote(ballots.hand(PAIR, "ann").id, "ann", "right")
    assert len(ballots.votes([PAIR.first, PAIR.second])) == 1
    store.close()


def test_those_that_met_least_meet_next() -> None:
    chance = random.Random(0)
    asked = {(0, "a", "b"): 3, (1, "a", "b"): 1, (0, "a", "c"): 2, (0, "b", "c"): 1}
    assert draw("abc", [0, 1], asked, (), chance) == Matchup(1, "b", "c")
    assert draw("ab", [0, 1], asked, (), chance) == Matchup(1, "a", "b")
    # What this person has seen is left out, though they met least there.
    assert draw("ab", [0, 1], asked, [(1, "a", "b")], chance) == Matchup(0, "a", "b")
    assert draw("ab", [0, 1], asked, [(0, "a", "b"), (1, "a", "b")], chance) is None


def test_over_time_everybody_meets_everybody_equally_often() -> None:
    chance, asked = random.Random(1), Counter[tuple[int, str, str]]()
    for _ in range(60):
        found = draw("abcd", range(10), asked, asked, chance)
        assert found is not None
        asked[found] += 1
    assert set(Counter((first, second) for _, first, second in asked.elements()).values()) == {10}
    assert draw("abcd", range(10), asked, asked, chance) is None
