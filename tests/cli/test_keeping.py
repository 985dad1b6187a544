"""Runs renamed and deleted from the command line."""

import json
from typing import Any

import pytest

from playground.cli import main
from playground.runs.store import RunStore
from tests.runs.test_deletion import evaluation_of, run_of


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_runs_are_renamed_freed_and_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    store = RunStore()
    run = run_of(store)
    evaluation = evaluation_of(store, run)
    assert main(["rename", run, " Another  name", "--json"]) == 0
    assert answer(capsys) == {"run": run, "name": "Another name"}
    assert store.get(run).name == "Another name"
    assert main(["delete", run, "--checkpoints", "--json"]) == 0
    assert answer(capsys)["freed"][run] > 2000
    assert main(["delete", run, evaluation, run]) == 0
    assert "MB came back" in capsys.readouterr().out
    assert store.list() == []
    store.close()


def test_what_cannot_go_is_told_and_the_rest_goes(capsys: pytest.CaptureFixture[str]) -> None:
    store = RunStore()
    base, alone = run_of(store), run_of(store)
    above = run_of(store, model={"run": base})
    assert main(["delete", base, alone, "--json"]) == 2
    assert f"({above}) began from it" in answer(capsys)["error"]
    assert {record.id for record in store.list()} == {base, above}
    assert main(["delete", base, above]) == 0
    assert store.list() == []
    assert main(["delete", "sft-nobody"]) == 2
    assert "There is no run 'sft-nobody'" in capsys.readouterr().err
    store.close()
