"""Training on votes in the app: who may begin it, what it begins, and what the room says before and after."""

import json
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground.config.room import RoomSettings
from playground.data import uploads
from playground.runs.events import Phase, PhaseChange
from playground.ui import leading, routes, votes_training_view
from playground.ui.services import Services
from playground.ui.voting_booth import VotingBooth
from playground.voting import lessons, planning
from playground.voting.arena import evaluation_arena
from playground.voting.ballots import EVALUATION, Ballots
from playground.voting.drawing import Matchup
from tests.ui.evaluations import finished_evaluation
from tests.ui.people import ANN, ANNS, BEN, FAR, HERE
from tests.ui.test_tours import Queue
from tests.ui.test_votes import tuned_run
from tests.waiting import wait_until

ROWS = 14


@pytest.fixture
def services(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(leading, "POLL_SECONDS", 0.01)
    services._jobs = cast("Any", Queue(services))
    return services


@pytest.fixture
def run(services: Services) -> str:
    """Ann's, on tiny, with an adapter."""
    made = tuned_run(services.store, ANNS)
    (services.store.folder(made) / "config.json").write_text(json.dumps(services.store.get(made).document))
    (services.store.folder(made) / "adapter" / "adapter_config.json").write_text("{}")
    return made


@pytest.fixture
def evaluation(services: Services, run: str) -> str:
    return finished_evaluation(services.store, run, owner=ANNS, rows=ROWS)


def vote(services: Services, evaluation: str, winner: str, people: int = 3, rows: int = 12) -> None:
    """Everybody prefers a model on the first rows of an evaluation; on one they see a tie."""
    ballots, arena = Ballots(services.store.database), evaluation_arena(services.store, evaluation)
    first, second = sorted(arena.contestants)
    matchups = [Matchup(row, first, second) for row in arena.rows if Matchup(row, first, second) not in arena.alike()]
    for place, matchup in enumerate(matchups[:rows]):
        for person in range(people):
            ballot = ballots.hand(arena.pair(matchup), f"person {person}")
            choice = "left" if (first == winner) != ballot.swapped else "right"
            ballots.vote(ballot.id, f"person {person}", "tie" if place == 3 else choice)


def ask(services: Services, what: str, kept: object, person: Any = ANN, request: Any = FAR, **asked: Any) -> Any:
    handler = {
        "look": votes_training_view.look, "begin": votes_training_view.begin, "stop": votes_training_view.stop,
        "resume": votes_training_view.resume,
    }[what]  # fmt: skip
    event = cast("gr.EventData", SimpleNamespace(_data={"turn": 1, **asked}))
    return handler(VotingBooth(services), services, event, request, person, kept)


def rows(services: Services, source: str) -> list[dict[str, Any]]:
    client = TestClient(Starlette(routes=routes.routes(services)))
    found: list[dict[str, Any]] = client.get("/playground/lessons", params={"source": source}).json()["lessons"]
    return found


def end(services: Services, phase: Phase = Phase.DONE, reason: str = "") -> str:
    """Ends the job under way; a run leaves an adapter."""
    [record] = services.store.list(live=True, owner=ANNS)
    if record.kind == "run" and phase is Phase.DONE:
        (services.store.folder(record.id) / "adapter").mkdir()
        (services.store.folder(record.id) / "adapter" / "adapter_config.json").write_text("{}")
    services.store.append(record.id, [PhaseChange(Phase.PREPARING)])
    services.store.finish(record.id, phase, reason)
    return record.id


def test_votes_are_offered_as_what_can_be_learnt(services: Services, evaluation: str, run: str) -> None:
    assert ask(services, "look", None) == {}
    vote(services, evaluation, f"run:{run}", people=1, rows=5)
    few = ask(services, "look", evaluation)
    assert (few["votes"], few["voters"], few["rows"], few["tied"]) == (5, 1, 4, 1)
    assert (few["needed"], few["missing"]) == (planning.FEWEST, 4)
    refused = ask(services, "begin", evaluation, method="dpo")["refused"]
    assert refused.endswith("they do on 4 (1 more is a tie). Vote on 4 more.")
    vote(services, evaluation, f"run:{run}")
    enough = ask(services, "look", {"evaluation": evaluation})
    assert (enough["votes"], enough["voters"], enough["rows"], enough["missing"]) == (36, 3, 11, 0)
    assert [pupil["name"] for pupil in enough["pupils"]] == [f"run:{run}", "model:tiny"]
    assert enough["pupils"][0] == {"name": f"run:{run}", "title": "My run", "rate": pytest.approx(34.5 / 36)}
    # Ann has not voted herself.
    assert ask(services, "look", evaluation, everybody=False)["votes"] == 0
    assert services.store.list("run", owner=ANNS)[0].id == run


def test_who_begins_too_fast_waits_and_looking_on_is_free(services: Services, evaluation: str) -> None:
    services.rules.change(RoomSettings(actions_per_minute=2))
    refusals = [ask(services, "begin", evaluation, method="dpo")["refused"] for _ in range(3)]
    assert ["Vote on" in told for told in refusals] == [True, True, False]
    assert "refused" not in ask(services, "look", evaluation)


def test_one_press_begins_a_run_on_the_votes_and_then_asks_both_models(
    services: Services, evaluation: str, run: str
) -> None:
    vote(services, evaluation, f"run:{run}")
    source = f"{EVALUATION}{evaluation}"
    assert "refused" not in ask(services, "begin", evaluation, method="dpo")
    assert "goes on already" in ask(services, "begin", evaluation, method="dpo")["refused"]
    [row] = rows(services, source)
    assert (row["state"], row["method"], row["old"], row["next"]) == ("going", "dpo", "My run", "")
    assert [stage["phase"] for stage in row["stages"]] == ["queued", ""]
    assert row["before"]["rate"] == pytest.approx(34.5 / 36)
    [job] = services.store.list(live=True, owner=ANNS)
    assert job.document["model"] == {"run": run}
    written = uploads.find(job.document["data"]["source"])
    assert written is not None
    assert "person" not in written.read_text(encoding="utf-8")
    trained = end(services)
    wait_until(lambda: len(services.store.list("evaluation", live=True)) == 1)
    [asking] = services.store.list("evaluation", live=True)
    assert asking.document["run"] == trained
    assert asking.owner == ANNS
    with services.lessons._leader._changed:  # the moment between the end of the evaluation and that of the lesson
        services.store.set_result(asking.id, {"examples": 3})
        answered = end(services)
        assert (rows(services, source)[0]["state"], rows(services, source)[0]["after"]) == ("going", None)
    wait_until(lambda: rows(services, source)[0]["state"] == "done")
    # What the second round's answers would be; the lesson is known under both sources.
    second = finished_evaluation(services.store, trained, owner=ANNS, rows=ROWS)
    kept = lessons.listed(services.store)[0]
    lessons.save(kept.with_job("answers", second), services.store)
    assert answered != second
    vote(services, second, f"run:{trained}", people=2)
    for known in (source, f"{EVALUATION}{second}"):
        [row] = rows(services, known)
        assert row["next"] == f"{EVALUATION}{second}"
        assert (row["after"]["wins"], row["after"]["ties"], row["after"]["losses"]) == (22, 2, 0)
        assert row["after"]["interval"][0] > 0.5
    assert rows(services, "evaluation:other") == []


def test_a_reward_model_judges_the_run_that_was_preferred(services: Services, evaluation: str, run: str) -> None:
    vote(services, evaluation, f"run:{run}")
    assert "refused" not in ask(services, "begin", evaluation, method="reward", pupil="model:tiny")
    [job] = services.store.list(live=True, owner=ANNS)
    assert (job.document["method"], job.document["model"]) == ("reward", "tiny")
    judge = end(services)
    wait_until(lambda: len(services.store.list("evaluation", live=True)) == 1)
    [asking] = services.store.list("evaluation", live=True)
    assert (asking.document["run"], asking.document["judge"]) == (run, judge)
    services.store.set_result(
        asking.id,
        {"examples": 3, "judge": {"win_rate": 0.5, "interval": [0.1, 0.9], "wins": 1, "ties": 1, "losses": 1}},
    )
    end(services)
    wait_until(lambda: rows(services, f"{EVALUATION}{evaluation}")[0]["state"] == "done")
    [row] = rows(services, f"{EVALUATION}{evaluation}")
    assert (row["next"], row["after"], row["judge"]["win_rate"]) == ("", None, 0.5)


def test_nobody_trains_what_is_somebody_elses(services: Services, evaluation: str, run: str) -> None:
    vote(services, evaluation, f"run:{run}")
    bens = ask(services, "look", evaluation, BEN)
    assert [pupil["name"] for pupil in bens["pupils"]] == ["model:tiny"]
    refused = ask(services, "begin", evaluation, BEN, method="dpo", pupil=f"run:{run}")["refused"]
    assert "cannot be trained by you" in refused
    assert "Votes train dpo or reward" in ask(services, "begin", evaluation, method="rm -rf")["refused"]
    assert "no owner key" in ask(services, "begin", evaluation, None, method="dpo")["refused"]
    assert "refused" not in ask(services, "begin", evaluation, method="dpo")
    lesson = lessons.listed(services.store)[0].id
    for what in ("stop", "resume"):
        assert "belongs to someone else" in ask(services, what, evaluation, BEN, lesson=lesson)["refused"]
        assert "There is no lesson" in ask(services, what, evaluation, lesson="../../x")["refused"]
    assert "refused" not in ask(services, "stop", evaluation, BEN, HERE, lesson=lesson), "the host may"


def test_it_stops_fails_and_goes_on(services: Services, evaluation: str, run: str) -> None:
    vote(services, evaluation, f"run:{run}")
    source = f"{EVALUATION}{evaluation}"
    ask(services, "begin", evaluation, method="dpo")
    lesson = lessons.listed(services.store)[0].id
    assert "refused" not in ask(services, "stop", evaluation, lesson=lesson)
    assert rows(services, source)[0]["state"] == "stopped"
    assert "nothing to stop" in ask(services, "stop", evaluation, lesson=lesson)["refused"]
    ask(services, "resume", evaluation, lesson=lesson)
    end(services, Phase.FAILED, "Out of memory; lower the batch size.")
    wait_until(lambda: rows(services, source)[0]["state"] == "failed")
    assert rows(services, source)[0]["reason"].endswith("Out of memory; lower the batch size.")
    ask(services, "resume", evaluation, lesson=lesson)
    services.lessons.close()
    anew = Services("none")
    anew._store, anew._jobs = services.store, services._jobs
    assert rows(anew, source)[0]["state"] == "paused"
    assert "refused" not in ask(anew, "resume", evaluation, lesson=lesson)
    assert rows(anew, source)[0]["state"] == "going"
    anew.lessons.close()


def test_the_host_chooses_among_what_was_voted_on(services: Services, evaluation: str, run: str) -> None:
    other = finished_evaluation(services.store, run, rows=ROWS)
    nothing = votes_training_view.arenas(services, None)
    assert (nothing["choices"], nothing["visible"]) == ([], False)
    vote(services, other, f"run:{run}", people=1)
    vote(services, evaluation, f"run:{run}", people=1)
    found = votes_training_view.arenas(services, None)
    assert ([value for _, value in found["choices"]], found["value"]) == ([evaluation, other], evaluation)
    assert "value" not in votes_training_view.arenas(services, other)  # it stays
