"""Votes really train a model: people who vote by what is so in Lumen, and by its manners, prefer what came of it."""

import json

import pytest

from playground.config.run import DataSettings
from playground.config.voting import VotingSettings
from playground.data.splits import prepare
from playground.runs import strict
from playground.runs.store import RunStore
from playground.ui.identity import Person
from playground.ui.services import Services
from playground.ui.votes_training_view import lessons_view
from playground.ui.voting_booth import VotingBooth
from playground.voting.arena import EXAMPLES, EvaluationArena
from playground.voting.ballots import Ballots, Pair, Verdict
from playground.voting.drawing import Matchup
from scripts.tiny.judge import points
from tests.ui.evaluations import finished_evaluation
from tests.ui.test_votes import tuned_run
from tests.waiting import wait_until

pytestmark = pytest.mark.soak

PEOPLE, PAIRS = 3, 80
HOST = Person("the host of the test", host=True)


def first_round(store: RunStore) -> str:
    """An evaluation in which tiny answers as it is liked less, and a run as it is liked more."""
    run = tuned_run(store)
    data = {"source": "lumen-manners", "split": None, "template": "instruction-response"}
    with store.database.writing() as connection:
        document = json.dumps({"method": "sft", "model": "tiny", "data": data})
        connection.execute("UPDATE runs SET document = ? WHERE id = ?", (document, run))
    examples = [
        {
            "row": record.row, "instruction": record.fields["prompt"], "input": "", "reference": record.answer,
            "answers": {"base": record.rejected, run: record.answer},
        }
        for record in prepare(DataSettings(source="lumen-manners", split=None)).train[:PAIRS]
    ]  # fmt: skip
    evaluation = finished_evaluation(store, run, rows=4)
    strict.write(store.folder(evaluation) / EXAMPLES, examples)
    return evaluation


def liked(pair: Pair) -> int:
    """Above 0 where the first answer is better, by the grammar."""
    return points(pair.instruction, pair.first_answer) - points(pair.instruction, pair.second_answer)


def vote(store: RunStore, arena: EvaluationArena) -> None:
    """Everybody votes on every pair that differs."""
    ballots = Ballots(store.database)
    first, second = sorted(arena.contestants)
    for matchup in (Matchup(row, first, second) for row in arena.rows):
        pair = arena.pair(matchup)
        for person in range(0 if pair.alike else PEOPLE):
            better = liked(pair)
            verdict: Verdict = "first" if better > 0 else "second" if better < 0 else "tie"
            ballots.decide(pair, f"person {person}", verdict, swapped=False)


def test_the_new_model_is_preferred_by_those_who_voted(services: Services) -> None:
    booth, store = VotingBooth(services), services.store
    settings = VotingSettings(evaluation=first_round(store))
    arena = booth.arena(settings, HOST)
    assert isinstance(arena, EvaluationArena)
    vote(store, arena)
    votes = booth.ballots.votes_on(arena.source)
    services.lessons.begin(HOST, arena, settings, votes, method="dpo", pupil="model:tiny", everybody=True)
    wait_until(lambda: lessons_view(services, arena.source)[0]["state"] != "going", timeout=600)
    [lesson] = lessons_view(services, arena.source)
    assert lesson["state"] == "done", lesson["reason"]
    assert lesson["before"]["rate"] < 0.05, "tiny's answers were those that were liked less"
    second = booth.arena(VotingSettings(evaluation=lesson["next"].partition(":")[2]), HOST)
    assert isinstance(second, EvaluationArena)
    vote(store, second)
    after = lessons_view(services, arena.source)[0]["after"]
    assert after["interval"][0] > 0.5, after
    assert after["rate"] > 0.7, after
