import gzip
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from playground.errors import NotAllowed, RunError
from playground.evaluation.subject import EXAMPLES
from playground.runs.events import Phase
from playground.ui import identity, routes
from playground.ui.generation_form import NAMES
from playground.ui.services import Services
from playground.ui.tabs import evaluate
from tests.ui.evaluations import HOSTILE, finished_evaluation, run_of

ANN = {"key": "the-key-of-ann-is-long-enough", "host": ""}
BEN = {"key": "the-key-of-ben-is-long-enough", "host": ""}
ANNS = identity.owner_id(ANN["key"])
GREEDY = ("greedy", 50, 1.0, 0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 5, 0)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(identity.HOST_KEY_VARIABLE, raising=False)


@pytest.fixture
def services() -> Iterator[Services]:
    """With a queue that takes jobs and does none: they stay in the store to be looked at."""
    made = Services(None)
    made._jobs = cast("Any", Queue(made))
    yield made
    made.store.close()


class Queue:
    """What the tab needs of a `JobManager`."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def submit(self, kind: Any, document: Any, owner: str = "", name: str = "", **_: object) -> str:
        from playground.jobs.submission import submit

        return submit(self.services.store, kind, document, owner=owner, name=name)

    def stop(self, job: str) -> int:
        return self.services.store.request_stop(job)

    def places(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes.routes(services)))


def asked_from(client: str) -> gr.Request:
    headers = [(b"host", b"127.0.0.1:7860")]
    return gr.Request(Request({"type": "http", "client": (client, 1), "headers": headers, "query_string": b""}))


HERE, FAR = asked_from("127.0.0.1"), asked_from("192.168.1.7")


def event(**data: str) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data=data))


def test_a_result_comes_whole_and_compressed_and_says_nothing_of_our_disk(
    client: TestClient, services: Services
) -> None:
    evaluation = finished_evaluation(services.store, run_of(services.store), rows=7)
    answer = client.get("/playground/evaluation", params={"id": evaluation})
    found = answer.json()
    assert set(found) == {"evaluation", "name", "settings", "result", "rows", "figures"}
    assert set(found["result"]) == {"examples", "signature", "base", "tuned"}
    assert set(found["settings"]) == {"run", "split", "limit", "generation"}
    assert set(found["rows"][0]) == {"row", "instruction", "input", "reference", "base", "tuned", "scores"}
    assert found["result"]["examples"] == len(found["rows"]) == 7
    assert found["result"]["tuned"]["bleu"] > found["result"]["base"]["bleu"]
    assert HOSTILE in found["rows"][1]["instruction"]
    assert str(services.store.home) not in answer.text
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "no-store"
    assert len(gzip.compress(answer.content)) < len(answer.content)


def test_figures_speak_the_readers_language(client: TestClient, services: Services) -> None:
    evaluation = finished_evaluation(services.store, run_of(services.store), rows=7)

    def names(**asked: str) -> list[str]:
        figures = client.get("/playground/evaluation", params={"id": evaluation, **asked}).json()["figures"]
        return [trace["name"] for trace in figures["metrics"]["data"]]

    assert names() == names(language="../en") == ["Base", "Tuned"]
    assert names(language="ko") == ["베이스", "튜닝"]


def test_what_has_no_result_is_not_found(client: TestClient, services: Services) -> None:
    run = run_of(services.store)
    waiting = services.jobs.submit("evaluation", {"run": run})
    broken = finished_evaluation(services.store, run)
    (services.store.folder(broken) / EXAMPLES).write_text("[{", encoding="utf-8")
    for wanted, says in [
        ("", "There is no run"),
        ("../../x", "There is no run"),
        (run, "training run, not an evaluation"),
        (waiting, "is queued"),
        (broken, "cannot be read any more"),
    ]:
        answer = client.get("/playground/evaluation", params={"id": wanted})
        assert answer.status_code == 404
        assert says in answer.json()["error"]


def test_the_list_has_both_bleus_once_there_are_any(client: TestClient, services: Services) -> None:
    run = run_of(services.store)
    finished_evaluation(services.store, run)
    services.jobs.submit("evaluation", {"run": run})
    waiting, done = client.get("/playground/runs", params={"kind": "evaluation"}).json()["runs"]
    assert waiting["bleu"] is None
    assert done["bleu"]["tuned"] > done["bleu"]["base"] > 0
    assert [row["bleu"] for row in client.get("/playground/runs").json()["runs"]] == [None]


def test_runs_on_offer_are_ones_own_and_left_something(services: Services) -> None:
    mine = run_of(services.store, ANNS)
    stopped = run_of(services.store, ANNS, phase=Phase.STOPPED)
    run_of(services.store, ANNS, adapter=False)
    run_of(services.store, ANNS, phase=Phase.RUNNING)
    hosts = run_of(services.store)

    def offered(person: Any, request: gr.Request, chosen: str | None = None, looked_at: str = "") -> Any:
        found = evaluate.offer(services, person, chosen, looked_at, request)
        return [value for _, value in found["choices"]], found["value"]

    assert offered(ANN, FAR) == ([stopped, mine], stopped)
    assert offered(ANN, FAR, looked_at=mine)[1] == mine
    assert offered(ANN, FAR, chosen=mine, looked_at=stopped)[1] == mine
    assert offered(ANN, FAR, chosen=hosts)[1] == stopped
    assert offered(BEN, FAR) == ([], None)
    assert offered(BEN, HERE)[0] == [hosts, stopped, mine]


def test_start_queues_what_the_form_says(services: Services) -> None:
    run = run_of(services.store, ANNS)
    asked = ("sampling", 20.0, 0.7, 5, 0.9, 0.1, 0.8, 1.2, 0.5, 0.25, 5, 3)
    evaluation, live, problem = evaluate.start(services, FAR, ANN, run, "validation", 0, 4, *asked)
    record = services.store.get(evaluation)
    assert (record.kind, record.owner, record.phase) == ("evaluation", ANNS, Phase.QUEUED)
    expected = dict(zip(NAMES, asked, strict=True))
    assert record.document == {
        "run": run, "split": "validation", "limit": None, "batch_size": 4, "generation": expected,
    }  # fmt: skip
    assert live == {"evaluation": evaluation, "viewer": {"owner": ANNS, "host": False}}
    assert problem == {}
    evaluation, *_ = evaluate.start(services, FAR, ANN, run, "test", 5, 4, *GREEDY)
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
        ("own", 4, ("beam", 50, 1.0, 0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1, 0), "num_beams must be at least 2"),
    ],
)
def test_a_refusal_is_said_in_place(services: Services, run: str | None, batch: Any, form: Any, says: str) -> None:
    made = {
        "own": run_of(services.store, ANNS),
        "hers": run_of(services.store, "somebody else"),
        "empty": run_of(services.store, ANNS, adapter=False),
        "going": run_of(services.store, ANNS, phase=Phase.RUNNING, adapter=False),
    }
    *_, problem = evaluate.start(services, FAR, ANN, made.get(run or "", run), "test", 0, batch, *form)
    assert says in problem["error"]
    assert not services.store.list("evaluation")


def test_only_its_owner_and_the_host_cancel_an_evaluation(services: Services) -> None:
    run = run_of(services.store, ANNS)
    evaluation, *_ = evaluate.start(services, FAR, ANN, run, "test", 0, 4, *GREEDY)
    with pytest.raises(NotAllowed, match="This evaluation belongs to someone else"):
        evaluate.stop(services, event(evaluation=evaluation), BEN, FAR)
    assert services.store.get(evaluation).phase is Phase.QUEUED
    evaluate.stop(services, event(evaluation=evaluation), ANN, FAR)
    assert services.store.get(evaluation).phase is Phase.STOPPED
    other, *_ = evaluate.start(services, FAR, ANN, run, "test", 0, 4, *GREEDY)
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
