"""The Rollouts view's handlers: what they refuse, what comes back, and who may do what."""

import base64
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import numpy as np
import pytest

from playground.config.rewards import (
    KINDS,
    ClassifierReward,
    KeywordReward,
    SentimentReward,
    Term,
    TrainedReward,
    WeightedSum,
)
from playground.config.rollouts import SweepSettings
from playground.config.settings import settings_of
from playground.errors import Busy, Cancelled, ConfigError, ModelError, NotAllowed, RunError
from playground.runs.store import RunStore
from playground.ui import desk as desk_module
from playground.ui import desk_view
from playground.ui import rollouts_view as view
from playground.ui.desk import Desk, Work
from playground.ui.identity import Person
from playground.ui.reward_form import RUNS, check_reward_rights, reward_of, reward_values
from playground.ui.rollouts_form import DRAWING, drawing_settings, drawing_updates, linked_settings, sweep_updates
from playground.ui.services import Services
from tests.ui.evaluations import run_of
from tests.ui.people import ANN, BEN, FAR, HERE
from tests.waiting import wait_until

PROMPT = "The film was a joy"
DRAW = (6, 8, 1.0, 0, 1.0, 0, 0.0, 1.0, 1.0, 0.0, 0.0)
"""Count, tokens, temperature, top-k, top-p, seed, and the rest at their defaults."""
PLAIN = (*DRAW, *reward_values(SentimentReward()))


@pytest.fixture(scope="module")
def services(small_models: dict[str, Path]) -> Services:
    """With the small Llama loaded."""
    made = Services("none")
    made.model_server().start_loading(str(small_models["llama"]), "float32", "cpu")
    assert made.model_server().wait_loaded().state == "ready"
    return made


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.close()


def event(**data: object) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data=data))


def ended(desk: Desk, work: str) -> Work:
    wait_until(lambda: desk.get(work).state != "working")
    return desk.get(work)


def drawn(services: Services, desk: Desk, *values: Any, person: object = ANN, prompt: str = PROMPT) -> dict[str, Any]:
    shown, shared = view.start(services, desk, FAR, person, prompt, False, "", *(values or PLAIN))
    assert "error" not in shown, shown
    assert shared == prompt
    work = ended(desk, shown["work"])
    assert work.state == "done", work.error
    return view.result(desk, work.id)


def test_rollouts_come_with_everything_that_the_page_needs(services: Services, desk: Desk) -> None:
    found = drawn(services, desk)
    assert len(found["completions"]) == len(found["rewards"]) == len(found["lengths"]) == found["asked"] == 6
    ids = np.frombuffer(base64.b64decode(found["ids"]), dtype="<i4")
    logs, raws = (np.frombuffer(base64.b64decode(found[name]), dtype="<f4") for name in ("logs", "raw_logs"))
    assert len(ids) == len(logs) == sum(found["lengths"])
    np.testing.assert_allclose(logs, raws, atol=1e-5)  # at temperature 1 with nothing cut
    assert set(map(str, ids)) == set(found["tokens"])
    assert found["reward"] == {"kind": "sentiment", "score": "compound", "reads": "completion"}
    assert found["bounds"] == [-1, 1]
    assert found["series"] == []
    assert drawn(services, desk)["completions"] == found["completions"]


def test_a_sum_says_what_its_parts_say(services: Services, desk: Desk) -> None:
    terms = (Term(2.0, SentimentReward()), Term(-1.0, KeywordReward(("a",), counts="times", whole_words=False)))
    found = drawn(services, desk, *DRAW, *reward_values(WeightedSum(terms)))
    assert found["weights"] == [2, -1]
    by_hand = [2 * one - other for one, other in zip(*found["parts"], strict=True)]
    assert found["rewards"] == pytest.approx(by_hand)
    assert found["bounds"] == [None, 2]


def test_the_same_rollouts_can_be_scored_anew(services: Services, desk: Desk) -> None:
    shown, _ = view.start(services, desk, FAR, ANN, PROMPT, False, "", *PLAIN)
    before = ended(desk, shown["work"]).result
    again = view.anew(services, desk, FAR, ANN, shown["work"], *reward_values(KeywordReward(("e",), whole_words=False)))
    after = ended(desk, again["work"]).result
    assert after["completions"] == before["completions"]
    assert after["rewards"] == [float("e" in text.lower()) for text in before["completions"]]
    nothing: object
    for nothing in ("", None, {}):
        refused = view.anew(services, desk, FAR, ANN, nothing, *reward_values(SentimentReward()))
        assert refused == {"error": "There are no rollouts to score yet; draw some first."}
    assert (
        "not kept any more" in view.anew(services, desk, FAR, ANN, "gone", *reward_values(SentimentReward()))["error"]
    )


def test_a_sweep_gives_a_point_for_each_temperature(services: Services, desk: Desk) -> None:
    steps = SweepSettings(lowest=0.0, highest=2.0, points=3, count=5)
    shown, _ = view.start_sweep(services, desk, FAR, ANN, PROMPT, False, "", *PLAIN, *sweep_updates(steps))
    work = ended(desk, shown["work"])
    assert work.state == "done"
    points = work.result["points"]
    assert [point["temperature"] for point in points] == [0, 1, 2]
    assert (points[0]["count"], points[0]["error"]) == (1, 0)
    at_one = drawn(services, desk, 5, *PLAIN[1:])["rewards"]
    assert points[1]["mean"] == pytest.approx(sum(at_one) / 5)
    variance = sum((value - points[1]["mean"]) ** 2 for value in at_one) / 4
    assert points[1]["error"] == pytest.approx(math.sqrt(variance / 5))


@pytest.mark.parametrize(
    ("prompt", "values", "sentence"),
    [
        (" \n", PLAIN, "The prompt is empty; type the beginning of a text to be continued."),
        (PROMPT, (0, *PLAIN[1:]), "rollouts.count must be at least 1; got 0."),
        (PROMPT, (None, *PLAIN[1:]), "rollouts.count is needed and has no default; got null."),
        (PROMPT, (*PLAIN[:2], 9.0, *PLAIN[3:]), "generation.temperature must be at most 5; got 9.0."),
        (PROMPT, (1024, 4096, *PLAIN[2:]), "1,024 rollouts of 4,096 tokens are 4,194,304 tokens"),
        (PROMPT, (*DRAW, [], *PLAIN[len(DRAW) + 1 :]), "No reward is chosen; tick at least one."),
    ],
)
def test_what_is_wrong_is_said_in_its_place(
    services: Services, desk: Desk, prompt: str, values: tuple[Any, ...], sentence: str
) -> None:
    shown, shared = view.start(services, desk, FAR, ANN, prompt, False, "", *values)
    assert sentence in shown["error"]
    assert "value" not in shared


def test_a_bad_pattern_is_refused_before_anything_is_drawn(services: Services, desk: Desk) -> None:
    values = list(PLAIN)
    values[len(DRAW)] = ["pattern"]
    place = len(DRAW) + 1 + sum(len(settings_of(KINDS[kind])) + 1 for kind in ("sentiment", "length", "keyword"))
    values[place] = "(a"
    shown, _ = view.start(services, desk, FAR, ANN, PROMPT, False, "", *values)
    assert shown["error"].startswith("reward.pattern.pattern is not a regular expression: missing )")


def test_a_prompt_longer_than_the_context_fails_with_a_sentence(services: Services, desk: Desk) -> None:
    shown, _ = view.start(services, desk, FAR, ANN, "word " * 600, False, "", *PLAIN)
    work = ended(desk, shown["work"])
    assert work.state == "failed"
    assert "but the model's context holds 512, answer included; shorten the prompt." in work.error


def test_without_a_model_it_fails_with_a_sentence(desk: Desk) -> None:
    shown, _ = view.start(Services("none"), desk, FAR, ANN, PROMPT, False, "", *PLAIN)
    assert ended(desk, shown["work"]).error == "No model is loaded; load one in the Model tab."


def test_a_browser_without_a_key_draws_nothing(services: Services, desk: Desk) -> None:
    shown, _ = view.start(services, desk, FAR, None, PROMPT, False, "", *PLAIN)
    assert "has no owner key yet" in shown["error"]


def test_only_ones_own_run_is_drawn_from(services: Services, desk: Desk) -> None:
    run = run_of(services.store)
    shown, _ = view.start(services, desk, FAR, BEN, PROMPT, False, run, *PLAIN)
    assert "belongs to someone else" in shown["error"]
    shown, _ = view.start(services, desk, HERE, BEN, PROMPT, False, run, *PLAIN)
    assert "work" in shown  # the host
    ended(desk, shown["work"])


def test_only_the_owner_or_the_host_ends_a_drawing(services: Services, desk: Desk) -> None:
    long = (256, 256, *PLAIN[2:])
    shown, _ = view.start(services, desk, FAR, ANN, PROMPT, False, "", *long)
    with pytest.raises(NotAllowed, match="This drawing belongs to someone else"):
        desk_view.stop(desk, "This drawing", event(work=shown["work"]), BEN, FAR)
    assert desk.get(shown["work"]).state == "working"
    desk_view.stop(desk, "This drawing", event(work=shown["work"]), ANN, FAR)
    assert ended(desk, shown["work"]).state == "stopped"
    with pytest.raises(RunError, match="not kept any more"):
        desk_view.stop(desk, "This drawing", event(work="unknown"), ANN, FAR)


def test_a_new_drawing_takes_the_place_of_ones_last(services: Services, desk: Desk) -> None:
    long = (256, 256, *PLAIN[2:])
    first = view.start(services, desk, FAR, ANN, PROMPT, False, "", *long)[0]["work"]
    other = view.start(services, desk, FAR, BEN, PROMPT, False, "", *long)[0]["work"]
    second = view.start(services, desk, FAR, ANN, PROMPT, False, "", *PLAIN)[0]["work"]
    assert ended(desk, first).state == "stopped"
    assert ended(desk, second).state == "done"
    assert desk.get(other).state == "working"
    desk.get(other).stop.set()
    ended(desk, other)


def test_what_is_gone_is_told(desk: Desk) -> None:
    assert desk_view.status(desk, "gone") == {"state": "gone"}
    assert "not kept any more" in view.result(desk, "gone")["error"]


def test_a_link_fills_the_form_and_draws(services: Services, desk: Desk) -> None:
    link = {
        "prompt": PROMPT, "chat": False, "model": "Llama", "run": "not-mine",
        "settings": {"count": 3, "max_new_tokens": 5, "temperature": "hot", "seed": 7, "strategy": "greedy"},
        "reward": {"kind": "keyword", "keywords": ["a"]},
    }  # fmt: skip
    filled = view.follow(services, desk, event(**link), FAR, ANN)
    assert filled[0] == PROMPT
    assert filled[2]["value"] == ""
    assert filled[3:5] == [3, 5]
    assert filled[3 + 1 + DRAWING.index("temperature")] == 1.0
    assert filled[3 + 1 + DRAWING.index("seed")] == 7
    assert filled[3 + len(DRAW)] == ["keyword"]
    picture, shared = filled[-2:]
    assert picture["linked"] == "Llama"
    assert shared == PROMPT
    assert ended(desk, picture["work"]).result["asked"] == 3


def test_anything_may_stand_in_a_link() -> None:
    odd: list[dict[str, Any]] = [{}, {"settings": 3, "reward": [], "sweep": "x"}, {"settings": {"count": 10**9}}]
    for link in odd:
        settings, reward, steps = linked_settings(link)
        assert (settings.count, reward, steps) == (64, SentimentReward(), SweepSettings())


def test_forms_and_settings_say_the_same() -> None:
    assert tuple(drawing_updates(drawing_settings(DRAW))) == DRAW
    reward = WeightedSum((Term(0.5, KeywordReward(("a b", "c"))), Term(2.0, ClassifierReward(label="x"))))
    assert reward_of(reward_values(reward)) == reward
    assert reward_of(reward_values(SentimentReward())) == SentimentReward()


def test_classifiers_that_are_not_here_are_for_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    guest, host = Person("ann", host=False), Person("", host=True)
    for model in ("lvwerra/distilbert-imdb", str(tmp_path)):
        reward = WeightedSum((Term(1.0, ClassifierReward(model=model)),))
        with pytest.raises(NotAllowed, match="only the host can fetch one or name a folder"):
            check_reward_rights(reward, guest, RunStore())
        check_reward_rights(reward, host, RunStore())
    check_reward_rights(SentimentReward(), guest, RunStore())


def test_a_classifier_that_cannot_be_had_is_told_before_the_model_is_asked(services: Services, desk: Desk) -> None:
    values = (*DRAW, *reward_values(ClassifierReward()))
    shown, _ = view.start(services, desk, HERE, ANN, PROMPT, False, "", *values)
    work = ended(desk, shown["work"])
    assert "lvwerra/distilbert-imdb is not on this machine" in work.error
    assert work.stage != "drawing"


def test_work_that_breaks_is_told_and_the_oldest_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def job(work: Work) -> bool:
        raise {"a": Cancelled("x"), "b": ModelError("no model"), "c": ZeroDivisionError()}[work.kind]

    found = {kind: ended(desk, desk.start("ann", kind, job)) for kind in "abc"}
    assert [found[kind].state for kind in "abc"] == ["stopped", "failed", "failed"]
    assert found["b"].error == "no model"
    assert found["c"].error.startswith("The work failed unexpectedly (ZeroDivisionError)")
    monkeypatch.setattr(desk_module, "KEPT", 2)
    newest = desk.start("ann", "d", lambda _: True)
    ended(desk, newest)
    with pytest.raises(RunError):
        desk.get(found["a"].id)
    assert desk.get(newest).state == "done"
    monkeypatch.setattr(desk_module, "MOST_AT_WORK", 0)
    with pytest.raises(Busy, match="try again in a minute"):
        desk.start("ann", "e", lambda _: True)


def test_an_empty_number_is_told_by_its_name() -> None:
    with pytest.raises(ConfigError) as found:
        drawing_settings((64, None, 1.0, None, *DRAW[4:]))
    assert len(found.value.problems) == 2


def test_a_reward_model_is_for_whoever_trained_it() -> None:
    store = RunStore()
    ann, bob = (Person(owner, host=False) for owner in ("ann", "bob"))
    config = {"method": "reward", "model": "tiny", "data": {"source": "lumen-manners"}}
    run = store.create("run", config, method="reward", model="tiny", name="Manners", owner="ann")
    check_reward_rights(TrainedReward(run), ann, store)
    check_reward_rights(TrainedReward(run), Person("host", host=True), store)
    with pytest.raises(NotAllowed, match="belongs to someone else"):
        check_reward_rights(TrainedReward(run), bob, store)
    with pytest.raises(RunError):
        check_reward_rights(TrainedReward("nowhere"), ann, store)


def test_the_form_names_a_reward_model_where_its_list_is_filled() -> None:
    assert reward_values(TrainedReward("some-run"))[RUNS] == "some-run"
    assert reward_of(reward_values(TrainedReward("some-run"))) == TrainedReward("some-run")
