"""The store on a real disk, with real threads and real processes at once."""

import json
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.errors import RunError
from playground.runs.events import Event, Log, Metric, Phase, PhaseChange, Progress, Resumed, Sample, Snapshot
from playground.runs.records import FOLLOWS, RESUMABLE
from playground.runs.store import RunStore
from playground.runs.summary import summary

ROOT = Path(__file__).resolve().parents[2]


def new_run(store: RunStore, name: str = "first", owner: str = "ann", **document: object) -> str:
    return store.create("run", document, method="sft", model="m", name=name, owner=owner)


def running(store: RunStore) -> str:
    run = new_run(store)
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING)])
    return run


def events_of(store: RunStore, run: str) -> list[Event]:
    return [event for _, event in store.events(run).events]


def phases_of(store: RunStore, run: str) -> list[Phase]:
    return [event.phase for event in events_of(store, run) if isinstance(event, PhaseChange)]


def test_a_new_run_is_queued_and_has_its_config_in_its_folder(store: RunStore) -> None:
    run = new_run(store, name="한국어", rank=16)
    record = store.get(run)
    assert (record.kind, record.name, record.method, record.owner) == ("run", "한국어", "sft", "ann")
    assert (record.phase, record.reason, record.started, record.ended, record.result) == (
        "queued",
        "",
        None,
        None,
        None,
    )
    assert json.loads((store.folder(run) / "config.json").read_text()) == {"rank": 16} == record.document
    assert phases_of(store, run) == [Phase.QUEUED]


def test_every_kind_of_event_comes_back_as_it_was_also_after_reopening(store: RunStore, own_home: Path) -> None:
    run = running(store)
    said: list[Event] = [
        Metric(1, {"loss": 2.5, "epoch": 0.25}, time=1.0),
        Sample(1, 0, "p\n\x00\ud800", "답", "reference", time=2.0),
        Log("tokens \U0001f600", "warning", time=3.0),
        Progress("training", 1, 40, "steps", time=4.0),
    ]
    store.append(run, said)
    store.close()
    reopened = RunStore(own_home)
    assert events_of(reopened, run)[3:] == said
    assert reopened.last_metrics(run) == {"loss": 2.5, "epoch": 0.25}
    assert reopened.get(run).steps == 1
    reopened.close()


def test_numbers_that_are_not_finite_become_null(store: RunStore) -> None:
    run = running(store)
    store.append(run, [Metric(1, {"loss": float("nan"), "grad_norm": float("-inf"), "epoch": 1.0})])
    store.append(run, [Progress("training", 1, float("inf"))])
    metric = events_of(store, run)[3]
    assert isinstance(metric, Metric)
    assert metric.values == {"loss": None, "grad_norm": None, "epoch": 1.0} == store.last_metrics(run)
    payloads = sqlite3.connect(store.home / "runs.sqlite3")
    for (text,) in payloads.execute("SELECT payload FROM events"):
        json.loads(text, parse_constant=pytest.fail)
    payloads.close()


def test_last_metrics_are_the_last_of_each_name(store: RunStore) -> None:
    run = running(store)
    store.append(run, [Metric(1, {"loss": 3.0}), Metric(1, {"eval_loss": 4.0})])
    store.append(run, [Metric(2, {"loss": 2.0})])
    assert store.last_metrics(run) == {"loss": 2.0, "eval_loss": 4.0}
    assert store.get(run).steps == 2


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.integers(0, 7), max_size=12), limit=st.integers(1, 9))
def test_a_cursor_never_skips_or_repeats(store: RunStore, batches: list[int], limit: int) -> None:
    run = running(store)
    cursor, seen, written = 0, list[Event](), 3
    for size in batches:
        store.append(run, [Log(str(written + offset)) for offset in range(size)])
        written += size
        page = store.events(run, cursor, limit)
        assert len(page.events) <= limit
        cursor, seen = page.cursor, seen + [event for _, event in page.events]
    while (page := store.events(run, cursor, limit)).events:
        cursor, seen = page.cursor, seen + [event for _, event in page.events]
    assert [event.text for event in seen if isinstance(event, Log)] == [str(n) for n in range(3, written)]
    assert store.events(run, cursor) == (cursor, [])


def test_two_threads_and_two_processes_append_at_once(store: RunStore) -> None:
    run, count = running(store), 200
    command = [sys.executable, "-m", "tests.runs.appender", str(store.home), run]
    processes = [subprocess.Popen([*command, f"process{n}", str(count)], cwd=ROOT) for n in range(2)]

    def append(name: str) -> None:
        for step in range(1, count, 2):
            store.append(run, [Metric(step, {name: step}), Metric(step + 1, {name: step + 1})])

    threads = [threading.Thread(target=append, args=(f"thread{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(60) for process in processes] == [0, 0]

    page = store.events(run, since=3)
    assert [seq for seq, _ in page.events] == list(range(4, 4 + 4 * count))
    steps: dict[str, list[float | None]] = {}
    for _, event in page.events:
        assert isinstance(event, Metric)
        ((name, step),) = event.values.items()
        steps.setdefault(name, []).append(step)
    assert steps == {name: list(range(1, count + 1)) for name in ("process0", "process1", "thread0", "thread1")}
    assert store.last_metrics(run) == dict.fromkeys(steps, count)


def test_phase_and_its_times_follow_the_events(store: RunStore) -> None:
    run = new_run(store)
    store.append(run, [PhaseChange(Phase.PREPARING, time=100.0), PhaseChange(Phase.RUNNING, time=110.0)])
    store.append(run, [PhaseChange(Phase.FAILED, "The loss was not finite at step 3.", time=130.0)])
    record = store.get(run)
    assert (record.phase, record.reason) == (Phase.FAILED, "The loss was not finite at step 3.")
    assert (record.started, record.ended, record.seconds) == (100.0, 130.0, 30.0)


def test_a_clock_set_back_gives_no_negative_time(store: RunStore) -> None:
    run = new_run(store)
    store.append(run, [PhaseChange(Phase.PREPARING, time=100.0), PhaseChange(Phase.DONE, time=50.0)])
    assert store.get(run).seconds == 0.0


@pytest.mark.parametrize("phase", list(Phase))
def test_only_legal_phases_follow(store: RunStore, phase: Phase) -> None:
    ways = {
        Phase.QUEUED: [],
        Phase.PREPARING: [Phase.PREPARING],
        Phase.RUNNING: [Phase.PREPARING, Phase.RUNNING],
        Phase.STOPPING: [Phase.PREPARING, Phase.STOPPING],
    }
    for start, way in ways.items():
        run = new_run(store)
        store.append(run, map(PhaseChange, way))
        if phase in FOLLOWS[start]:
            store.append(run, [PhaseChange(phase)])
            assert store.get(run).phase is phase
        elif phase is not start and (start, phase) != (Phase.STOPPING, Phase.RUNNING):
            with pytest.raises(RunError, match=f"{run} is {start}; it cannot become {phase}"):
                store.append(run, [PhaseChange(phase)])
            assert store.get(run).phase is start


def test_nothing_follows_the_end(store: RunStore) -> None:
    run = running(store)
    assert store.finish(run, Phase.DONE, events=[Log("last words")], result={"steps": 3})
    assert not store.finish(run, Phase.FAILED, "too late", result={"steps": 4})
    for event in (PhaseChange(Phase.FAILED), Log("late"), Metric(9, {"loss": 1.0})):
        with pytest.raises(RunError, match="has ended"):
            store.append(run, [event])
    record = store.get(run)
    assert (record.phase, record.reason, record.result) == (Phase.DONE, "", {"steps": 3})
    assert isinstance(events_of(store, run)[-1], PhaseChange)


def test_a_refused_batch_leaves_nothing_behind(store: RunStore) -> None:
    run = new_run(store)
    with pytest.raises(RunError):
        store.append(run, [Log("one"), Metric(1, {"loss": 1.0}), PhaseChange(Phase.RUNNING)])
    assert len(events_of(store, run)) == 1
    assert store.last_metrics(run) == {}


def test_of_many_ends_at_once_one_wins(store: RunStore) -> None:
    run = running(store)
    ends = [Phase.DONE, Phase.STOPPED, Phase.FAILED, Phase.INTERRUPTED] * 3
    won: list[Phase] = []
    together = threading.Barrier(len(ends))

    def end(phase: Phase) -> None:
        together.wait()
        if store.finish(run, phase):
            won.append(phase)

    threads = [threading.Thread(target=end, args=(phase,)) for phase in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.get(run).phase] == won
    assert [phase for phase in phases_of(store, run) if phase.terminal] == won


def test_stopping_what_waits_ends_it_at_once(store: RunStore) -> None:
    run = new_run(store)
    assert store.request_stop(run) == 1
    assert (store.get(run).phase, store.get(run).reason) == (Phase.STOPPED, "Stopped before it began.")


def test_stopping_what_runs_is_counted_and_shown(store: RunStore) -> None:
    run = running(store)
    assert [store.stop_requested(run), store.request_stop(run), store.request_stop(run)] == [0, 1, 2]
    assert store.stop_requested(run) == 2
    assert phases_of(store, run)[2:] == [Phase.RUNNING, Phase.STOPPING]
    store.finish(run, Phase.STOPPED)
    with pytest.raises(RunError, match=r"has ended \(stopped\); there is nothing to stop"):
        store.request_stop(run)


def test_a_stop_during_preparation_is_not_undone_by_the_first_step(store: RunStore) -> None:
    run = new_run(store)
    store.append(run, [PhaseChange(Phase.PREPARING)])
    store.request_stop(run)
    store.append(run, [PhaseChange(Phase.RUNNING), Metric(1, {"loss": 1.0})])
    assert store.get(run).phase is Phase.STOPPING
    assert store.last_metrics(run) == {"loss": 1.0}


def test_lists_are_newest_first_and_by_owner(store: RunStore) -> None:
    runs = [new_run(store, owner="ann"), new_run(store, owner="ben"), new_run(store, owner="ann")]
    evaluation = store.create("evaluation", {}, method="evaluation", model=runs[0], name="", owner="ann")
    store.request_stop(runs[2])
    assert [record.id for record in store.list()] == [evaluation, *reversed(runs)]
    assert [record.id for record in store.list("run", owner="ann")] == [runs[2], runs[0]]
    assert [record.id for record in store.list("run", live=True)] == [runs[1], runs[0]]
    assert [record.id for record in store.list(limit=2)] == [evaluation, runs[2]]
    assert tuple(found.job for found in store.queued()) == (runs[0], runs[1], evaluation)


@pytest.mark.parametrize("name", ["", "sft-nosuch", "../../etc", "' OR TRUE --"])
def test_an_unknown_run_is_an_error_everywhere(store: RunStore, name: str) -> None:
    new_run(store)
    for ask in (store.get, store.events, store.folder, store.request_stop, store.pulse, store.last_metrics):
        with pytest.raises(RunError, match="There is no run"):
            ask(name)
    with pytest.raises(RunError, match="There is no run"):
        store.append(name, [])
    with pytest.raises(RunError, match="There is no run"):
        store.set_result(name, {})


def test_a_summary_is_the_result_or_what_is_known_so_far(store: RunStore) -> None:
    run = running(store)
    store.append(run, [Metric(4, {"loss": 1.5})])
    folder = store.folder(run)
    assert summary(store.get(run), folder) == {
        "run": run,
        "phase": "running",
        "steps": 4,
        "seconds": 0.0,
        "folder": str(folder),
        "metrics": {"loss": 1.5},
        "error": None,
    }
    store.finish(run, Phase.FAILED, "It broke.")
    assert summary(store.get(run), folder)["error"] == "It broke."
    store.set_result(run, {"bleu": float("nan")})
    assert summary(store.get(run), folder) == {"bleu": None}


@pytest.mark.parametrize("phase", list(Phase))
def test_only_what_ended_early_is_resumed(store: RunStore, phase: Phase) -> None:
    run = running(store)
    if phase is Phase.QUEUED:
        run = new_run(store)
    elif phase is not Phase.RUNNING:
        store.append(run, [PhaseChange(phase)] if phase in FOLLOWS[Phase.RUNNING] else [])
    now = store.get(run).phase
    if now in RESUMABLE:
        store.resume(run)
        assert store.get(run).phase is Phase.QUEUED
        return
    with pytest.raises(RunError, match=f"Run {run} is {now}; only one that was stopped, failed or was interrupted"):
        store.resume(run)
    assert store.get(run).phase is now


def test_a_resumed_run_stands_at_the_end_of_the_queue_as_a_new_attempt(store: RunStore) -> None:
    run = new_run(store)
    store.append(run, [PhaseChange(Phase.PREPARING, time=100.0), Metric(3, {"loss": 1.0})])
    store.request_stop(run)
    store.append(run, [PhaseChange(Phase.STOPPED, "Stopped.", time=107.0)])
    store.set_result(run, {"steps": 3})
    waiting = new_run(store)
    store.resume(run)
    assert tuple(found.job for found in store.queued()) == (waiting, run)
    record = store.get(run)
    assert (record.attempt, record.reason, record.started, record.ended, record.result) == (2, "", None, None, None)
    assert (record.steps, record.metrics, store.stop_requested(run)) == (3, {"loss": 1.0}, 0)
    store.append(run, [PhaseChange(Phase.PREPARING, time=200.0), PhaseChange(Phase.DONE, time=205.0)])
    assert store.get(run).seconds == 12.0
    phases = [Phase.QUEUED, Phase.PREPARING, Phase.STOPPING, Phase.STOPPED]
    assert phases_of(store, run) == [*phases, Phase.QUEUED, Phase.PREPARING, Phase.DONE]


def test_what_an_attempt_lost_is_taken_back(store: RunStore) -> None:
    run = running(store)
    store.append(run, [Metric(step, {"loss": float(step)}) for step in range(1, 6)])
    store.append(run, [Metric(4, {"eval_loss": 9.0}), Sample(4, 0, "p", "a", "r"), Sample(2, 0, "p", "a", "r")])
    store.append(run, [Snapshot(step, "reward.scores", {"chosen": [1.5]}) for step in (3, 4)])
    cursor = store.events(run).cursor
    store.finish(run, Phase.FAILED, "Killed.")
    store.resume(run)
    assert store.get(run).steps == 5  # until it is known where it goes on, nothing is lost
    store.append(run, [PhaseChange(Phase.PREPARING), Resumed(3), Metric(4, {"loss": 0.4})])
    assert [(event.step, event.values) for event in events_of(store, run) if isinstance(event, Metric)] == [
        (1, {"loss": 1.0}), (2, {"loss": 2.0}), (3, {"loss": 3.0}), (4, {"loss": 0.4}),
    ]  # fmt: skip
    assert [event.step for event in events_of(store, run) if isinstance(event, Sample)] == [2]
    assert [event.step for event in events_of(store, run) if isinstance(event, Snapshot)] == [3]
    assert (store.get(run).steps, store.last_metrics(run)) == (4, {"loss": 0.4})
    assert store.reached(run, 2) == (2, {"loss": 2.0})
    followed = [event for _, event in store.events(run, cursor).events]
    assert [type(event) for event in followed] == [PhaseChange, PhaseChange, PhaseChange, Resumed, Metric]


def test_a_worker_of_an_earlier_attempt_cannot_end_the_next(store: RunStore) -> None:
    run = running(store)
    store.finish(run, Phase.INTERRUPTED)
    store.resume(run)
    assert not store.finish(run, Phase.FAILED, "too late", attempt=1)
    assert store.get(run).phase is Phase.QUEUED
    assert store.finish(run, Phase.STOPPED, attempt=2)


def test_tables_of_the_first_version_are_brought_up_to_date(own_home: Path) -> None:
    from playground.runs.database import MIGRATIONS

    own_home.mkdir(parents=True)
    old = sqlite3.connect(own_home / "runs.sqlite3")
    old.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1;")
    columns = "id, kind, name, method, model, owner, session, phase, created, document"
    for run in ("sft-older", "sft-newer"):
        values = (run, "run", "", "sft", "m", "", "gone", "failed", 1.0, "{}")
        old.execute(f"INSERT INTO runs ({columns}) VALUES ({', '.join('?' * 10)})", values)  # noqa: S608
    old.commit()
    old.close()
    store = RunStore(own_home)
    for run in ("sft-newer", "sft-older"):
        store.resume(run)
    assert tuple(found.job for found in store.queued()) == ("sft-newer", "sft-older")
    assert store.get("sft-older").attempt == 2
    store.close()


def test_a_new_name_is_everywhere_on_one_line_and_in_bounds(store: RunStore) -> None:
    run = new_run(store, rank=16)
    named = store.create("run", {"name": "old"}, method="sft", model="m", name="old", owner="ann")
    assert store.rename(named, "  질문에\n\t답하기 ") == "질문에 답하기"
    assert store.get(named).name == store.get(named).document["name"] == "질문에 답하기"
    assert json.loads((store.folder(named) / "config.json").read_text()) == {"name": "질문에 답하기"}
    store.rename(run, "x" * 200)
    assert store.get(run).name == "x" * 80
    assert store.get(run).document == {"rank": 16}
    for empty in ("", " \n ", "\x00\x07"):
        with pytest.raises(RunError, match="A run needs a name that can be read"):
            store.rename(run, empty)
    with pytest.raises(RunError, match="There is no run"):
        store.rename("nobody", "x")
    assert store.get(run).name == "x" * 80
