import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground.runs.events import Metric, Phase, PhaseChange, Snapshot
from playground.ui import app, identity, routes
from playground.ui.services import Services, chat_template_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def services() -> Any:
    made = Services("none")
    yield made
    made.close()
    if made._store is not None:
        made._store.close()


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes.routes(services)))


def test_the_page_is_built_without_the_heavy_imports() -> None:
    script = (
        "import sys, app; print([name for name in ('torch', 'transformers', 'trl', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_worker_that_imports_the_script_again_builds_no_page() -> None:
    script = "import runpy; print('demo' in runpy.run_path('app.py', run_name='__mp_main__'))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_handler_is_private_or_has_a_plain_name(page: gr.Blocks) -> None:
    documented = {"next_token", "generate", "start_run", "run_status", "stop_run", "evaluate"}
    public = {fn.api_name for fn in page.fns.values() if fn.api_visibility == "public" and fn.fn is not None}
    assert public <= documented


def test_no_widget_leans_on_properties_that_a_handler_without_news_takes_away(page: gr.Blocks) -> None:
    """Shift stayed empty where a run was chosen before the view was opened: `gr.skip()` had replaced its settings."""
    assert [block.elem_id for block in page.blocks.values() if isinstance(block, gr.HTML) and block.props] == []


def test_what_a_widget_asks_for_right_after_a_stop_is_not_dropped(page: gr.Blocks) -> None:
    """Gradio holds a stopped event for running until the server has answered, and "once" drops what comes meanwhile."""
    stopped = [page.fns[index] for fn in page.fns.values() for index in fn.cancels]
    own = [fn for fn in stopped if all(isinstance(page.blocks[block], gr.HTML) for block, _ in fn.targets if block)]
    assert len(own) == 3
    assert {fn.trigger_mode for fn in own} == {"multiple"}


def test_events_are_not_summed_up_for_a_page_of_statistics_that_is_off(page: gr.Blocks) -> None:
    queue = page._queue
    queue.events_recorded += 1
    found = queue.compute_analytics_summary([{"function": "f", "status": "success", "process_time": 1}])  # type: ignore[no-untyped-call]
    assert found == {"functions": {}}
    assert queue.ANALYTICS_MAX_EVENTS == 100


def test_status_before_the_model_server_is_there(client: TestClient, services: Services) -> None:
    assert not services.first_page.is_set()
    answer = client.get("/playground/status")
    assert answer.json()["state"] == "starting"
    assert answer.headers["cache-control"] == "no-store"
    assert services.first_page.is_set()


def test_metrics_come_by_cursor_and_each_once(client: TestClient, services: Services) -> None:
    run = services.store.create("run", {"method": "sft"}, method="sft", model="m", name="n", owner="o")
    services.store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING), Metric(1, {"loss": 2.0})])
    first = client.get("/playground/metrics", params={"run": run, "since": 0}).json()
    assert first["phase"] == "running"
    assert first["events"][-1] | {"time": 0} == {
        "seq": first["cursor"], "kind": "metric", "time": 0, "step": 1, "values": {"loss": 2.0},
    }  # fmt: skip
    services.store.append(run, [Metric(2, {"loss": float("nan")})])
    text = client.get("/playground/metrics", params={"run": run, "since": first["cursor"]}).text
    assert "NaN" not in text
    assert [event["step"] for event in json.loads(text)["events"]] == [2]


def test_a_long_history_is_sent_compressed_and_news_are_not(client: TestClient, services: Services) -> None:
    run = services.store.create("run", {}, method="ppo", model="tiny", name="", owner="ann")
    data = {"tokens": [" 한국어"] * 400, "numbers": [0.25] * 400}
    services.store.append(run, [Snapshot(step, "ppo.clip", data) for step in range(1, 21)])
    whole = client.get("/playground/metrics", params={"run": run, "since": 0})
    assert whole.headers["content-encoding"] == "gzip"
    assert whole.json()["events"][-1]["data"] == data
    news = client.get("/playground/metrics", params={"run": run, "since": whole.json()["cursor"]})
    assert "content-encoding" not in news.headers
    assert news.json()["events"] == []


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ({"run": "nobody"}, 404, "nobody"),
        ({"run": "x", "since": "-1"}, 400, "whole number"),
        ({"run": "x", "since": "9" * 30}, 400, "whole number"),
        ({"run": "x", "since": "²"}, 400, "whole number"),
        ({}, 404, ""),
    ],
)
def test_metrics_that_cannot_be_had(client: TestClient, query: dict[str, str], code: int, says: str) -> None:
    answer = client.get("/playground/metrics", params=query)
    assert answer.status_code == code
    assert says in answer.json()["error"]


def test_assets_are_kept_for_ever_under_their_own_version_only(client: TestClient) -> None:
    found = client.get(f"/{routes.asset('js/status.js')}")
    assert found.status_code == 200
    assert "immutable" in found.headers["cache-control"]
    assert found.headers["content-type"].startswith("text/javascript")
    assert client.get("/playground/assets/older/js/status.js").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["../pyproject.toml", "..%2f..%2fpyproject.toml", "i18n/en.json", "js", "js/%00", "/etc/passwd", "configs/x"],
)
def test_nothing_else_of_the_disk_is_served(client: TestClient, path: str) -> None:
    assert client.get(f"/playground/assets/{routes.assets_version()}/{path}").status_code == 404


def test_plotly_comes_from_the_package(client: TestClient) -> None:
    answer = client.get("/playground/plotly.min.js")
    assert answer.text.startswith("/**\n* plotly.js")
    assert "immutable" in answer.headers["cache-control"]
    assert int(answer.headers["content-length"]) < len(answer.content) / 2
    assert gzip.decompress(routes._plotly_gzip()) == answer.content


def test_a_vocabulary_that_is_gone_is_not_found(client: TestClient) -> None:
    assert client.get("/playground/vocabulary", params={"id": "0"}).status_code == 404


def test_welcome_gives_a_key_once_and_keeps_a_host_key() -> None:
    person = app.welcome(None)
    assert len(person["key"]) >= identity.SHORTEST_KEY
    assert person["host"] == ""
    assert app.welcome(person) == person
    assert app.welcome({**person, "host": "key"}) == {**person, "host": "key"}
    fresh = app.welcome({"host": "key"})
    assert fresh["host"] == "key"
    assert len(fresh["key"]) >= identity.SHORTEST_KEY


@pytest.mark.parametrize(
    ("host", "share", "space", "wanted"),
    [
        ("127.0.0.1", False, "", False),
        ("192.168.1.7", False, "", True),
        ("127.0.0.1", True, "", True),
        ("localhost", False, "me/x", True),
    ],
)
def test_a_host_key_is_made_where_others_can_come(
    monkeypatch: pytest.MonkeyPatch, host: str, share: bool, space: str, wanted: bool
) -> None:
    monkeypatch.setenv("SPACE_ID", space)
    monkeypatch.setenv(identity.HOST_KEY_VARIABLE, "")
    app._choose_host_key(host, share)
    made = os.environ[identity.HOST_KEY_VARIABLE]
    assert bool(made) is wanted
    app._choose_host_key(host, share)
    assert os.environ[identity.HOST_KEY_VARIABLE] == made


def test_chat_templates_are_found_in_either_place(tmp_path: Path) -> None:
    assert chat_template_in(tmp_path) == ""
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ old }}"}', encoding="utf-8")
    assert chat_template_in(tmp_path) == "{{ old }}"
    (tmp_path / "chat_template.jinja").write_text("{{ new }}", encoding="utf-8")
    assert chat_template_in(tmp_path) == "{{ new }}"
