import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.errors import DataError, RunError
from playground.room import recorded
from playground.room.ahead import Ahead
from playground.room.audience import FRESH_SECONDS, HERE_SECONDS, Audience
from playground.room.curves import MOST_POINTS, Curves, choices, telling, thinned
from playground.room.scenes import Curve
from playground.runs.events import Metric, Phase, PhaseChange, Resumed
from playground.runs.store import RunStore


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    made = RunStore(tmp_path)
    yield made
    made.close()


def running(store: RunStore, **values: float) -> str:
    run = store.create(
        "run", {"method": "sft", "training": {"max_steps": 8}}, method="sft", model="m", name="A run", owner="o"
    )
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING), Metric(1, values or {"loss": 2.0})])
    return run


def test_a_curve_is_followed_event_by_event(store: RunStore) -> None:
    run, curves = running(store), Curves(store)
    first = curves.shown(run, "")
    assert first["lines"] == [{"heldOut": False, "points": [[1, 2.0]]}]
    assert (first["name"], first["phase"], first["step"], first["of"]) == ("A run", "running", 1, 8)
    store.append(run, [Metric(2, {"loss": 1.5, "eval_loss": 1.75}), Metric(3, {"loss": float("nan")})])
    assert curves.shown(run, "")["lines"] == [
        {"heldOut": False, "points": [[1, 2.0], [2, 1.5]]},
        {"heldOut": True, "points": [[2, 1.75]]},
    ]
    assert curves.shown(run, "grad_norm")["lines"] == []


def test_what_a_new_attempt_takes_back_is_taken_back(store: RunStore) -> None:
    run, curves = running(store), Curves(store)
    store.append(run, [Metric(2, {"loss": 1.0}), Metric(3, {"loss": 0.5})])
    curves.shown(run, "")
    store.append(run, [Resumed(1), Metric(2, {"loss": 1.25})])
    assert curves.shown(run, "")["lines"][0]["points"] == [[1, 2.0], [2, 1.25]]


def test_the_metric_that_is_shown_says_most_of_the_method() -> None:
    assert telling({"loss": 1, "objective/scores": 1}) == "objective/scores"
    assert telling({"loss": 1, "accuracy": 1}) == "accuracy"
    assert telling({"loss": 1, "mean_token_accuracy": 1}) == "loss"
    assert telling({}) == "loss"
    assert choices({"loss": 1, "eval_loss": 1, "eval_bleu": 1}) == ["bleu", "loss"]


@pytest.mark.parametrize("length", [0, 1, MOST_POINTS, MOST_POINTS + 1, 10 * MOST_POINTS - 1])
def test_a_long_line_keeps_its_last_point(length: int) -> None:
    line = [(step, step / 3) for step in range(length)]
    kept = thinned(line)
    assert len(kept) <= MOST_POINTS
    assert len(kept) >= min(length, MOST_POINTS // 2)
    assert not line or kept[-1][0] == line[-1][0]


def test_a_recording_is_played_within_a_minute() -> None:
    found = recorded.recorded("sft")
    assert found.seconds > recorded.LONGEST_SECONDS
    begin, middle, end = (recorded.shown("sft", "", elapsed) for elapsed in (0.0, 30.0, 60.0))
    assert (begin["phase"], middle["phase"], end["phase"]) == ("running", "running", "done")
    assert 0 < middle["step"] < end["step"] == end["of"] == 320
    assert middle["lines"][0]["points"][-1][0] <= middle["step"]
    assert end["lines"][0]["points"][-1][0] == 320
    assert end["metric"] == "loss"
    assert "loss" in recorded.metrics_of("sft")
    short = recorded.recorded("reward").seconds
    assert recorded.shown("reward", "", short - 0.5)["phase"] == "running"  # at its own speed
    with pytest.raises(RunError, match="no recording"):
        recorded.shown("nothing", "", 0.0)


def told(audience: Audience) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(audience.told().body))
    return found


def test_what_is_told_is_made_once_for_all_until_something_changes(store: RunStore) -> None:
    clock = Clock()
    audience = Audience(lambda: store, clock)
    run = running(store)
    audience.stage.show(Curve(run))
    first = audience.told()
    store.append(run, [Metric(2, {"loss": 1.0})])
    assert audience.told() is first
    clock.now += FRESH_SECONDS
    assert audience.known() is None
    second = audience.told()
    assert second.tag != first.tag
    clock.now += FRESH_SECONDS
    assert audience.told().tag == second.tag
    audience.stage.show(Curve("recording:dpo", since=clock.now))
    assert told(audience)["recorded"] is True
    audience.stage.show(None)  # a step of the host is seen at once
    assert audience.known() is None
    assert told(audience) == {"kind": "nothing"}


def test_a_run_that_is_deleted_leaves_the_stage_empty(store: RunStore) -> None:
    audience = Audience(lambda: store)
    audience.stage.show(Curve("sft-gone"))
    assert told(audience) == {"kind": "nothing"}


def test_phones_are_counted_as_long_as_they_ask(store: RunStore) -> None:
    clock = Clock()
    audience = Audience(lambda: store, clock)
    audience.came("ann")
    audience.came("ann")
    clock.now += HERE_SECONDS - 1
    audience.came("ben")
    assert audience.count() == {"phones": 2, "answers": 0}
    clock.now += 2
    assert audience.count()["phones"] == 1


def test_what_is_made_ahead_comes_when_asked_for_or_says_why_not() -> None:
    def fail() -> str:
        raise DataError("There is nothing left.")

    assert Ahead(lambda: "a pair").get() == "a pair"
    with pytest.raises(DataError, match="nothing left"):
        Ahead(fail).get()
