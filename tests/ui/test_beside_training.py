"""What the page shows while a run goes on is what it would show without one."""

from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from playground.config import presets
from playground.runs.store import RunStore
from tests.browser.conftest import running_app
from tests.waiting import wait_until

PATIENCE = 180.0
PROMPT = "Bruno has made The Long Tide"
DECODINGS: list[dict[str, Any]] = [
    {"max_new_tokens": 60},
    {"strategy": "sampling", "temperature": 1.3, "max_new_tokens": 60, "seed": 7},
]


def answers(client: Client) -> list[str]:
    return [client.predict(prompt=PROMPT, settings=one, api_name="/generate")["base"] for one in DECODINGS]


@pytest.mark.parametrize("executor", [pytest.param("process", marks=pytest.mark.soak), "thread"])
def test_answers_are_the_same_while_ppo_learns(tmp_path: Path, executor: str) -> None:
    """In a thread of the app too, as on ZeroGPU, where the generators of random numbers are shared."""
    with running_app(tmp_path, PLAYGROUND_MODEL="tiny", PLAYGROUND_EXECUTOR=executor) as app:
        app.wait_for("ready")
        client, store = Client(app.url, verbose=False), RunStore(tmp_path)
        try:
            before = answers(client)
            assert len(set(before)) == len(DECODINGS)
            document = presets.read("tiny-ppo")
            document["training"]["max_steps"] = 1000
            run = client.predict(config=document, api_name="/start_run")["run"]
            wait_until(lambda: store.get(run).steps > 0, PATIENCE, "the first update")
            first = store.get(run).steps
            rounds = 0
            while rounds < 3 or store.get(run).steps <= first:
                assert answers(client) == before
                assert not store.get(run).phase.terminal
                rounds += 1
            client.predict(run=run, api_name="/stop_run")
            wait_until(lambda: store.get(run).phase.terminal, PATIENCE, "the end")
            assert store.get(run).phase == "stopped"
            assert answers(client) == before
        finally:
            store.close()
