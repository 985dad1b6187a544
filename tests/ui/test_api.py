"""The endpoints for scripts: as functions, and from outside with the real client against the running app."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from playground.errors import NotAllowed
from playground.runs.store import RunStore
from playground.ui import api, identity
from tests.browser.conftest import Server, running_app
from tests.evaluation.finished_runs import data_file
from tests.small_models import make_model
from tests.ui.evaluations import run_of
from tests.ui.people import request

KEY = "a script's own secret text"
ENDED = ("done", "stopped", "failed", "interrupted")
STARTED_SECONDS = 300


def test_a_script_is_known_by_its_key_and_the_host_by_sitting_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(identity.HOST_KEY_VARIABLE, raising=False)
    far = request("192.168.1.7")
    assert api.person("", request()) == identity.Person("", host=True)
    assert api.person(KEY, request()) == identity.Person(identity.owner_id(KEY), host=True)
    assert api.person(KEY, far) == identity.Person(identity.owner_id(KEY), host=False)
    for refused in ("", "short"):
        with pytest.raises(NotAllowed, match=f"at least 20 characters.*got {len(refused)} characters"):
            api.person(refused, far)


def test_with_a_host_key_only_that_key_makes_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(identity.HOST_KEY_VARIABLE, "the-host")
    assert api.person("the-host", request("192.168.1.7")).host
    assert not api.person(KEY, request()).host
    with pytest.raises(NotAllowed):
        api.person("", request())


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app as its host has it, without a model; a small one and data are in its home."""
    home = tmp_path_factory.mktemp("api")
    make_model("llama", home / "llama")
    data_file(home)
    with running_app(home, PLAYGROUND_MODEL="none") as running:
        yield running


def config_for(home: Path, **training: Any) -> dict[str, Any]:
    return {
        "model": str(home / "llama"),
        "data": {"source": str(home / "rows.json"), "template": "instruction-response", "split": [0.5, 0.5]},
        "training": {"max_steps": 2, "batch_size": 2, "eval_steps": 0, "sample_steps": 0, **training},
    }


def ended(client: Client, run: str) -> dict[str, Any]:
    until = time.monotonic() + STARTED_SECONDS
    while (status := client.predict(run=run, api_name="/run_status"))["phase"] not in ENDED:
        assert time.monotonic() < until, status
        time.sleep(0.3)
    found: dict[str, Any] = status
    return found


def test_a_script_tunes_and_evaluates(app: Server) -> None:
    client = Client(app.url, verbose=False)
    run = client.predict(config=config_for(app.home), api_name="/start_run")["run"]
    status = ended(client, run)
    assert (status["phase"], status["steps"], status["reason"]) == ("done", 2, "")
    assert status["metrics"]["loss"] > 0
    assert status["result"] is None
    evaluation = client.predict(run=run, limit=3, api_name="/evaluate")["evaluation"]
    status = ended(client, evaluation)
    assert (status["phase"], status["model"]) == ("done", run)
    parts = {"examples", "signature", "base", "tuned", "significance", "judge", "models", "judges"}
    assert set(status["result"]) == parts
    assert status["result"]["judge"] is None
    assert status["result"]["examples"] == 3
    assert str(app.home) not in json.dumps(status)


def test_a_script_stops_what_it_started_and_nobody_elses(app: Server) -> None:
    client = Client(app.url, verbose=False)
    text = json.dumps(config_for(app.home, max_steps=100_000))
    run = client.predict(config=text, owner_key=KEY, api_name="/start_run")["run"]
    assert client.predict(run=run, owner_key=KEY, api_name="/stop_run")["phase"] in ("stopping", "stopped")
    assert ended(client, run)["phase"] == "stopped"
    with pytest.raises(AppError, match="has ended"):
        client.predict(run=run, owner_key=KEY, api_name="/stop_run")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("{", "Not valid JSON at line 1"),
        ({"training": {"max_stepz": 3}}, "did you mean training.max_steps?"),
        ([1], "must be a JSON object"),
        (None, "must be a JSON object"),
    ],
)
def test_a_config_that_cannot_be_run_is_refused_in_words(app: Server, config: Any, says: str) -> None:
    with pytest.raises(AppError, match=re.escape(says)):
        Client(app.url, verbose=False).predict(config=config, api_name="/start_run")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """The app as others reach it, with a run of the host in it."""
    home = tmp_path_factory.mktemp("api-workshop")
    store = RunStore(home)
    run = run_of(store)
    store.close()
    with running_app(home, PLAYGROUND_MODEL="none", PLAYGROUND_HOST_KEY="the-key-of-the-host") as running:
        yield running, run


def post(server: Server, name: str, *data: Any) -> str:
    """A raw call, as anybody could make one; gives all that came back."""
    called = httpx.post(f"{server.url}gradio_api/call/{name}", json={"data": list(data)}, timeout=60)
    called.raise_for_status()
    return httpx.get(f"{server.url}gradio_api/call/{name}/{called.json()['event_id']}", timeout=60).text


@pytest.mark.parametrize("key", ["", "short", KEY, 5, None, ["x"], {"key": "x"}])
def test_without_rights_raw_calls_change_nothing(workshop: tuple[Server, str], key: Any) -> None:
    server, run = workshop
    named = {"model": "smollm2-135m-instruct", "data": {"source": "instructions"}}
    answers = [
        post(server, "start_run", {**named, "model": "/etc"}, key),
        post(server, "start_run", {**named, "data": {"source": "/etc/passwd"}}, key),
        post(server, "start_run", {**named, "model": {"run": run}}, key),
        post(server, "evaluate", run, "test", 3, key, []),
        post(server, "stop_run", run, key),
    ]
    assert all("event: error" in answer for answer in answers), answers
    if key == KEY:
        for answer, says in zip(
            answers, ("catalogue", "paths", "go on from", "can evaluate it", "change it"), strict=True
        ):
            assert says in answer
    listed = [httpx.get(f"{server.url}playground/runs", params={"kind": kind}).json() for kind in ("run", "evaluation")]
    assert [[row["run"] for row in found["runs"]] for found in listed] == [[run], []]


def test_the_host_key_opens_what_others_may_not(workshop: tuple[Server, str]) -> None:
    server, run = workshop
    assert '"evaluation": "evaluation-' in post(server, "evaluate", run, "test", 3, "the-key-of-the-host", [])
