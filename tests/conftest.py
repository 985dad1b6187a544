"""Shared fixtures: a home of its own for every test, small models, the real model and the real data where they are."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from playground.errors import ModelUnavailable

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Read once, by torch's OpenMP: threads that wait asleep instead of spinning, ten times as fast on cores shared by many.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# A busy machine is no failure: examples are bounded in number, not in time.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def missing(what: str) -> None:
    """Skips the test, or fails it where CI promises that nothing is skipped."""
    if os.environ.get("PLAYGROUND_TEST_ALL"):
        pytest.fail(f"{what}; PLAYGROUND_TEST_ALL asks for every test to run.")
    pytest.skip(what)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or changes the runs and models of the person who runs it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PLAYGROUND_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of a small model by family: `llama`, `gpt2`, `opt`."""
    from tests.small_models import FAMILIES, make_model

    folder = tmp_path_factory.mktemp("models")
    return {family: make_model(family, folder / family) for family in FAMILIES}


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real trial data."""
    if not SHARED_DATA.is_dir():
        missing(f"the trial data is not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The folder of SmolLM2-135M-Instruct; fetched once and kept for later sessions.

    `PLAYGROUND_TEST_CACHE` moves the place where it is kept.
    """
    from playground.models.fetch import resolve

    cache = os.environ.get("PLAYGROUND_TEST_CACHE", "~/.cache/post-training-playground-tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYGROUND_HOME", str(Path(cache).expanduser()))
        try:
            return resolve("smollm2-135m-instruct", report=lambda _: None, stop=threading.Event())
        except ModelUnavailable as error:
            missing(f"the real model cannot be had: {error}")
            raise


@pytest.fixture
def real_home(real_model: Path, own_home: Path) -> Path:
    """The test's own home with the real model in it, so that its catalogue name loads without fetching."""
    models = own_home / "models"
    models.mkdir(parents=True, exist_ok=True)
    (models / real_model.name).symlink_to(real_model, target_is_directory=True)
    return own_home


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small models are faster without a team of threads, and a busy machine slows them less."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
