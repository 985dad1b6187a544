"""Runs and checkpoints go away whole, their disk comes back, and nothing goes that somebody needs."""

import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from playground.errors import Busy, RunError
from playground.runs import checkpoints, deletion, disk
from playground.runs.deletion import delete, free_checkpoints, references, sweep
from playground.runs.disk import DiskUse, Use
from playground.runs.events import Metric, Phase, PhaseChange
from playground.runs.locks import hold
from playground.runs.store import RunStore
from tests.runs.holder import holding
from tests.waiting import wait_until


def run_of(store: RunStore, phase: Phase = Phase.DONE, name: str = "A run", **document: Any) -> str:
    """A run with an adapter of 3,000 bytes and two checkpoints of 1,000 bytes each beside their seals."""
    run = store.create("run", document, method="sft", model="m", name=name, owner="ann")
    store.append(run, [PhaseChange(Phase.PREPARING), Metric(2, {"loss": 1.0})])
    folder = store.folder(run)
    (folder / "adapter").mkdir()
    (folder / "adapter" / "adapter_model.safetensors").write_bytes(b"a" * 3000)
    for step in (1, 2):
        with checkpoints.writing(folder, step, {}) as partial:
            (partial / checkpoints.name_of(step)).mkdir()
            (partial / checkpoints.name_of(step) / "weights").write_bytes(b"c" * 1000)
    if phase.terminal:
        store.finish(run, phase)
    return run


def evaluation_of(store: RunStore, run: str, phase: Phase = Phase.DONE, *others: str) -> str:
    document = {"run": run, "others": list(others), "split": "test", "generation": {"strategy": "greedy"}}
    made = store.create("evaluation", document, method="evaluation", model=run, name="Scores", owner="ann")
    if phase.terminal:
        store.append(made, [PhaseChange(Phase.PREPARING)])
        store.finish(made, phase)
    return made


def rows(store: RunStore, table: str) -> int:
    with sqlite3.connect(store.home / "runs.sqlite3") as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])  # noqa: S608


def test_a_deleted_run_leaves_nothing_and_its_disk_comes_back(store: RunStore) -> None:
    run, other = run_of(store), run_of(store)
    folder, kept = store.folder(run), disk.size_of(store.folder(other))
    whole = disk.size_of(folder)
    assert delete(store, run) == whole > 5000
    assert not folder.exists()
    with pytest.raises(RunError, match="There is no run"):
        store.get(run)
    assert [record.id for record in store.list()] == [other]
    assert rows(store, "events") == len(store.events(other).events)
    assert rows(store, "removals") == 0
    assert disk.size_of(store.folder(other)) == kept
    with pytest.raises(RunError, match="There is no run"):
        delete(store, run)


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.PREPARING])
def test_a_run_that_goes_on_in_another_process_stays_until_that_has_died(store: RunStore, phase: Phase) -> None:
    with holding(store, phase) as process:
        run = store.list()[0].id
        with pytest.raises(RunError, match=f"held .{run}. is {phase}; stop it first"):
            delete(store, run)
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not store.alive(store.get(run)), timeout=5)
        delete(store, run)
    assert store.list() == []


def test_a_run_that_has_ended_waits_for_the_lock_of_its_worker(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "LEAVING_SECONDS", 0.1)
    run = run_of(store)
    with hold(store.lock_path(run)):
        for taken in (delete, free_checkpoints):
            with pytest.raises(Busy, match="is being worked on by a process"):
                taken(store, run)
    assert store.get(run).phase is Phase.DONE
    assert store.folder(run).is_dir()


def test_what_others_stand_on_stays_and_says_who_they_are(store: RunStore) -> None:
    base = run_of(store)
    above = run_of(store, Phase.FAILED, name="On top", model={"run": base})
    run_of(store, name="Mentions it", model="m", data={"source": f"/runs/{base}/rows.json"})
    with pytest.raises(RunError, match=rf"A run .{base}. cannot be deleted: On top .{above}. began from it"):
        delete(store, base)
    assert store.folder(base).is_dir()
    delete(store, above)
    delete(store, base)
    assert len(store.list()) == 1


def test_an_evaluation_outlives_its_run_but_not_while_it_goes_on(store: RunStore) -> None:
    run = run_of(store)
    done, waiting = evaluation_of(store, run), evaluation_of(store, run, Phase.QUEUED)
    with pytest.raises(RunError, match=f"while it is evaluated by Scores .{waiting}."):
        delete(store, run)
    store.request_stop(waiting)
    delete(store, run)
    assert {record.id for record in store.list()} == {done, waiting}
    assert delete(store, done) > 0


def test_a_folder_left_by_a_process_that_died_goes_at_the_next_sweep(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, being_made = run_of(store), store.home / "runs" / "sft-being-made"
    being_made.mkdir()
    folder = store.folder(run)
    with monkeypatch.context() as cut_short:
        cut_short.setattr(deletion, "sweep", lambda _: None)
        delete(store, run)
    assert folder.is_dir()
    assert rows(store, "removals") == 1
    with monkeypatch.context() as refused:
        refused.setattr(shutil, "rmtree", refuse)
        sweep(store)
    assert rows(store, "removals") == 1
    sweep(store)
    assert not folder.exists()
    assert rows(store, "removals") == 0
    assert being_made.is_dir()  # a folder is made before its run is in the store


def refuse(path: Path) -> None:
    raise PermissionError(f"{path} is not to be removed")


def test_a_store_that_fails_in_the_middle_loses_nothing(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(store)
    connection = sqlite3.connect(store.home / "runs.sqlite3")
    connection.execute("DROP TABLE removals")
    connection.close()
    with pytest.raises(RunError, match="cannot be kept"):
        delete(store, run)
    assert store.get(run).phase is Phase.DONE
    assert store.events(run).events
    assert (store.folder(run) / "adapter").is_dir()


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.STOPPED])
def test_freed_checkpoints_leave_what_was_learnt(store: RunStore, phase: Phase) -> None:
    run = run_of(store, phase)
    folder = store.folder(run)
    before = disk.use_of(folder)
    assert 2000 < before.checkpoints < before.whole - 3000
    assert free_checkpoints(store, run) == before.checkpoints
    assert disk.use_of(folder) == Use(before.whole - before.checkpoints, 0)
    assert checkpoints.sealed(folder) == []
    assert (folder / "adapter" / "adapter_model.safetensors").stat().st_size == 3000
    assert free_checkpoints(store, run) == 0


def test_checkpoints_of_a_run_that_goes_on_stay(store: RunStore) -> None:
    run = run_of(store, Phase.PREPARING)
    with pytest.raises(RunError, match="its checkpoints can be freed once it has ended"):
        free_checkpoints(store, run)
    assert len(checkpoints.sealed(store.folder(run))) == 2


def test_freeing_that_was_cut_short_is_never_taken_for_a_checkpoint(store: RunStore) -> None:
    run = run_of(store, Phase.STOPPED)
    folder = store.folder(run)
    checkpoints.put_aside(folder)
    assert checkpoints.sealed(folder) == []
    assert disk.use_of(folder).checkpoints > 2000
    assert free_checkpoints(store, run) > 2000
    assert disk.use_of(folder).checkpoints == 0


def test_use_of_the_disk_is_measured_anew_only_where_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run" / "adapter").mkdir(parents=True)
    (tmp_path / "run" / "adapter" / "weights").write_bytes(b"1" * 100)
    (tmp_path / "elsewhere").write_bytes(b"2" * 1000)
    (tmp_path / "run" / "link").symlink_to(tmp_path / "elsewhere")
    link = (tmp_path / "run" / "link").lstat().st_size
    known = DiskUse()
    assert known.of(tmp_path / "run") == Use(100 + link, 0)
    with monkeypatch.context() as patch:
        patch.setattr(disk, "use_of", None)
        assert known.of(tmp_path / "run").whole == 100 + link
    (tmp_path / "run" / "log.txt").write_bytes(b"3" * 10)
    assert known.of(tmp_path / "run").whole == 110 + link
    (tmp_path / "run" / "adapter" / "more").write_bytes(b"4" * 5)
    assert known.of(tmp_path / "run").whole == 115 + link
    known.keep_only(set())
    assert known.of(tmp_path / "gone") == Use(0, 0)


def test_what_a_config_stands_on() -> None:
    assert references({"model": {"run": "sft-1"}, "ppo": {"reward": {"run": "reward-2"}, "seed": 1}}) == {
        "sft-1",
        "reward-2",
    }
    assert references({"run": "sft-1", "model": "run", "data": {"columns": {"run": "a", "b": "c"}}}) == set()


@pytest.mark.parametrize("at", ["", "@40"])
def test_a_run_stays_while_it_answers_beside_another(store: RunStore, at: str) -> None:
    run, other = run_of(store), run_of(store)
    waiting = evaluation_of(store, run, Phase.QUEUED, other + at)
    with pytest.raises(RunError, match=f"cannot be deleted while it is evaluated by Scores \\({waiting}\\)"):
        delete(store, other)
    store.append(waiting, [PhaseChange(Phase.PREPARING)])
    store.finish(waiting, Phase.DONE)
    delete(store, other)
