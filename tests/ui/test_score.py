"""A text before a reward model in the page: whose reward model it may be, and what comes back."""

import gc
import threading
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from playground.rewards.scoring import forget_reward_model, reward_model_of
from playground.runs.events import Phase, PhaseChange
from playground.runs.store import RunStore
from playground.ui import identity, reward_runs, score_view
from playground.ui.services import Services
from tests.evaluation.finished_runs import data_file, finished_run
from tests.evaluation.test_judge import reward_run
from tests.ui.people import ANN, BEN

FAR = gr.Request(Request({"type": "http", "client": ("198.51.100.7", 1), "headers": []}))


@pytest.fixture
def scorer(small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Services with a finished reward model and another run, both of the host."""
    monkeypatch.delenv(identity.HOST_KEY_VARIABLE, raising=False)
    forget_reward_model()
    services, data = Services(model="none"), data_file(tmp_path)
    finished_run(services.store, small_models["llama"], data)
    return services, reward_run(services.store, small_models["llama"], data)


def test_only_ones_own_reward_models_are_offered_and_asked(scorer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    services, run = scorer
    owner = identity.identify(ANN, FAR).owner
    assert reward_runs.reward_run_choices(services, ANN, FAR) == []
    refused = score_view.score(services, FAR, BEN, run, "Describe it.", "A joy.")
    assert "belongs to someone else" in refused["error"]
    store: RunStore = services.store
    mine = store.create("run", store.get(run).document, method="reward", model="m", name="Mine", owner=owner)
    assert reward_runs.reward_run_choices(services, ANN, FAR) == []
    store.append(mine, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING)])
    store.finish(mine, Phase.DONE)
    assert reward_runs.reward_run_choices(services, ANN, FAR) == [(f"Mine · {mine}", mine)]
    assert reward_runs.reward_run_choices(services, BEN, FAR) == []
    assert reward_runs.offer_reward_runs(services, ANN, "", FAR)["value"] == mine
    assert "value" not in reward_runs.offer_reward_runs(services, ANN, "other", FAR)  # it stays
    found = score_view.score(services, FAR, ANN, mine, "Describe it.", "A joy.")
    assert "left no weights" in found["error"]


def test_the_score_comes_with_how_it_came_about(scorer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    services, run = scorer
    monkeypatch.setattr(identity, "check_owner", lambda *_: None)
    found = score_view.score(services, FAR, ANN, run, "Describe it.", "The film was a joy.")
    assert found["scores"][-1] == pytest.approx(found["score"], abs=1e-4)
    assert "".join(found["tokens"]).endswith("The film was a joy.")
    assert "".join(found["tokens"][found["answer"] :]) == "The film was a joy."
    assert not found["cut"]
    assert "answer is empty" in score_view.score(services, FAR, ANN, run, "Describe it.", " ")["error"]
    assert "no reward model to ask" in score_view.score(services, FAR, ANN, "", "Describe it.", "x")["error"]


def test_a_reward_model_goes_from_memory_with_its_run(scorer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    services, run = scorer
    asked: list[str] = []
    monkeypatch.setattr(services, "_server", SimpleNamespace(forget=asked.append))
    model = weakref.ref(reward_model_of(run, report=lambda _: None, stop=threading.Event()))
    services.forget_run("another")
    assert model() is not None
    services.forget_run(run)
    gc.collect()
    assert model() is None
    assert asked == ["another", run]
