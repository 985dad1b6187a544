"""What tests of training share: one core for small models, which gain nothing from several, and a look at what a run
trains."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from playground.training.ground import Ground
from tests.training.ppo_runs import PROMPTS
from tests.training.runs import weights_of, write_rows


@pytest.fixture(autouse=True, scope="session")
def quick_runs() -> Iterator[None]:
    """Runs torch on one core, and spares the collector, which every run calls, what importing torch has left."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    gc.freeze()
    yield
    gc.unfreeze()
    torch.set_num_threads(threads)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Holds the model that the next run trains, and a copy of its weights before the first step."""
    held: dict[str, Any] = {}
    make = Ground.trainable

    def remember(*args: Any) -> Any:
        held["model"] = make(*args)
        held["before"] = weights_of(held["model"])
        return held["model"]

    monkeypatch.setattr(Ground, "trainable", remember)
    return held


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """24 instruction rows, of which 80 % are for training."""
    return write_rows(tmp_path)


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine prompts, of which six are for training."""
    return write_rows(tmp_path_factory.mktemp("prompts"), PROMPTS)
