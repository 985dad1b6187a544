"""Shared fixtures: a home of its own for every test, small models, the real model and the real data where they are."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

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
