"""Keys and tokens stay where they were given: not in the home, in what is taken away, in the log, or on any page.

A run and an evaluation are really done with distinctive keys in the environment, and everything they left is searched.
"""

import io
import logging
import zipfile
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground.config.judging import ENDPOINT
from playground.export.bundle import Order, export_zip, possible_parts
from playground.export.subject import subject_of
from playground.jobs import worker
from playground.jobs.submission import submit
from playground.judging import endpoint
from playground.runs.events import Phase
from playground.ui import identity, routes
from playground.ui.services import Services
from playground.ui.tabs import room
from tests.evaluation.finished_runs import data_file
from tests.ui.people import request

HOST_KEY, HUB_TOKEN, JUDGE_KEY = "host-key-0f3b7c9d1e5a", "hf_0f3b7c9d1e5aHubToken", "sk-0f3b7c9d1e5a-judge"
ANN = {"key": "person-key-0f3b7c9d1e5a-ann", "host": HOST_KEY}
SECRETS = (HOST_KEY, HUB_TOKEN, JUDGE_KEY, ANN["key"])
QUICK = {"max_steps": 2, "batch_size": 2, "eval_steps": 1, "eval_rows": 2, "sample_steps": 1, "sample_tokens": 2}


def leaks(text: bytes | str) -> list[str]:
    """The keys that stand in a text."""
    found = text if isinstance(text, bytes) else text.encode()
    return [secret for secret in SECRETS if secret.encode() in found]


def test_no_key_is_found_in_anything_that_is_kept_shown_or_taken_away(
    monkeypatch: pytest.MonkeyPatch, own_home: Path, small_models: dict[str, Path], tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG, logger="playground")
    given = {
        identity.HOST_KEY_VARIABLE: HOST_KEY,
        "HF_TOKEN": HUB_TOKEN,
        endpoint.KEY_VARIABLE: JUDGE_KEY,
        endpoint.URL_VARIABLE: "http://127.0.0.1:9/v1",  # where nobody answers, so that its failure is told
        endpoint.MODEL_VARIABLE: "a-judge",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    services = Services("none")
    store, owner = services.store, identity.owner_id(ANN["key"])
    document = {
        "model": str(small_models["llama"]),
        "data": {"source": str(data_file(tmp_path)), "template": "instruction-response", "split": [0.5, 0.5]},
        "training": QUICK,
    }
    run = submit(store, "run", document, owner=owner)
    assert worker.execute(run, store) is Phase.DONE
    judged = {"run": run, "limit": 2, "generation": {"max_new_tokens": 2}, "judging": {"model": ENDPOINT}}
    failed = submit(store, "evaluation", judged, owner=owner)
    assert worker.execute(failed, store) is Phase.FAILED
    assert "endpoint" in store.get(failed).reason
    assert worker.execute(submit(store, "evaluation", {**judged, "judging": {}}, owner=owner), store) is Phase.DONE

    answers = TestClient(Starlette(routes=routes.routes(services)))
    paths = ("status", "runs", "runs?kind=evaluation", "history", f"tour?owner={owner}", f"metrics?run={run}",
             f"metrics?run={failed}")  # fmt: skip
    for path in paths:
        answer = answers.get(f"/playground/{path}")
        assert (answer.status_code, leaks(answer.content)) == (200, []), path
    told = room.who(ANN, request("198.51.100.7"))
    assert told[0]["viewer"]["host"] is True
    assert leaks(str(told)) == []

    taken = tmp_path / "taken.zip"
    subject = subject_of(run, store)
    export_zip(Order(subject, store, private=True, report=lambda _: None), taken, list(possible_parts(subject)))
    with zipfile.ZipFile(io.BytesIO(taken.read_bytes())) as packed:
        assert {name: leaks(packed.read(name)) for name in packed.namelist() if leaks(packed.read(name))} == {}
    kept = [path for path in own_home.rglob("*") if path.is_file()]
    assert any(path.name == "log.txt" for path in kept)
    assert {str(path): leaks(path.read_bytes()) for path in kept if leaks(path.read_bytes())} == {}
    assert leaks(caplog.text) == []
    services.close()
    store.close()
