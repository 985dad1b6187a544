"""What tests of models share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.models.serving import ModelServer
from tests.hub_server import StandIn, serve


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A Hub with no models yet, and an empty cache to fetch into."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    with serve() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def llama(small_models: dict[str, Path]) -> Path:
    return small_models["llama"]


@pytest.fixture
def server(llama: Path) -> ModelServer:
    """With the small Llama loaded."""
    found = ModelServer()
    found.start_loading(str(llama), "float32", "cpu")
    status = found.wait_loaded()
    assert status.state == "ready", status.error
    return found
