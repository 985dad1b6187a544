from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from playground.config import codec
from playground.config.judging import PAIR_PROMPT, SCORE_PROMPT, JudgeSettings
from playground.errors import NotAllowed, RunError
from playground.runs import steps
from playground.runs.events import Phase
from playground.ui import identity
from playground.ui.evaluation_runs import offer_others, offer_runs
from playground.ui.generation_form import NAMES
from playground.ui.judge_form import NAMES as JUDGING
from playground.ui.services import Services
from playground.ui.tabs import evaluate
from tests.ui.evaluations import finished_evaluation, run_of
from tests.ui.idle import IdleQueue
from tests.ui.people import ANN, ANNS, BEN, FAR, HERE

NOBODY = ("", "score", SCORE_PROMPT, PAIR_PROMPT, 24)
"""The fields of a language model as judge."""
GREEDY = ("greedy", 50, 1.0, 0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 5, 0, *NOBODY)


@pytest.fixture
def services(services: Services) -> Services:
    services._jobs = cast("Any", IdleQueue(services))
    return services


def event(**data: str) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data=data))


def test_runs_on_offer_are_ones_own_and_left_something(services: Services) -> None:
    mine = run_of(services.store, ANNS)
    stopped = run_of(services.store, ANNS, phase=Phase.STOPPED)
    run_of(services.store, ANNS, adapter=False)
    run_of(services.store, ANNS, phase=Phase.RUNNING)
    hosts = run_of(services.store)

    def offered(person: Any, request: gr.Request, chosen: str | None = None, looked_at: str = "") -> Any:
        found = offer_runs(services, person, chosen, looked_at, request)
        return [value for _, value in found["choices"]], found.get("value", "as it is")

    assert offered(ANN, FAR) == ([stopped, mine], stopped)
    assert offered(ANN, FAR, looked_at=mine)[1] == mine
    assert offered(ANN, FAR, chosen=mine, looked_at=stopped)[1] == "as it is"
    assert offered(ANN, FAR, chosen=hosts)[1] == stopped
    assert offered(BEN, FAR) == ([], "as it is")  # nothing was chosen
    assert offered(BEN, HERE)[0] == [hosts, stopped, mine]


def test_other_runs_and_saved_steps_are_on_offer_beside_the_chosen_one(services: Services) -> None:
    first, second = run_of(services.store, ANNS), run_of(services.store, ANNS)
    run_of(services.store, "somebody else")
    for step in (40, 20):
        with steps.writing(services.store.folder(first), step):
            pass

    def offered(run: str | None, chosen: list[str] | None) -> Any:
        found = offer_others(services, ANN, run, chosen, FAR)
        return [value for _, value in found["choices"]], found.get("value", "as it is")

    own = [f"{first}@20", f"{first}@40"]
    assert offered(first, None) == ([*own, second], [])
    assert offered(second, [f"{first}@40", second, "gone"]) == ([first, *own], [f"{first}@40"])
    assert offered(second, [f"{first}@40"])[1] == "as it is"


def test_models_of_others_and_steps_that_were_not_kept_are_refused(services: Services) -> None:
    run, hers = run_of(services.store, ANNS), run_of(services.store, "somebody else")

    def problem(*others: str) -> str:
        *_, said = evaluate.start(services, FAR, ANN, run, list(others), "test", 0, 4, "", *GREEDY)
        return str(said.get("error", ""))

    assert "belongs to someone else" in problem(hers)
    assert "belongs to someone else" in problem(f"{hers}@3")
    assert "has not kept step 3" in problem(f"{run}@3")
    assert "name every model once" in problem(run)
    assert "RUN@STEP" in problem(f"{run}@last")
    assert not services.store.list("evaluation")
    other = run_of(services.store, ANNS)
    assert problem(other) == ""
    [made] = services.store.list("evaluation")
    assert made.document["others"] == [other]
    assert made.name == "A run and 1 other on test"


def test_start_queues_what_the_form_says(services: Services) -> None:
    run = run_of(services.store, ANNS)
    asked = ("sampling", 20.0, 0.7, 5, 0.9, 0.1, 0.8, 1.2, 0.5, 0.25, 5, 3)
    evaluation, live, problem = evaluate.start(services, FAR, ANN, run, None, "validation", 0, 4, "", *asked, *NOBODY)
    record = services.store.get(evaluation)
    assert (record.kind, record.owner, record.phase) == ("evaluation", ANNS, Phase.QUEUED)
    expected = dict(zip(NAMES, asked, strict=True))
    assert record.document == {
        "run": run, "others": [], "split": "validation", "questions": "", "limit": None, "batch_size": 4,
        "judge": "", "generation": expected, "judging": codec.encode_section(JudgeSettings()),
    }  # fmt: skip
    assert live == {"evaluation": evaluation, "viewer": {"owner": ANNS, "host": False}}
    assert problem == {}
    evaluation, *_ = evaluate.start(services, FAR, ANN, run, [], "test", 5, 4, "", *GREEDY)
    assert services.store.get(evaluation).document["limit"] == 5


@pytest.mark.parametrize(
    ("run", "batch", "form", "says"),
    [
        (None, 4, GREEDY, "no finished run to evaluate yet"),
        ("sft-nobody", 4, GREEDY, "There is no run 'sft-nobody'"),
        ("hers", 4, GREEDY, "belongs to someone else"),
        ("empty", 4, GREEDY, "left no model to evaluate"),
        ("going", 4, GREEDY, "can be evaluated once it has ended"),
        ("own", None, GREEDY, "evaluation.batch_size is needed"),
        ("own", 4, ("beam", 50, 1.0, 0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1, 0, *NOBODY), "num_beams must be at least 2"),
    ],
)
def test_a_refusal_is_said_in_place(services: Services, run: str | None, batch: Any, form: Any, says: str) -> None:
    made = {
        "own": run_of(services.store, ANNS),
        "hers": run_of(services.store, "somebody else"),
        "empty": run_of(services.store, ANNS, adapter=False),
        "going": run_of(services.store, ANNS, phase=Phase.RUNNING, adapter=False),
    }
    *_, problem = evaluate.start(services, FAR, ANN, made.get(run or "", run), [], "test", 0, batch, "", *form)
    assert says in problem["error"]
    assert not services.store.list("evaluation")


def test_who_may_ask_which_judge(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(services.store, ANNS)
    hers = run_of(services.store, "somebody else")

    def refused(model: str, request: gr.Request = FAR, **changed: Any) -> str:
        judging = {**dict(zip(JUDGING, NOBODY, strict=True)), "model": model, **changed}.values()
        *_, problem = evaluate.start(services, request, ANN, run, [], "test", 0, 4, "", *GREEDY[:12], *judging)
        return str(problem.get("error", ""))

    for name in ("PLAYGROUND_JUDGE_URL", "PLAYGROUND_JUDGE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    assert "Only the host can ask the judge's endpoint" in refused("endpoint")
    assert "not in the catalogue" in refused("someone/model")
    assert "not in the catalogue" in refused("/etc")
    assert "belongs to someone else" in refused(f"run:{hers}")
    assert "No judge's endpoint is set up" in refused("endpoint", HERE)
    assert "score_prompt needs {answer}" in refused("tiny", score_prompt="How good?")
    assert refused("tiny") == ""
    monkeypatch.setenv("PLAYGROUND_JUDGE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("PLAYGROUND_JUDGE_MODEL", "judge-1")
    assert refused("endpoint", HERE) == ""
    kept = services.store.list("evaluation")[0].document["judging"]
    assert kept["model"] == "endpoint"
    assert "127.0.0.1" not in str(kept)


def test_only_its_owner_and_the_host_cancel_an_evaluation(services: Services) -> None:
    run = run_of(services.store, ANNS)
    evaluation, *_ = evaluate.start(services, FAR, ANN, run, [], "test", 0, 4, "", *GREEDY)
    with pytest.raises(NotAllowed, match="This evaluation belongs to someone else"):
        evaluate.stop(services, event(evaluation=evaluation), BEN, FAR)
    assert services.store.get(evaluation).phase is Phase.QUEUED
    evaluate.stop(services, event(evaluation=evaluation), ANN, FAR)
    assert services.store.get(evaluation).phase is Phase.STOPPED
    other, *_ = evaluate.start(services, FAR, ANN, run, [], "test", 0, 4, "", *GREEDY)
    evaluate.stop(services, event(evaluation=other), BEN, HERE)
    assert services.store.get(other).phase is Phase.STOPPED


def test_a_reload_finds_what_was_looked_at_else_ones_newest(services: Services) -> None:
    run = run_of(services.store, ANNS)
    first, second = (finished_evaluation(services.store, run, owner=ANNS) for _ in range(2))
    assert evaluate.reopen(services, ANN, first, FAR)[0] == first
    assert evaluate.reopen(services, ANN, "gone", FAR)[0] == second
    looked_at, live, viewer = evaluate.reopen(services, BEN, "", FAR)
    assert (looked_at, live["evaluation"]) == ("", "")
    assert viewer == {"owner": identity.owner_id(BEN["key"]), "host": False}


def test_only_what_exists_can_be_looked_at(services: Services) -> None:
    evaluation = finished_evaluation(services.store, run_of(services.store))
    assert evaluate.look_at(services, event(evaluation=evaluation)) == (evaluation, {"evaluation": evaluation})
    with pytest.raises(RunError):
        evaluate.look_at(services, event(evaluation="nobody"))
