"""What can be wrong with the file under the store, each in a sentence."""

import sqlite3
from pathlib import Path

import pytest

from playground.errors import RunError
from playground.runs.database import StoreUnavailable
from playground.runs.events import Log, Phase, PhaseChange
from playground.runs.store import RunStore


def test_a_home_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="Runs cannot be kept at"):
        RunStore(tmp_path / "file")


def test_a_damaged_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite3").write_text("this is no database, and long enough to be looked at " * 20)
    with pytest.raises(StoreUnavailable, match="not a database"):
        RunStore(tmp_path)


def test_tables_of_a_newer_playground_are_left_alone(store: RunStore) -> None:
    connection = sqlite3.connect(store.home / "runs.sqlite3")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RunError, match=r"version 99, from a newer playground"):
        RunStore(store.home)


def test_a_database_that_stays_locked_is_a_sentence(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create("run", {}, method="sft", model="m", name="", owner="")
    store.append(run, [PhaseChange(Phase.PREPARING)])
    monkeypatch.setattr("playground.runs.database.BUSY_SECONDS", 0.2)
    impatient = RunStore(store.home)
    other = sqlite3.connect(store.home / "runs.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        impatient.append(run, [Log("x")])
    assert len(impatient.events(run).events) == 2  # readers do not wait for writers
    other.execute("ROLLBACK")
    other.close()
    impatient.append(run, [Log("y")])
    impatient.close()
