"""Progress reads well: in place in a terminal, line by line in a log."""

import io

import pytest

from playground.cli.progress import CLEAR_LINE, Reporter, duration, following, in_words
from playground.runs.events import Log, Metric, Phase, PhaseChange, Progress
from playground.runs.store import RunStore


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


STEP = {"loss": 1.23456, "tokens_per_second": 1234.5, "eta_seconds": 75.2}


def test_a_step_in_a_log() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    reporter.event(Progress("training", 0, 40, "steps"))
    reporter.event(Metric(12, STEP))
    assert stream.getvalue() == "step 12/40  loss 1.2346  1,234 tokens/s  1:15 left\n"


def test_a_log_is_not_flooded_but_gets_the_last_step() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    reporter.event(Progress("training", 0, 3, "steps"))
    for step in (1, 2, 3):
        reporter.event(Metric(step, {"loss": float(step)}))
    reporter.close()
    assert stream.getvalue().splitlines() == ["step 1/3  loss 1.0000", "step 3/3  loss 3.0000"]


def test_what_was_held_back_comes_before_a_line_that_stays() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    reporter.event(Metric(1, {"loss": 1.0}))
    reporter.event(Metric(2, {"loss": 2.0}))
    reporter.event(Log("3 rows are cut", "warning"))
    assert stream.getvalue().splitlines() == ["step 1  loss 1.0000", "step 2  loss 2.0000", "warning: 3 rows are cut"]


def test_a_terminal_is_rewritten_in_place() -> None:
    stream = Terminal()
    reporter = Reporter(stream)
    reporter.event(PhaseChange(Phase.PREPARING))
    reporter.event(Metric(1, {"loss": 1.0}))
    reporter.event(Log("saved"))
    assert stream.getvalue() == f"{CLEAR_LINE}preparing{CLEAR_LINE}step 1  loss 1.0000\nsaved\n"


def test_the_validation_loss_stays_on_the_line_and_a_lost_loss_leaves_it() -> None:
    stream = Terminal()
    reporter = Reporter(stream)
    reporter.event(Metric(1, {"eval_loss": 2.0, "loss": 1.0}))
    reporter.event(Metric(2, {"loss": 0.5}))
    assert stream.getvalue().endswith("step 2  loss 0.5000  eval loss 2.0000")


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress("answering base", 16, 110, "rows"), "answering base 16/110 rows"),
        (Progress("download", 12_500_000, 92_871_040, "bytes"), "downloading 12.5/92.9 MB"),
        (Progress("download", 1_000_000, 0, "bytes"), "downloading 1.0 MB"),
        (Progress("data", 0, 0, "rows"), "reading data"),
        (Progress("read", 3, 272), "reading the weights"),
        (Progress("warming up", 0, 0), "warming up"),
    ],
)
def test_progress_in_words(progress: Progress, words: str) -> None:
    assert in_words(progress) == words


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (59.6, "1:00"), (75, "1:15"), (3723, "1:02:03")])
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_following_reports_every_event_of_a_job(capsys: pytest.CaptureFixture[str]) -> None:
    store = RunStore()
    run = store.create("run", {}, method="sft", model="m", name="n", owner="")
    with following(store, run):
        store.append(run, [PhaseChange(Phase.PREPARING), Log("a warning of old", "warning")])
        store.append(run, [Progress("training", 0, 1), Metric(1, {"loss": 3.0})])
        store.append(
            run,
            [
                PhaseChange(Phase.DONE),
            ],
        )
    told = capsys.readouterr().err.splitlines()
    assert told == ["preparing", "warning: a warning of old", "step 1/1  loss 3.0000"]
