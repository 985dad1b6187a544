"""How the app ends: what runs is saved first, and nobody who waits for news keeps it."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from playground.runs.events import Phase
from playground.runs.store import RunStore
from tests.browser.conftest import Server, running_app
from tests.waiting import wait_until

ENDLESS = {
    "model": "tiny",
    "data": {"source": "instructions"},
    "adapter": {"kind": "lora"},
    "training": {"max_steps": 100_000, "eval_steps": 0, "save_steps": 0},
}
PATIENCE = 120.0

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Server]:
    with running_app(tmp_path, PLAYGROUND_MODEL="none") as running:
        yield running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_saves_what_runs_and_answers_who_waits(app: Server, number: signal.Signals) -> None:
    run = Client(app.url, verbose=False).predict(ENDLESS, "", api_name="/start_run")["run"]
    store = RunStore(app.home)
    try:
        wait_until(lambda: store.get(run).steps > 0, PATIENCE, "a first step")
        answers: list[int] = []
        tag = httpx.get(f"{app.url}room/now").headers["etag"]
        held = {"If-None-Match": tag, "Prefer": "wait=5"}
        phone = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{app.url}room/now", headers=held).status_code)
        )
        phone.start()
        app.process.send_signal(number)
        assert app.process.wait(PATIENCE) == 0
        phone.join(PATIENCE)
        assert answers == [httpx.codes.NOT_MODIFIED]
        record = store.get(run)
        assert (record.phase, record.reason) == (
            Phase.STOPPED,
            f"Stopped at step {record.steps}; adapter and checkpoint saved.",
        )
        assert (store.folder(run) / "adapter" / "adapter_model.safetensors").is_file()
        assert "Traceback" not in app.log.read_text(encoding="utf-8")
    finally:
        store.close()
