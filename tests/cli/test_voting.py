"""Votes listed and taken away from the command line."""

import json
from pathlib import Path

import pytest

from playground.cli import main
from playground.config.run import DataSettings
from playground.data.splits import prepare
from playground.runs.store import RunStore
from playground.voting.ballots import Ballots, Pair

PAIRS = [
    Pair(
        source="evaluation:evaluation-abc234", row=row, first="model:tiny", second="run:gone",
        instruction=f"Question {row}?", input="", reference="", template="{}", first_answer=f"Yes, {row}.",
        second_answer=f"No, {row}.",
    )
    for row in range(4)
]  # fmt: skip


@pytest.fixture(autouse=True)
def voted() -> None:
    store = RunStore()
    ballots = Ballots(store.database)
    for row, votes in enumerate(("ffs", "ss", "fs", "t")):
        for person, letter in enumerate(votes):
            ballot = ballots.hand(PAIRS[row], f"person {person}")
            choice = "tie" if letter == "t" else "left" if (letter == "f") != ballot.swapped else "right"
            for once_more in ("tie", choice):
                ballots.vote(ballot.id, f"person {person}", once_more)
    store.close()


def test_votes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["votes", "--json"]) == 0
    counts = {"votes": 8, "voters": 3, "pairs": 4}
    assert json.loads(capsys.readouterr().out) == {"sources": [{"source": "evaluation:evaluation-abc234", **counts}]}
    assert main(["votes"]) == 0
    assert "8 votes on     4 pairs, voters: 3" in capsys.readouterr().out


def test_votes_are_taken_away_without_who_voted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "votes.jsonl"
    assert main(["votes", "evaluation-abc234", "--to", str(file)]) == 0
    assert "4 pairs, 8 votes" in capsys.readouterr().out
    text = file.read_text(encoding="utf-8")
    assert "person" not in text
    rows = [json.loads(line) for line in text.splitlines()]
    assert [(row["chosen"], *(row["votes"][verdict] for verdict in ("first", "second", "tie"))) for row in rows] == [
        ("Yes, 0.", 2, 1, 0), ("No, 1.", 0, 2, 0), (None, 1, 1, 0), (None, 0, 0, 1),
    ]  # fmt: skip
    assert (rows[0]["first"], rows[0]["second"]) == ("Tiny", "gone")
    assert main(["votes", "evaluation:evaluation-abc234"]) == 0
    assert capsys.readouterr().out == text
    # What has no majority is left out where it is read as data.
    splits = prepare(DataSettings(source=str(file), split=(1.0, 0.0)))
    assert [record.answer for record in splits.train] == ["Yes, 0.", "No, 1."]


def test_a_wrong_source_or_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["votes", "evaluation-gone"]) == 2
    assert "Nobody voted on evaluation-gone" in capsys.readouterr().err
    assert main(["votes", "evaluation-abc234", "--to", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main(["votes", "--to", str(tmp_path / "x")]) == 2
