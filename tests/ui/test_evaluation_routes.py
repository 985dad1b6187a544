"""What pages ask of an evaluation: its result, figures, words that differ, and answers to take away."""

import csv
import gzip
import io
import json
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground.evaluation.subject import EXAMPLES
from playground.runs import strict
from playground.ui import routes
from playground.ui.services import Services
from playground.voting.ballots import Ballots, Pair
from tests.ui.evaluations import HOSTILE, finished_evaluation, run_of
from tests.ui.idle import IdleQueue


@pytest.fixture
def services(services: Services) -> Services:
    services._jobs = cast("Any", IdleQueue(services))
    return services


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes.routes(services)))


def asked(client: TestClient, of: str, evaluation: str, **asked: str) -> Any:
    return client.get(f"/playground/evaluation/{of}", params={"id": evaluation, **asked})


def test_a_result_comes_whole_and_compressed_and_says_nothing_of_our_disk(
    client: TestClient, services: Services
) -> None:
    evaluation = finished_evaluation(services.store, run_of(services.store), rows=7)
    answer = client.get("/playground/evaluation", params={"id": evaluation})
    found = answer.json()
    assert set(found) == {"evaluation", "name", "settings", "result", "names", "rows"}
    assert set(found["result"]) == {"examples", "signature", "resamples", "labels_by", "models", "judges"}
    assert set(found["settings"]) == {"run", "split", "limit", "generation"}
    assert set(found["rows"][0]) == {"row", "instruction", "input", "reference", "answers", "scores", "judges"}
    assert found["result"]["examples"] == len(found["rows"]) == 7
    base, tuned = found["result"]["models"]
    assert list(found["names"]) == [base["id"], tuned["id"]]
    assert tuned["scores"]["bleu"] > base["scores"]["bleu"]
    assert HOSTILE in found["rows"][1]["instruction"]
    assert str(services.store.home) not in answer.text
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "no-store"
    assert len(gzip.compress(answer.content)) < len(answer.content)


def test_figures_speak_the_readers_language(client: TestClient, services: Services) -> None:
    run = run_of(services.store)
    evaluation = finished_evaluation(services.store, run, rows=7)

    def title(metric: str, **language: str) -> str:
        pair = {"first": "base", "second": run, "metric": metric}
        figures = asked(client, "figures", evaluation, **pair, **language).json()
        assert len(figures["rows"]["data"][1]["x"]) == len(figures["differences"]["data"][0]["x"]) == 7
        return str(figures["rows"]["layout"]["xaxis"]["title"]["text"])

    assert title("bleu") == title("bleu", language="../en") == "Base: BLEU (0–100)"
    assert title("chrf", language="ko").startswith("기본 모델: chrF")
    assert title("perplexity").startswith("Base: Perplexity")
    for wrong in ({"second": "nobody"}, {"metric": "beauty"}):
        answer = asked(client, "figures", evaluation, **{"first": "base", "second": run, "metric": "bleu", **wrong})
        assert answer.status_code == 404
        assert "nobody" in answer.json()["error"] or "beauty" in answer.json()["error"]


def test_words_that_differ_are_told_for_the_rows_asked(client: TestClient, services: Services) -> None:
    run = run_of(services.store)
    evaluation = finished_evaluation(services.store, run, rows=7)
    rows = client.get("/playground/evaluation", params={"id": evaluation}).json()["rows"]
    found = asked(client, "words", evaluation, first="base", second=run, rows="102,100").json()["words"]
    assert set(found) == {"100", "102"}
    for row in (rows[0], rows[2]):
        words = found[str(row["row"])]
        assert "".join(text for kind, text in words if kind != "added") == row["answers"]["base"]
        assert "".join(text for kind, text in words if kind != "removed") == row["answers"][run]
    assert [kind for kind, _ in found["102"]] == ["same"], "both answers of this row are one"
    assert asked(client, "words", evaluation, first="base", second=run, rows="1,x").status_code == 400


def test_answers_are_taken_away_for_one_model_or_all(client: TestClient, services: Services) -> None:
    run = run_of(services.store)
    evaluation = finished_evaluation(services.store, run, rows=7)
    one = asked(client, "answers", evaluation, model=run, kind="json")
    assert one.headers["content-disposition"] == f'attachment; filename="{evaluation}-{run}.json"'
    assert [row["model"] for row in one.json()] == [run] * 7
    assert list(one.json()[0])[:4] == ["instruction", "input", "output", "model_response"]
    table = asked(client, "answers", evaluation, kind="csv")
    rows = list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"), newline="")))
    assert [row["model"] for row in rows] == ["base", run] * 7
    assert rows[0]["model_response"] == 'A "quoted", cat of number 0.\nIt sat.'
    assert str(services.store.home) not in one.text + table.text
    assert asked(client, "answers", evaluation, kind="exe").status_code == 400
    assert "did not answer" in asked(client, "answers", evaluation, model="x", kind="csv").json()["error"]


def test_results_of_the_first_version_are_shown_like_those_of_today(client: TestClient, services: Services) -> None:
    run = run_of(services.store)
    scores = {"bleu": 10.0, "chrf": 20.0, "rougeL": 30.0, "exact_match": 0.5}
    judge = {"run": "reward-x", "name": "J", "win_rate": 0.9, "interval": [0.6, 1.0], "wins": 1, "ties": 0, "losses": 0}
    old = {
        "folder": "/somewhere", "examples": 1, "signature": "s", "base": scores, "tuned": scores | {"bleu": 40.0},
        "judge": {**judge, "base": 0.1, "tuned": 0.2},
    }  # fmt: skip
    row = {
        "row": 3, "instruction": "Ask", "input": "", "reference": "r", "base": "b", "tuned": "t",
        "scores": {"base": scores, "tuned": scores}, "judge": {"base": 0.1, "tuned": 0.2},
    }  # fmt: skip
    evaluation = finished_evaluation(services.store, run, result=old, examples=[row])
    found = client.get("/playground/evaluation", params={"id": evaluation}).json()
    base, tuned = found["result"]["models"]
    assert (base["scores"]["bleu"], tuned["scores"]["bleu"], tuned["intervals"], tuned["p"]) == (10.0, 40.0, {}, {})
    assert found["result"]["judges"][0]["models"] == [
        {"id": "base", "mean": 0.1},
        {"id": run, "mean": 0.2, "may_be_noise": False}
        | {name: judge[name] for name in ("win_rate", "interval", "wins", "ties", "losses")},
    ]
    [shown] = found["rows"]
    assert (shown["answers"], shown["judges"]) == ({"base": "b", run: "t"}, [{"base": 0.1, run: 0.2}])
    assert asked(client, "answers", evaluation, kind="json").json()[1]["model_response"] == "t"
    assert asked(client, "figures", evaluation, first="base", second=run, metric="bleu").status_code == 200
    sure = {"resamples": 1000, "p": {"bleu": 0.2}, "may_be_noise": ["bleu"],
            "intervals": {"base": {"bleu": [9, 11]}, "tuned": {"bleu": [39, 41]}}}  # fmt: skip
    evaluation = finished_evaluation(services.store, run, result=old | {"significance": sure}, examples=[row])
    result = client.get("/playground/evaluation", params={"id": evaluation}).json()["result"]
    assert result["resamples"] == 1000
    assert result["models"][1]["intervals"] == {"bleu": [39, 41]}
    assert result["models"][1]["may_be_noise"] == ["bleu"]


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


def test_a_judge_is_held_against_the_votes_of_people(client: TestClient, services: Services) -> None:
    run = run_of(services.store)
    evaluation = finished_evaluation(services.store, run, rows=6)
    record, folder = services.store.get(evaluation), services.store.folder(evaluation)
    rows = json.loads((folder / EXAMPLES).read_text(encoding="utf-8"))
    for place, row in enumerate(rows):
        row["judges"] = [{run: "win", "base": None} if place < 3 else {run: "loss"}, {"base": 10.0, run: 20.0}]
    strict.write(folder / EXAMPLES, rows)
    judges: list[dict[str, Any]] = [
        {"kind": kind, "name": "J", "models": []} for kind in ("language_pair", "language_score")
    ]
    services.store.set_result(evaluation, {**(record.result or {}), "judges": judges})

    def votes() -> list[Any]:
        found = client.get("/playground/evaluation", params={"id": evaluation}).json()["result"]["judges"]
        return [judge["votes"] for judge in found]

    assert votes() == [None, None]
    ballots = Ballots(services.store.database)
    for place, verdict in ((0, "first"), (1, "second"), (2, "second"), (3, "first")):
        # In the alphabet the base, `model:m`, comes before `run:…`: the second is the run's.
        row = rows[place]
        answers = row["answers"]["base"], row["answers"][run]
        pair = Pair(f"evaluation:{evaluation}", row["row"], "model:m", f"run:{run}", "", "", "", "{}", *answers)
        ballot = ballots.hand(pair, "ann")
        ballots.vote(ballot.id, "ann", "left" if (verdict == "first") != ballot.swapped else "right")
    # People: base, run, run, base. The first judge: run, run, run, base, 3 of 4 alike; chance (2·1 + 2·3) / 16 = 0.5.
    # The second always prefers the run: 2 of 4, as often as chance would have it.
    assert votes() == [
        {"pairs": 4, "share": 0.75, "kappa": pytest.approx(0.5)},
        {"pairs": 4, "share": 0.5, "kappa": pytest.approx(0)},
    ]
