"""Going on with a run through the queue and the command line: who may, from where, and that nobody else writes."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.cli import main
from playground.config.run import RunConfig
from playground.errors import Busy, RunError
from playground.jobs import resumption
from playground.jobs.executors import ThreadExecutor
from playground.jobs.manager import JobManager
from playground.jobs.resumption import resumable
from playground.jobs.submission import submit
from playground.runs import checkpoints
from playground.runs.context import JobContext
from playground.runs.events import Metric, Phase, PhaseChange, Resumed
from playground.runs.locks import hold
from playground.runs.store import RunStore
from tests.jobs.conftest import Document, Training, phases_of, steps_of, wait_for, wait_for_step
from tests.jobs.test_worker import Trained
from tests.runs.holder import holding
from tests.waiting import wait_until

STEPS = 6


def checkpoint(folder: Path, step: int) -> None:
    """A checkpoint of nothing."""
    with checkpoints.writing(folder, step, {}) as partial:
        (partial / f"checkpoint-{step}").mkdir()
        (partial / f"checkpoint-{step}" / "weights").write_bytes(b"weights")


@pytest.fixture
def gate(training_is: Callable[[Training], None]) -> threading.Event:
    """Training of six steps with a checkpoint every two, which fails after the fifth while the gate is closed."""
    gate = threading.Event()

    def train(config: RunConfig, context: JobContext) -> Trained:
        found = checkpoints.sealed(context.folder)
        begun_at = found[0].step if found else 0
        if context.attempt > 1:
            context.emit(Resumed(begun_at or -1))
        context.running()
        for step in range(begun_at + 1, STEPS + 1):
            context.emit(Metric(step, {"loss": context.attempt + step / 10, "learning_rate": 1.0}))
            if step % 2 == 0:
                checkpoint(context.folder, step)
            if step == 5 and not gate.is_set():
                context.settle()
                raise RunError("The gate is closed.")
        return Trained(STEPS)

    training_is(train)
    return gate


@pytest.fixture
def manager(store: RunStore) -> Iterator[JobManager]:
    manager = JobManager(store, ThreadExecutor())
    yield manager
    manager.close()


def test_a_failed_run_goes_on_under_its_id(store: RunStore, manager: JobManager, gate: threading.Event) -> None:
    run = manager.submit("run", {})
    wait_for(store, run)
    assert (store.get(run).phase, store.get(run).steps) == (Phase.FAILED, 5)
    assert resumable(store.get(run), store.folder(run))
    gate.set()
    manager.resume(run)
    wait_until(lambda: store.get(run).phase is Phase.DONE, 20)
    assert [run] == [record.id for record in store.list()]
    assert phases_of(store, run) == [
        *(Phase.QUEUED, Phase.PREPARING, Phase.RUNNING, Phase.FAILED),
        *(Phase.QUEUED, Phase.PREPARING, Phase.RUNNING, Phase.DONE),
    ]
    assert steps_of(store, run) == [1, 2, 3, 4, 5, 6]
    record = store.get(run)
    result = json.loads((store.folder(run) / "result.json").read_text())
    assert record.result == result
    assert (result["phase"], result["steps"], result["error"]) == ("done", 6, None)
    assert result["seconds"] >= record.spent > 0
    assert record.metrics == {"loss": 2.6, "learning_rate": 1.0}


def test_what_a_resumed_run_has_not_measured_again_stands_in_its_result(
    store: RunStore, manager: JobManager, training_is: Callable[[Training], None]
) -> None:
    def train(config: RunConfig, context: JobContext) -> Trained:
        context.running()
        if context.attempt == 1:
            context.emit(Metric(2, {"eval_loss": 7.0}))
            context.emit(Metric(3, {"eval_loss": 9.0}))
            context.settle()
            checkpoint(context.folder, 2)
            raise RunError("Not yet.")
        context.emit(Resumed(2))
        context.emit(Metric(3, {"loss": 1.0}))
        return Trained(3)

    training_is(train)
    run = manager.submit("run", {})
    wait_for(store, run)
    manager.resume(run)
    wait_until(lambda: store.get(run).phase is Phase.DONE, 20)
    result = store.get(run).result
    assert result
    assert result["metrics"] == {"eval_loss": 7.0, "loss": 1 / 3}
    assert store.last_metrics(run) == {"eval_loss": 7.0, "loss": 1.0}


def test_who_cannot_go_on_is_told_why(store: RunStore, manager: JobManager, gate: threading.Event) -> None:
    gate.set()
    done = manager.submit("run", {})
    wait_for(store, done)
    with pytest.raises(RunError, match=f"Run {done} is done; to train further, start a run on top of it"):
        manager.resume(done)
    with pytest.raises(RunError, match="There is no run 'sft-nosuch'"):
        manager.resume("sft-nosuch")
    evaluation = store.create("evaluation", {}, method="evaluation", model=done, name="", owner="")
    store.request_stop(evaluation)
    with pytest.raises(RunError, match="is an evaluation, which cannot be resumed"):
        manager.resume(evaluation)
    bare = submit(store, "run", {})
    store.append(bare, [PhaseChange(Phase.PREPARING), Metric(1, {"loss": 1.0})])
    store.finish(bare, Phase.FAILED, "It broke.")
    assert not resumable(store.get(bare), store.folder(bare))
    with pytest.raises(RunError, match=rf"Run {bare} \(failed\) left no checkpoint that is whole; start it again"):
        manager.resume(bare)


def test_an_interrupted_run_that_never_took_a_step_begins(
    store: RunStore, manager: JobManager, gate: threading.Event
) -> None:
    gate.set()
    run = submit(RunStore(store.home), "run", {})
    store.finish(run, Phase.INTERRUPTED, "The app ended before this began; resume it.")
    assert resumable(store.get(run), store.folder(run))
    manager.resume(run)
    wait_until(lambda: store.get(run).phase is Phase.DONE, 20)
    assert steps_of(store, run) == [1, 2, 3, 4, 5, 6]


def test_a_run_that_goes_on_elsewhere_has_one_writer(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    with holding(store, Phase.PREPARING) as process:
        run = store.list()[0].id
        assert main(["resume", run]) == 2
        assert f"Run {run} is preparing and somebody works on it" in capsys.readouterr().err
        store.finish(run, Phase.INTERRUPTED)  # as somebody would who takes it for dead
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resumption, "LEAVING_SECONDS", 0.1)
            with pytest.raises(Busy, match=f"Run {run} is being worked on by another process"):
                resumption.resume(store, run)
        process.kill()
        process.wait()
    resumption.resume(store, run)
    assert store.get(run).phase is Phase.QUEUED


def test_what_the_dead_left_is_resumed_without_asking_for_a_recovery_first(store: RunStore) -> None:
    with holding(store, Phase.PREPARING) as process:
        run = store.list()[0].id
        process.kill()
        process.wait()
    resumption.resume(store, run)
    assert phases_of(store, run)[-2:] == [Phase.INTERRUPTED, Phase.QUEUED]


def test_of_two_who_resume_at_once_one_does(store: RunStore, manager: JobManager, gate: threading.Event) -> None:
    run = manager.submit("run", {})
    wait_for(store, run)
    gate.set()
    together = threading.Barrier(2)
    refused: list[str] = []

    def resume() -> None:
        together.wait()
        try:
            manager.resume(run)
        except RunError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=resume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    wait_until(lambda: store.get(run).phase is Phase.DONE, 20)
    assert store.get(run).attempt == 2


def test_a_resumed_run_is_stopped_while_it_waits_and_can_go_on_after(
    store: RunStore, manager: JobManager, gate: threading.Event
) -> None:
    run = manager.submit("run", {})
    wait_for(store, run)
    lock = hold(store.lock_path(run))
    lock.release()
    manager.close()
    resumption.resume(store, run)
    assert store.request_stop(run) == 1
    assert store.get(run).phase is Phase.STOPPED
    assert resumable(store.get(run), store.folder(run))


def test_the_command_line_goes_on_where_it_was_stopped(
    store: RunStore, document: Document, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(document(max_steps=120)))

    def stop() -> None:
        wait_until(store.list, 60)
        run = store.list()[0].id
        wait_for_step(store, run, 3)
        store.request_stop(run)

    stopper = threading.Thread(target=stop)
    stopper.start()
    assert main(["run", str(config), "--json"]) == 130
    stopper.join()
    stopped: dict[str, Any] = json.loads(capsys.readouterr().out)
    run = stopped["run"]
    assert stopped["phase"] == "stopped"
    assert 3 <= stopped["steps"] < 120
    assert main(["resume", run, "--json"]) == 0
    captured = capsys.readouterr()
    done = json.loads(captured.out)
    assert set(done) == set(stopped)
    assert (done["run"], done["phase"], done["steps"]) == (run, "done", 120)
    assert done["seconds"] > stopped["seconds"]
    assert f"Goes on from the checkpoint of step {stopped['steps']}." in captured.err
    assert steps_of(store, run) == list(range(1, 121))
    assert main(["resume", run]) == 2
    assert f"Run {run} is done" in capsys.readouterr().err
    assert main(["resume", "sft-nosuch"]) == 2
