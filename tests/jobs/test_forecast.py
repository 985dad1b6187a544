"""When a waiting job begins, by hand."""

from dataclasses import replace

import pytest

from playground.jobs.forecast import duration, remaining, starts
from playground.runs.events import Phase
from playground.runs.records import RunRecord

JOB = RunRecord(
    id="sft-a", kind="run", name="", method="sft", model="tiny", owner="", phase=Phase.QUEUED, reason="", created=0.0,
    started=None, ended=None, steps=0, metrics={}, document={"training": {"max_steps": 100}}, result=None, session="",
    attempt=1, spent=0.0,
)  # fmt: skip


def done(seconds: float, steps: int, **changes: object) -> RunRecord:
    """A job that took so long for so many steps."""
    return replace(JOB, phase=Phase.DONE, started=1000.0, ended=1000.0 + seconds, steps=steps, **changes)  # type: ignore[arg-type]


def test_seconds_per_step_of_the_same_model_carry_over() -> None:
    before = [done(20, 40), done(30, 10, model="large"), done(10, 20)]
    assert duration(JOB, before) == pytest.approx(100 * (20 + 10) / (40 + 20))
    assert duration(replace(JOB, model="new"), before) == pytest.approx(100 * (20 + 30 + 10) / (40 + 10 + 20))
    assert duration(replace(JOB, document={"training": {"max_steps": None}}), before) == pytest.approx((20 + 10) / 2)
    assert duration(JOB, [done(20, 40, method="dpo")]) is None
    assert duration(replace(JOB, method="evaluation", document={}), [done(7, 0, method="evaluation")]) == 7


def test_a_job_that_goes_on_says_itself_how_long() -> None:
    going = replace(JOB, phase=Phase.RUNNING, started=50.0)
    assert remaining(replace(going, metrics={"eta_seconds": 12.0}), [], now=60.0) == 12
    assert remaining(going, [done(20, 100)], now=60.0) == pytest.approx(10)
    assert remaining(going, [done(20, 100)], now=99.0) == 0
    assert remaining(going, [], now=60.0) is None


def test_jobs_begin_as_slots_come_free() -> None:
    assert starts([30.0], [10.0, 5.0, 1.0], slots=1) == [30, 40, 45]
    assert starts([30.0], [10.0, 5.0, 100.0, 1.0], slots=2) == [0, 10, 15, 30]
    assert starts([], [1.0], slots=1) == [0]
    assert starts([5.0], [None, 1.0], slots=1) == [5, None]
    assert starts([None, 5.0], [None, 1.0], slots=2) == [5, None]
