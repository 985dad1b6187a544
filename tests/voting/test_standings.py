"""From votes to the table of models, and to preferences."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from playground.config.run import DataSettings
from playground.data import uploads
from playground.data.splits import prepare
from playground.errors import DataError
from playground.voting.ballots import Verdict, Vote
from playground.voting.preferences import preferences
from playground.voting.standings import standings
from tests.voting.test_ballots import PAIR


def votes(*given: tuple[int, Verdict, str]) -> list[Vote]:
    """Row, verdict and voter."""
    return [
        Vote(replace(PAIR, row=row, instruction=f"Question {row}"), verdict, owner) for row, verdict, owner in given
    ]


def test_the_table_counts_and_ranks() -> None:
    found = standings(
        ["model:tiny", "run:sft-abc", "run:other"],
        votes((0, "second", "ann"), (0, "second", "ben"), (1, "tie", "ann"), (2, "first", "ann")),
    )
    assert found.models == ("run:sft-abc", "run:other", "model:tiny")
    assert (found.votes, found.pairs, found.voters) == (4, 3, 2)
    told = found.to_json(["Tuned", "Other", "Base"])
    assert [model["title"] for model in told["models"]] == ["Tuned", "Other", "Base"]
    assert told["models"][0]["tally"] | {"interval": None} == {
        "wins": 2, "ties": 1, "losses": 1, "votes": 4, "rate": 0.625, "interval": None,
    }  # fmt: skip
    assert told["models"][1]["tally"] is None
    assert told["matrix"][0][2]["wins"] == told["matrix"][2][0]["losses"] == 2
    assert told["matrix"][0][0] is None
    # Four votes are few: no model is surely below another.
    assert [model["surely_below"] for model in told["models"]] == [[], [], []]
    json.dumps(told, allow_nan=False)


def test_a_clear_lead_is_called_one() -> None:
    found = standings(["model:tiny", "run:sft-abc"], votes(*((row, "second", "ann") for row in range(20))))
    assert found.to_json(["Tuned", "Base"])["models"][1]["surely_below"] == [0]


def test_preferences_are_the_majoritys_without_ties_and_names() -> None:
    given = votes(
        (0, "first", "ann"), (0, "second", "ben"), (0, "first", "cat"),  # two of three
        (1, "tie", "ann"),
        (2, "first", "ann"), (2, "second", "ben"),  # as many as against
        (3, "second", "ann"), (3, "tie", "ben"),
    )  # fmt: skip
    found = preferences(given)
    assert found.rows == (
        {"instruction": "Question 0", "input": "to Ann", "chosen": PAIR.first_answer, "rejected": PAIR.second_answer},
        {"instruction": "Question 3", "input": "to Ann", "chosen": PAIR.second_answer, "rejected": PAIR.first_answer},
    )
    assert found.tied == 2
    source = found.keep()
    assert source.endswith("/votes-2-pairs.jsonl")
    written = uploads.find(source)
    assert written is not None
    text = written.read_text(encoding="utf-8")
    assert not any(name in text for name in ("ann", "ben", "sft-abc", "tiny"))
    splits = prepare(DataSettings(source=source, template="instruction-response", split=(1.0, 0.0)))
    assert splits.format == "preference"
    assert [(record.answer, record.rejected) for record in splits.train] == [
        (PAIR.first_answer, PAIR.second_answer), (PAIR.second_answer, PAIR.first_answer)
    ]  # fmt: skip


def test_ties_alone_make_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ties teach nothing"):
        preferences(votes((0, "tie", "ann"))).keep()
    with pytest.raises(DataError, match="no preference"):
        preferences([]).keep()
