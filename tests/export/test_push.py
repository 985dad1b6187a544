"""Pushing to a stand-in of the Hub through the real client, in its real child process."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.errors import Cancelled, ConfigError, ModelUnavailable, RunError
from playground.export import push as pushing
from playground.export.bundle import Order
from playground.export.push import Destination, push
from playground.export.subject import subject_of
from playground.models import catalogue
from playground.runs.events import Progress
from playground.runs.store import RunStore
from tests.evaluation.finished_runs import data_file, finished_run
from tests.export.runs import order_of
from tests.hub_server import StandIn, serve
from tests.ui.evaluations import finished_evaluation

TOKEN = "hf_aSecretThatNobodyMayEverSee"  # noqa: S105  # of the stand-in


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The stand-in, where `ann` may push with `TOKEN`."""
    with serve() as stand_in:
        stand_in.writers[TOKEN] = "ann"
        monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
        monkeypatch.delenv("HF_HUB_OFFLINE")
        yield stand_in


@pytest.fixture
def store() -> Iterator[RunStore]:
    made = RunStore()
    yield made
    made.close()


def on_the_hub(small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """A Hub id whose model lies in the cache of this machine."""
    monkeypatch.setattr(catalogue, "cached_snapshot", lambda name: small_models["llama"] if "/" in name else None)
    return "somebody/small-llama"


def test_a_merged_model_is_pushed_with_its_card(
    hub: StandIn, store: RunStore, small_models: dict[str, Path], tmp_path: Path, own_home: Path
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path), name='A "run" | of mine')
    finished_evaluation(store, run, rows=12)
    told: list[Progress] = []
    order = Order(subject_of(run, store), store, private=True, report=told.append)
    assert push(order, "merged", Destination("tuned", True, TOKEN)) == f"{hub.url}/ann/tuned"
    pushed = hub.pushed["ann/tuned"]
    assert pushed.private
    assert {"README.md", "playground.json", "config.json", "model.safetensors", "tokenizer.json"} <= set(pushed.files)
    check_loads(pushed.files, tmp_path / "fetched")
    card = pushed.files["README.md"].decode()
    front = yaml.safe_load(card.split("---")[1])
    assert front["library_name"] == "transformers"
    assert front["tags"] == ["post-training-playground", "trl", "sft", "lora"]
    assert "base_model" not in front
    assert 'from_pretrained("tuned")' in card
    assert "SacreBLEU" in card
    assert "nrefs:1" in card
    everything = b"".join(content for name, content in pushed.files.items() if not name.endswith(".safetensors"))
    assert str(tmp_path).encode() not in everything
    assert [event.done for event in told if event.stage == "upload"][-1] == len(pushed.files["model.safetensors"])
    check_nowhere(own_home)


def check_loads(files: dict[str, bytes], folder: Path) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model(**tokenizer("Human:", return_tensors="pt")).logits.isfinite().all()
    assert model.dtype == torch.float32


def check_nowhere(home: Path) -> None:
    """No file of the home holds the token."""
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name.startswith("runs.sqlite3") for path in files)
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_an_adapter_is_pushed_where_its_base_is_public(
    hub: StandIn, store: RunStore, small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = on_the_hub(small_models, monkeypatch)
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    monkeypatch.setattr(RunStore, "get", with_model(RunStore.get, base))
    push(order_of(run, store), "adapter", Destination("ann/tuned", False, TOKEN))
    pushed = hub.pushed["ann/tuned"]
    assert set(pushed.files) == {"README.md", "playground.json", "adapter_config.json", "adapter_model.safetensors"}
    assert not pushed.private
    assert json.loads(pushed.files["adapter_config.json"])["base_model_name_or_path"] == base
    front = yaml.safe_load(pushed.files["README.md"].decode().split("---")[1])
    assert (front["base_model"], front["library_name"]) == (base, "peft")


def with_model(get: Any, model: str) -> Any:
    """`RunStore.get`, with another model in the run's settings."""

    def changed(store: RunStore, run: str) -> Any:
        record = get(store, run)
        record.document["model"] = model
        return record

    return changed


def test_an_adapter_that_fits_nothing_public_stays_here(
    hub: StandIn, store: RunStore, small_models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    with pytest.raises(RunError, match="push the merged model"):
        push(order_of(run, store), "adapter", Destination("tuned", True, TOKEN))
    assert hub.asked == []


@pytest.mark.parametrize(
    ("repository", "token", "said"),
    [
        ("tuned", "hf_unknown", "does not know this token"),
        ("somebody/tuned", TOKEN, "may not write to somebody/tuned"),
    ],
)
def test_a_push_that_is_refused_says_why_and_never_the_token(
    repository: str, token: str, said: str, hub: StandIn, store: RunStore, small_models: dict[str, Path], tmp_path: Path
) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    with pytest.raises(ModelUnavailable, match=said) as raised:
        push(order_of(run, store), "merged", Destination(repository, True, token))
    assert token not in str(raised.value)
    assert hub.pushed == {}
    assert any(one.path == "/api/repos/create" for one in hub.asked) == (token == TOKEN)


def test_a_push_is_stopped_in_the_middle(
    hub: StandIn, store: RunStore, small_models: dict[str, Path], tmp_path: Path
) -> None:
    hub.taking = 20_000
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    stop = threading.Event()

    def report(event: Progress) -> None:
        if event.stage == "upload" and event.done:
            stop.set()

    order = Order(subject_of(run, store), store, private=True, report=report, stop=stop)
    with pytest.raises(Cancelled):
        push(order, "merged", Destination("tuned", True, TOKEN))
    assert hub.pushed["ann/tuned"].files == {}


def test_a_hub_that_says_nothing_is_given_up(
    store: RunStore, small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setattr(pushing, "ANSWER_SECONDS", 4.0)
        run = finished_run(store, small_models["llama"], data_file(tmp_path))
        begun = time.monotonic()
        with pytest.raises(ModelUnavailable, match="has not answered for 4 seconds"):
            push(order_of(run, store), "merged", Destination("tuned", True, TOKEN))
        assert time.monotonic() - begun < 20


def test_offline_is_said_at_once(store: RunStore, small_models: dict[str, Path], tmp_path: Path) -> None:
    run = finished_run(store, small_models["llama"], data_file(tmp_path))
    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE"):
        push(order_of(run, store), "merged", Destination("tuned", True, TOKEN))


@pytest.mark.parametrize(
    ("repository", "token"), [("a/b/c", TOKEN), ("", TOKEN), ("tuned", ""), ("tuned", "two words"), ("tuned", "비밀")]
)
def test_a_destination_is_checked_before_anything_is_written(repository: str, token: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Destination(repository, True, token)
    assert token == "" or token not in str(raised.value)


def test_a_token_is_in_no_representation() -> None:
    assert TOKEN not in repr(Destination("tuned", True, TOKEN))
