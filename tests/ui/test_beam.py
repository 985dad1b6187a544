"""The Beam search view on the server: what the page is given, and what it is refused, each in its sentence."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import gradio as gr
import numpy as np
import pytest

from playground.config.beams import BeamSettings
from playground.config.settings import setting, settings_of
from playground.models.beams import Fate, Outcome
from playground.models.serving import ModelServer
from playground.ui import beam_view, i18n, identity
from playground.ui.services import Services
from tests.ui.evaluations import run_of
from tests.ui.people import ANN, BEN, FAR

PROMPT = "The film"
SMALL = {"num_beams": 3, "max_new_tokens": 4, "asked": 7}


@pytest.fixture(scope="module")
def server(small_models: dict[str, Path]) -> ModelServer:
    found = ModelServer()
    found.start_loading(str(small_models["gpt2"]), "float32", "cpu")
    assert found.wait_loaded().state == "ready"
    return found


@pytest.fixture
def services(server: ModelServer) -> Iterator[Services]:
    made = Services("none")
    made._server = server
    yield made
    made.store.close()


def event(data: object) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data=data))


def searched(services: Services, data: object, prompt: str = PROMPT, run: str = "") -> list[dict[str, Any]]:
    told = list(beam_view.search(services, event(data), FAR, ANN, prompt, False, run))
    assert {shared for _, shared in told} == {prompt}
    return [value for value, _ in told]


def test_a_search_grows_and_ends_with_everything_the_page_draws(services: Services) -> None:
    values = searched(services, SMALL)
    assert values[0]["state"] == "waiting"
    last = json.loads(json.dumps(values[-1], allow_nan=False))
    assert last["state"] == "done"
    assert {value["asked"] for value in values} == {7}
    assert (last["steps"], last["longest"], last["width"]) == (4, 4, 6)
    kinds = {"parents": "<i4", "tokens": "<i4", "logs": "<f4", "scores": "<f4", "fates": "u1"}
    columns = {name: np.frombuffer(base64.b64decode(last[name]), kind).tolist() for name, kind in kinds.items()}
    assert {len(column) for column in columns.values()} == {24}
    assert last["settings"] == {
        **{found.name: found.default for found in settings_of(BeamSettings)},
        "num_beams": 3,
        "max_new_tokens": 4,
    }
    for at, parent in enumerate(columns["parents"]):
        before = columns["scores"][parent] if parent >= 0 else 0
        assert parent // 6 == at // 6 - 1
        assert columns["scores"][at] == pytest.approx(before + columns["logs"][at], abs=1e-4)
    assert {beam_view.FATES[columns["fates"][at]] for at in last["finished"]} == {"finished"}
    scores = [columns["scores"][at] / (at // 6 + 1) for at in last["finished"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert len(last["drawn"]) == 16
    assert len(last["greedy"]["ids"]) <= 4


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"num_beams": 17}, "beam.num_beams must be at most 16; got 17"),
        ({"num_beams": "many"}, "beam.num_beams must be a whole number"),
        ({"length_penalty": float("inf")}, "beam.length_penalty must be"),
        ({"early_stopping": "maybe"}, "beam.early_stopping must be one of false, true, never"),
        ({"seed": -1}, "beam.seed must be at least 0"),
        ({"max_new_tokens": None}, "beam.max_new_tokens"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(services: Services, data: object, words: str) -> None:
    (refusal,) = searched(services, data)
    assert refusal["state"] == "error"
    assert words in refusal["message"]


def test_prompts_that_cannot_be_searched_from_are_refused(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "prompt is empty" in searched(services, {}, "  \n")[-1]["message"]
    assert "512" in searched(services, {}, "film " * 900)[-1]["message"]
    assert "No model is loaded" in searched(with_server(ModelServer()), {})[-1]["message"]
    assert "starting up" in searched(Services("none"), None)[-1]["message"]


def with_server(server: ModelServer) -> Services:
    made = Services("none")
    made._server = server
    return made


def test_nobody_searches_with_the_run_of_another(services: Services) -> None:
    run = run_of(services.store, owner=identity.owner_id(BEN["key"]))
    (refusal,) = searched(services, SMALL, run=run)
    assert "belongs to someone else" in refusal["message"]
    (unknown,) = searched(services, SMALL, run="nowhere")
    assert "nowhere" in unknown["message"]


def test_a_link_fills_the_question_once_and_then_searches(services: Services) -> None:
    link = {"prompt": PROMPT, "chat": False, "run": "gone", "model": "Another", "settings": SMALL, "asked": 3}
    told = list(beam_view.follow(services, event(link), FAR, ANN))
    values = [value for value, *_ in told]
    assert {(value["asked"], value["linked"], value["run"]) for value in values} == {(3, "Another", "")}
    assert values[-1]["state"] == "done"
    _, shared, prompt, chat, run = told[0]
    assert (shared, prompt, chat, run["value"]) == (PROMPT, PROMPT, False, "")
    assert all(field == gr.skip() for _, *fields in told[1:] for field in fields)


@pytest.mark.parametrize("data", [None, [], {"settings": 3, "prompt": None}, {"prompt": 5, "settings": {"seed": {}}}])
def test_anything_may_stand_in_a_link(services: Services, data: object) -> None:
    (value, *_), *_ = beam_view.follow(services, event(data), FAR, ANN)
    assert value["state"] in ("waiting", "error")


def test_everything_that_can_be_said_of_a_search_has_words() -> None:
    assert get_args(Fate) == beam_view.FATES
    texts = i18n.texts("en")
    said = [*(f"fate_{fate}" for fate in get_args(Fate)), *(f"over_{outcome}" for outcome in get_args(Outcome))]
    said += [f"early_stopping_{choice}" for choice in setting(BeamSettings, "early_stopping").choices]
    assert [key for key in said if f"beam.{key}" not in texts] == []
