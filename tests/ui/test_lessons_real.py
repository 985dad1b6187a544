"""Votes really train a model: people who vote by what is so in Lumen, and by its manners, prefer what came of it."""

import json
from typing import Any

import pytest
from transformers import AutoModelForCausalLM

from playground.config.run import AdapterSettings, DataSettings
from playground.config.voting import VotingSettings
from playground.data.splits import prepare
from playground.models import catalogue
from playground.models.adapters import attach_lora
from playground.runs import strict
from playground.runs.store import RunStore
from playground.ui.identity import Person
from playground.ui.services import Services
from playground.ui.votes_training_view import lessons_view
from playground.ui.voting_booth import VotingBooth
from playground.voting.arena import EXAMPLES, EvaluationArena
from playground.voting.ballots import Ballots, Pair, Verdict
from playground.voting.drawing import Matchup
from playground.voting.lessons import Method
from playground.voting.planning import ASKED
from scripts.tiny.judge import points
from tests.ui.evaluations import finished_evaluation
from tests.ui.test_votes import tuned_run
from tests.waiting import wait_until

pytestmark = pytest.mark.soak

PEOPLE, PAIRS = 3, 80
HOST = Person("the host of the test", host=True)


def first_round(store: RunStore) -> str:
    """An evaluation in which tiny answers as it is liked less, and a run as it is liked more.

    The run's adapter has learnt nothing: whoever asks it anew is answered as by tiny.
    """
    run = tuned_run(store)
    data = {"source": "lumen-manners", "split": None, "template": "instruction-response"}
    with store.database.writing() as connection:
        document = json.dumps({"method": "sft", "model": "tiny", "data": data})
        connection.execute("UPDATE runs SET document = ? WHERE id = ?", (document, run))
    folder = store.folder(run)
    (folder / "config.json").write_text(json.dumps(store.get(run).document), encoding="utf-8")
    source = catalogue.local_folder("tiny")
    assert source is not None
    attach_lora(AutoModelForCausalLM.from_pretrained(source), AdapterSettings(), seed=0).save_pretrained(
        str(folder / "adapter")
    )
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


def taught(services: Services, method: Method) -> tuple[VotingBooth, EvaluationArena, dict[str, Any]]:
    """Everybody has voted on the first round, and a lesson on their votes is done."""
    booth, store = VotingBooth(services), services.store
    settings = VotingSettings(evaluation=first_round(store))
    arena = booth.arena(settings, HOST)
    assert isinstance(arena, EvaluationArena)
    vote(store, arena)
    votes = booth.ballots.votes_on(arena.source)
    services.lessons.begin(HOST, arena, settings, votes, method=method, pupil="model:tiny", everybody=True)
    wait_until(lambda: lessons_view(services, arena.source)[0]["state"] != "going", timeout=600)
    [lesson] = lessons_view(services, arena.source)
    assert lesson["state"] == "done", lesson["reason"]
    return booth, arena, lesson


def test_a_reward_model_prefers_what_people_did(services: Services) -> None:
    _, arena, lesson = taught(services, "reward")
    assert lesson["votes"]["held_out"] >= 10
    assert lesson["accuracy"] >= 0.95, "of pairs on questions that it has not learnt from"
    judge = lesson["judge"]
    assert judge["wins"] + judge["ties"] + judge["losses"] == ASKED
    assert judge["interval"][0] <= judge["win_rate"] <= judge["interval"][1]
    assert judge["ties"] == ASKED, "both answer the same"
    trained = services.store.get(lesson["stages"][0]["job"])
    assert trained.document["method"] == "reward"
    assert (services.store.folder(trained.id) / "adapter" / "adapter_model.safetensors").is_file()
    assert arena.source == lesson["source"]


def test_the_new_model_is_preferred_by_those_who_voted(services: Services) -> None:
    booth, arena, lesson = taught(services, "dpo")
    store = services.store
    assert lesson["before"]["rate"] < 0.05, "tiny's answers were those that were liked less"
    second = booth.arena(VotingSettings(evaluation=lesson["next"].partition(":")[2]), HOST)
    assert isinstance(second, EvaluationArena)
    vote(store, second)
    after = lessons_view(services, arena.source)[0]["after"]
    assert after["interval"][0] > 0.5, after
    assert after["rate"] > 0.7, after
