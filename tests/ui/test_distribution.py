"""The Distribution tab on the server: pictures, steps, links and tables, of a model that always answers the same."""

from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.config.generation import GenerationSettings
from playground.errors import ModelError
from playground.models.trace import Trace
from playground.room.rules import Rules
from playground.ui import distribution_view, identity
from playground.ui.question import BASE
from playground.ui.services import Services
from playground.ui.tabs import distribution
from tests.ui.people import request

ANN = identity.new_person()


class OneModel:
    """Stands for the services with a model of four tokens that answers the same to everything."""

    def __init__(self, state: str = "ready") -> None:
        self.state = state
        self.rules = Rules()
        self.asked: list[tuple[str, bool, str | None, list[int]]] = []
        runs = {"r": SimpleNamespace(owner=identity.owner_id(ANN["key"]))}
        self.store = SimpleNamespace(get=runs.__getitem__)

    def status(self) -> dict[str, Any]:
        return {"state": self.state, "title": "One", "ref": "one"}

    def model_server(self) -> "OneModel":
        return self

    def token_texts(self) -> list[str]:
        return ["a", "b", " ", "\n"]

    def tokenise(self, text: str) -> list[int]:
        return [self.token_texts().index(letter) for letter in text]

    def beginning(self, text: str, tokens: int) -> str:
        return text[:tokens]

    def next_token(
        self, prompt: str, *, chat: bool = False, run: str | None = None, drawn: Any = (), traced: int = 0
    ) -> Any:
        if len(prompt) > 5:
            raise ModelError("The prompt is too long; shorten it.")
        self.asked.append((prompt, chat, run, list(drawn)))
        logits = np.array([0, 2, 1, -np.inf], dtype=np.float32)
        ids = [0, *drawn]
        rows = torch.zeros(len(drawn))
        trace = Trace(1, rows, rows.int(), rows, rows.int(), rows, torch.from_numpy(logits)) if traced else None
        return SimpleNamespace(ids=ids, logits=logits, vocabulary_id="one", drawn="b" * len(drawn), trace=trace)


def services(model: OneModel) -> Services:
    return cast("Services", model)


def event(**data: object) -> gr.EventData:
    return gr.EventData(None, data)


def step(model: OneModel, **asked: object) -> tuple[Any, Any, dict[str, Any]]:
    """A step that the host asks for."""
    return distribution.step(services(model), event(**asked), ANN, request())


def test_without_a_model_the_picture_waits() -> None:
    for state in ("starting", "empty", "loading", "failed"):
        assert distribution_view.picture_of(services(OneModel(state)), "a", False, "") == {"state": "waiting"}


def test_a_refusal_is_part_of_the_picture() -> None:
    found = distribution_view.picture_of(services(OneModel()), "far too long", False, "")
    assert found == {"state": "error", "message": "The prompt is too long; shorten it."}


def test_a_step_shows_what_was_drawn_in_a_plain_prompt_only() -> None:
    model = OneModel()
    plain = step(model, prompt="a", chat=False, run="", drawn=[1, 1])
    assert plain[:2] == ("abb", "abb")
    assert plain[2]["drawn"] == [1, 1]
    chat = step(model, prompt="a", chat=True, run="r", drawn=[1])
    assert not isinstance(chat[0], str)
    assert model.asked == [("a", False, None, [1, 1]), ("a", True, "r", [1])]


def test_a_run_answers_its_owner_and_the_host_only() -> None:
    model, far, ben = OneModel(), request("192.168.1.7"), identity.new_person()
    for person in (ben, None):
        refused = [
            distribution.show(services(model), person, "a", False, "r", far)[0],
            distribution.pick(services(model), person, ["a"], False, "r", far)[1],
            distribution.step(services(model), event(prompt="a", run="r", drawn=[1]), person, far)[2],
        ]
        assert [found["state"] for found in refused] == ["error"] * 3
    assert "belongs to someone else" in distribution.show(services(model), ben, "a", False, "r", far)[0]["message"]
    assert model.asked == []
    assert distribution.show(services(model), ANN, "a", False, "r", far)[0]["state"] == "ready"
    assert distribution.show(services(model), ben, "a", False, "", far)[0]["state"] == "ready"


def test_a_step_may_break_a_plain_prompt_off_but_not_a_chat() -> None:
    model = OneModel()
    assert step(model, prompt="abab", drawn=[1], keep=2)[:2] == ("abb", "abb")
    step(model, prompt="abab", chat=True, drawn=[1], keep=2)
    assert [asked[0] for asked in model.asked] == ["ab", "abab"]


def test_an_empty_prompt_waits_for_one_unless_tokens_were_appended() -> None:
    model = services(OneModel())
    assert distribution_view.picture_of(model, " ", False, "") == {"state": "empty"}
    assert distribution_view.picture_of(model, "", False, "", [1])["state"] == "ready"


def test_a_named_text_is_read_as_it_stands_and_behind_a_space() -> None:
    model = services(OneModel())
    assert distribution_view.probe(model, "ab") == {"readings": [[0, 1], [2, 0, 1]]}
    assert distribution_view.probe(model, " ab") == {"readings": [[2, 0, 1]]}
    for bad in ("", "a" * 201, None, 5, ["a"]):
        assert "1 to 200 characters" in distribution_view.probe(model, bad)["error"]


def test_a_link_of_another_model_leaves_its_tokens_out() -> None:
    model, asked = OneModel(), request()
    same = distribution.follow(services(model), None, event(prompt="a", model="One", drawn=[1]), asked)
    other = distribution.follow(services(model), None, event(prompt="a", model="Two", drawn=[1], run="x"), asked)
    assert (same[0], same[3]["linked"], same[3]["drawn"]) == ("ab", "One", [1])
    assert (other[0], other[3]["linked"], other[3]["drawn"]) == ("a", "Two", [])
    assert other[2]["value"] == BASE
    broken = distribution.follow(services(model), None, event(prompt="a", model="One", drawn="1,2"), asked)
    assert "list of ids" in broken[3]["message"]


@pytest.mark.parametrize("drawn", [[4], [-1], ["1"], [None], [1.5], [True]])
def test_a_step_by_what_is_no_token_is_refused(drawn: list[Any]) -> None:
    found = step(OneModel(), prompt="a", drawn=drawn)[2]
    assert found["message"] == f"Token ids of this model are 0 to 3; got {drawn[0]!r}."


def test_a_table_is_json_whatever_the_logits() -> None:
    logits = np.array([0, 2, 1, -np.inf], dtype=np.float32)
    found = distribution_view.table(logits, [1], ["a", "b", " "], GenerationSettings(strategy="sampling", top_k=1), 10)
    assert [one["id"] for one in found["tokens"]] == [1, 2, 0, 3]
    assert [one["probability"] for one in found["tokens"]] == [1, 0, 0, 0]
    assert found["tokens"][3] == {
        "id": 3,
        "text": "",
        "logit": None,
        "raw_probability": 0,
        "probability": 0,
        "kept": False,
    }
    assert found["kept_mass"] == pytest.approx(found["tokens"][0]["raw_probability"])
    assert found["effective_choices"] == 1


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.2]), st.sampled_from([0.0, 0.05, 0.3])), min_size=1, max_size=12),
    st.integers(1, 14),
)
def test_the_likeliest_are_the_first_of_all_sorted(tokens: list[tuple[float, float]], limit: int) -> None:
    final, raw = (np.array(side) for side in zip(*tokens, strict=True))
    whole = sorted(range(len(tokens)), key=lambda token: (-final[token], -raw[token], token))
    assert distribution_view.likeliest(final, raw, limit) == whole[:limit]


@pytest.mark.parametrize("limit", [0, -1, True, 1.5])
def test_a_bad_limit_is_refused(limit: Any) -> None:
    with pytest.raises(Exception, match="limit must be a whole number of at least 1"):
        distribution.next_token(services(OneModel()), request("127.0.0.1"), "a", limit=limit)
