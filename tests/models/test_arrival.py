"""A model that comes in the background: seen on its way, here at the end, and a failure that nobody trips over."""

import shutil
from pathlib import Path

import pytest

from playground.models import catalogue
from playground.models.arrival import Arrival
from playground.models.catalogue import Entry
from tests.hub_server import Repository, StandIn
from tests.waiting import wait_until


def entry(name: str) -> Entry:
    found = catalogue.find(name)
    assert found is not None
    return found


def test_it_is_seen_on_its_way_and_then_loads_without_a_network(
    stand_in: StandIn, small_models: dict[str, Path], tmp_path: Path
) -> None:
    large = shutil.copytree(small_models["gpt2"], tmp_path / "large")
    with (large / "model.safetensors").open("ab") as weights:
        weights.write(bytes(30_000_000))
    stand_in.repositories["openai-community/gpt2"] = Repository(large, bytes_per_second=20_000_000)
    arrival = Arrival(entry("gpt2"))
    assert arrival.status.state == "arriving"
    arrival.start()
    wait_until(lambda: arrival.status.stage == "download" and 0 < (arrival.status.progress or 0) < 1, 30)
    wait_until(lambda: arrival.status.state == "here", 60)
    assert catalogue.local_folder("gpt2") is not None


def test_what_cannot_be_had_is_a_state_with_a_sentence(stand_in: StandIn) -> None:
    arrival = Arrival(entry("gpt2"))
    arrival.start()
    wait_until(lambda: arrival.status.state == "failed", 30)
    assert "openai-community/gpt2" in (arrival.status.error or "")


def test_it_gives_up_when_the_app_ends(stand_in: StandIn, small_models: dict[str, Path]) -> None:
    stand_in.repositories["openai-community/gpt2"] = Repository(small_models["gpt2"], bytes_per_second=10_000)
    arrival = Arrival(entry("gpt2"))
    arrival.start()
    wait_until(lambda: arrival.status.stage == "download", 30)
    arrival.stop()
    wait_until(lambda: arrival.status.state == "failed", 10)
    assert catalogue.local_folder("gpt2") is None


def test_the_model_in_the_box_needs_no_fetching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    tiny = entry("tiny")
    assert tiny.folder is not None
    assert catalogue.local_folder("tiny") == tiny.folder
    assert catalogue.available_locally()[0] == "tiny"
    assert catalogue.find("") is None
