"""The Compare tab's handlers: answers, chat, shift and adapter on a run, what they refuse, and who may do what."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import numpy as np
import pytest

from playground.config.generation import GenerationSettings
from playground.errors import NotAllowed, RunError
from playground.models.detokenise import decode
from playground.models.strength import UpdateSize
from playground.runs.store import RunStore
from playground.ui import desk_view, identity
from playground.ui import shift_view as shift
from playground.ui.adapter_view import measure, table
from playground.ui.answers_view import compare, follow
from playground.ui.chat_view import talk
from playground.ui.compare_question import AS_TRAINED, TYPED
from playground.ui.desk import Desk, Work
from playground.ui.generation_form import NAMES
from playground.ui.services import Services
from tests.evaluation.finished_runs import data_file, finished_run
from tests.ui.people import ANN, FAR, HERE
from tests.waiting import wait_until

PROMPT = "The film was"


def values(**chosen: Any) -> list[Any]:
    settings = GenerationSettings(max_new_tokens=6)
    return [chosen.get(name, getattr(settings, name)) for name in NAMES]


def event(**data: object) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data=data))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    monkeypatch.setenv("PLAYGROUND_HOME", str(home))
    monkeypatch.delenv(identity.HOST_KEY_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def run(home: Path, small_models: dict[str, Path]) -> str:
    """On the small Llama, ended at step 8, with the same adapter saved at step 4."""
    store = RunStore(home)
    found = finished_run(store, small_models["llama"], data_file(home), name="small")
    shutil.copytree(store.folder(found) / "adapter", store.folder(found) / "steps" / "step-4")
    with store.database.writing() as connection:
        connection.execute("UPDATE runs SET steps = 8 WHERE id = ?", (found,))
    store.close()
    return found


@pytest.fixture(scope="module")
def services(home: Path, run: str, small_models: dict[str, Path]) -> Iterator[Services]:
    made = Services("none")
    made._store = RunStore(home)
    made.model_server().start_loading(str(small_models["llama"]), "float32", "cpu")
    assert made.model_server().wait_loaded().state == "ready"
    yield made
    made._store.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


# answers


def test_answers_follow_the_strength(services: Services, run: str) -> None:
    def last(strength: float) -> dict[str, Any]:
        *_, found = compare(services, HERE, ANN, run, strength, PROMPT, TYPED, AS_TRAINED, *values())
        return found

    whole, none = last(1), last(0)
    assert whole["state"] == none["state"] == "done"
    assert whole["base"] == none["base"] == none["tuned"] != whole["tuned"]
    assert none["strength"] == 0
    asked = (ANN, run, 0.0, PROMPT, TYPED, AS_TRAINED, *values())
    assert list(follow(services, HERE, whole, *asked))[-1] == none
    (nothing,) = follow(services, HERE, None, *asked)
    assert nothing == gr.skip()
    assert "from 0 to 1.5" in last(7)["message"]


# chat


def test_each_side_goes_on_from_its_own_answers(services: Services, run: str) -> None:
    history = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
    other = [history[0], {"role": "assistant", "content": "The plot was dull and far too long."}]
    last = {"role": "user", "content": "And the film?"}

    def said(base: list[dict[str, str]], tuned: list[dict[str, str]], **more: Any) -> dict[str, Any]:
        sent = event(asked="n", base=base, tuned=tuned, **more)
        *_, found = talk(services, sent, HERE, ANN, run, 1.0, "model", *values(strategy="sampling"))
        assert found["state"] == "done", found
        return found

    one, two = said([*history, last], [*history, last]), said([*history, last], [*other, last])
    assert (one["asked"], one["dropped"], one["name"]) == ("n", [0, 0], "small")
    assert one["form"] in ("model", "plain")
    assert one["base"] == two["base"]
    assert one["tuned"] != two["tuned"]
    assert said([*history, last], [*history, last], attempt=1)["base"] != one["base"]


def test_a_conversation_that_is_none_and_a_run_that_is_anothers_are_refused_in_words(
    services: Services, run: str
) -> None:
    def refused(request: gr.Request, base: object) -> str:
        (found,) = talk(services, event(asked=1, base=base, tuned=base), request, ANN, run, 1.0, "model", *values())
        assert (found["state"], found["asked"]) == ("error", 1)
        return str(found["message"])

    assert "has 1 to" in refused(HERE, "nonsense")
    assert "belongs to someone else" in refused(FAR, [{"role": "user", "content": "Hi."}])


# shift


def begun(services: Services, desk: Desk, run: str, *, source: str = "tuned", typed: str = "", **more: Any) -> Any:
    request, strength = more.get("request", HERE), more.get("strength", 1.0)
    return shift.start(
        services, desk, request, ANN, run, strength, PROMPT, more.get("example", TYPED), AS_TRAINED, source, typed,
        *values(),
    )  # fmt: skip


def ended(desk: Desk, work: str) -> Work:
    found = desk.get(work)
    wait_until(lambda: found.state != "working")
    assert found.state == "done", found.error
    return found


def numbers(packed: str, kind: str = "<f4") -> Any:
    return np.frombuffer(base64.b64decode(packed), kind)


def test_the_shift_over_a_runs_steps_and_again_at_another_strength(services: Services, desk: Desk, run: str) -> None:
    work = begun(services, desk, run)["work"]
    ended(desk, work)
    found = shift.result(desk, work)
    assert [step["step"] for step in found["steps"]] == [4, 8]
    assert "text" not in found
    last = found["steps"][1]
    places = len(found["ids"]) - found["start"]
    assert 1 <= places <= 6
    assert len(numbers(last["to_base"])) == places
    assert (numbers(last["to_base"]) == numbers(found["steps"][0]["to_base"])).all()
    # A greedy answer of the tuned model is made of its choices.
    assert numbers(last["choices"], "<i4").tolist() == found["ids"][found["start"] :]
    assert numbers(last["choice_ranks"], "<i4").tolist() == numbers(last["base_ranks"], "<i4").tolist()

    pair = shift.distributions(services, desk, {"work": work, "step": 8, "at": 0})
    tuned, base = (numbers(pair[side]).astype(np.float64) for side in ("tuned", "base"))
    ours, theirs = (logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max() for logits in (tuned, base))
    assert (np.exp(ours) * (ours - theirs)).sum() == pytest.approx(numbers(last["to_base"])[0], rel=1e-3)

    again = shift.anew(services, desk, ANN, work, 0.0, HERE)["work"]
    ended(desk, again)
    none = shift.result(desk, again)
    assert none["ids"] == found["ids"]
    assert numbers(none["steps"][1]["to_base"]).max() == 0


def test_an_answer_may_be_a_rows_or_ones_own(services: Services, desk: Desk, run: str) -> None:
    server = services.model_server()
    work = begun(services, desk, run, source="reference", example=0)["work"]
    found = ended(desk, work).result
    words = decode(server.tokenizer, found["ids"][found["start"] :])
    assert words.strip().startswith("He goes to the")
    assert found["ids"][-1] == server.tokenizer.eos_token_id
    work = begun(services, desk, run, source="typed", typed="A joy.")["work"]
    found = ended(desk, work).result
    assert decode(server.tokenizer, found["ids"][found["start"] :]).strip() == "A joy."


def test_what_cannot_be_looked_at_is_refused_in_words(services: Services, desk: Desk, run: str) -> None:
    assert "no reference answer" in begun(services, desk, run, source="reference")["error"]
    assert "comes from one of" in begun(services, desk, run, source="nowhere")["error"]
    assert "no run to compare" in begun(services, desk, "")["error"]
    assert "from 0 to 1.5" in begun(services, desk, run, strength=9)["error"]
    assert "belongs to someone else" in begun(services, desk, run, request=FAR)["error"]
    work = begun(services, desk, run, source="typed", typed=" ")["work"]
    found = desk.get(work)
    wait_until(lambda: found.state == "failed")
    assert "answer is empty" in found.error
    assert "nothing to see yet" in shift.result(desk, work)["error"]
    work = begun(services, desk, run)["work"]
    ended(desk, work)
    for step, at in ((5, 0), (8, -1), (8, 99), (8, "0"), (None, 0), (8, True)):
        assert "got" in shift.distributions(services, desk, {"work": work, "step": step, "at": at})["error"]
    assert "not kept any more" in shift.distributions(services, desk, "nonsense")["error"]
    assert desk_view.status(desk, "gone") == {"state": "gone"}


def test_others_can_neither_stop_nor_go_on_with_ones_work(services: Services, desk: Desk, run: str) -> None:
    ben = {"key": "the-key-of-ben-is-long-enough", "host": ""}
    work = begun(services, desk, run)["work"]
    ended(desk, work)
    with pytest.raises(NotAllowed):
        desk_view.stop(desk, "This comparison", event(work=work), ben, FAR)
    assert "belongs to someone else" in shift.anew(services, desk, ben, work, 0.5, FAR)["error"]
    desk_view.stop(desk, "This comparison", event(work=work), ANN, HERE)
    assert desk.get(work).stop.is_set()
    with pytest.raises(RunError):
        desk_view.stop(desk, "This comparison", event(work="gone"), ANN, HERE)
    assert shift.anew(services, desk, ANN, "", 0.5, HERE) == gr.skip()
    assert "belongs to someone else" in followed(services, desk, ben, work, "another", FAR)["error"]


def followed(services: Services, desk: Desk, person: object, work: str, run: str, request: gr.Request) -> Any:
    """Another run is chosen while the shift of one is shown."""
    asked = (PROMPT, TYPED, AS_TRAINED, "tuned", "", *values())
    return shift.follow(services, desk, request, person, work, run, 1.0, *asked)


def test_another_run_is_read_in_the_old_ones_place(
    services: Services, desk: Desk, run: str, home: Path, small_models: dict[str, Path]
) -> None:
    work = begun(services, desk, run)["work"]
    ended(desk, work)
    assert followed(services, desk, ANN, work, run, HERE) == gr.skip()
    assert followed(services, desk, ANN, "", run, HERE) == gr.skip()
    twin = finished_run(services.store, small_models["llama"], data_file(home), name="twin")
    again = followed(services, desk, ANN, work, twin, HERE)["work"]
    assert ended(desk, again).result["run"] == twin


# adapter


def test_sizes_by_layer_and_kind(services: Services, run: str) -> None:
    found = measure(services, ANN, run, HERE)
    assert (found["state"], found["name"], found["kinds"]) == ("ready", "small", ["q_proj", "v_proj"])
    assert found["whole"]["norm"] > 0
    assert measure(services, ANN, None, HERE) == {"state": "empty"}
    assert "belongs to someone else" in measure(services, ANN, run, FAR)["message"]


def test_several_updates_count_as_the_root_of_their_squares() -> None:
    sizes = [
        UpdateSize("h.0.q", 0, "q", 3.0, 6.0),
        UpdateSize("h.0.v", 0, "v", 4.0, 8.0),
        UpdateSize("h.1.q", 1, "q", 12.0, 24.0),
        UpdateSize("head", None, "head", 1.0, None),
    ]
    found = table(sizes)
    assert [row["layer"] for row in found["rows"]] == [-1, 0, 1]
    assert found["rows"][1] == {
        "layer": 0,
        "cells": [{"norm": 3.0, "share": 0.5}, {"norm": 4.0, "share": 0.5}, None],
        "whole": {"norm": 5.0, "share": 0.5},
    }
    assert found["columns"][0]["norm"] == pytest.approx(153**0.5)
    assert found["whole"] == {"norm": pytest.approx(170**0.5), "share": None}
