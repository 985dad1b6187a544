"""Runs and evaluations from the command line, whole, on a small model: JSON, exit codes, Ctrl-C."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.cli import main
from playground.runs.store import RunStore
from tests.evaluation.finished_runs import data_file
from tests.waiting import wait_until

RUN_KEYS = {"run", "phase", "steps", "seconds", "folder", "metrics", "error"}


@pytest.fixture
def config(small_models: dict[str, Path], tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    document = {
        "model": str(small_models["llama"]),
        "data": {"source": str(data_file(tmp_path)), "template": "instruction-response", "split": [0.5, 0.5]},
        "training": {"max_steps": 2, "batch_size": 2, "max_length": 128, "eval_steps": 0, "sample_steps": 0},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def last_json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


def test_a_run_and_its_evaluation(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", config, "--set", "training.max_steps=3", "--json"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    ran = last_json(captured.out)
    assert set(ran) == RUN_KEYS
    assert (ran["phase"], ran["steps"], ran["error"]) == ("done", 3, None)
    assert ran["metrics"]["loss"] > 0
    assert "step 3/3  loss " in captured.err
    folder = Path(ran["folder"])
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["training"]["max_steps"] == 3

    assert main(["runs", "--json"]) == 0
    assert last_json(capsys.readouterr().out) == {"runs": [ran]}

    arguments = ["evaluate", ran["run"], "--limit", "3", "--set", "generation.max_new_tokens=4"]
    file = tmp_path / "answers.csv"
    assert main([*arguments, "--json", "--examples", str(file)]) == 0
    captured = capsys.readouterr()
    scored = last_json(captured.out)
    assert (scored["run"], scored["split"], scored["examples"]) == (ran["run"], "test", 3)
    assert set(scored["base"]) == set(scored["tuned"]) == {"bleu", "chrf", "rougeL", "exact_match"}
    assert set(scored["significance"]["p"]) == set(scored["base"])
    assert f"answering {ran['run']} 3/3 rows" in captured.err
    assert [model["id"] for model in scored["models"]] == ["base", ran["run"]]
    assert len(json.loads((Path(scored["folder"]) / "examples.json").read_text(encoding="utf-8"))) == 3

    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
    assert list(rows[0])[:4] == ["instruction", "input", "output", "model_response"]
    assert [row["model"] for row in rows] == ["base", ran["run"]] * 3

    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert scored["signature"] in shown
    assert f"{scored['tuned']['chrf']:.2f}  [" in shown
    assert "may be noise" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "nowhere"], "evaluation.split must be one of train, test, validation; got 'nowhere'."),
        (["--split", "validation"], "validation share of run"),
        (["--with", "sft-nobody@3"], "There is no run 'sft-nobody'"),
        (["--examples", "answers.xlsx"], "Examples are written as .csv or .json; got 'answers.xlsx'."),
        (["--limit", "0"], "evaluation.limit must be at least 1; got 0."),
        (["--set", "generation.topp=1"], "generation.topp is not a setting; did you mean generation.top_p?"),
    ],
)
def test_a_bad_evaluation_begins_nothing(
    arguments: list[str],
    message: str,
    small_models: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.evaluation.finished_runs import finished_run

    store = RunStore()
    run = finished_run(store, small_models["llama"], data_file(tmp_path), left="nothing")
    (store.folder(run) / "adapter").mkdir()
    assert main(["evaluate", run, *arguments]) == 2
    assert message in capsys.readouterr().err
    assert store.list("evaluation") == []


def test_a_run_that_fails_ends_with_1_and_says_why(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", config, "--set", "training.max_length=8", "--json"]) == 1
    ran = last_json(capsys.readouterr().out)
    assert set(ran) == RUN_KEYS
    assert ran["phase"] == "failed"
    assert "maximum length of 8 tokens" in ran["error"]
    assert main(["evaluate", ran["run"]]) == 2
    assert "left no model to evaluate" in capsys.readouterr().err


@pytest.fixture
def endless(config: str, own_home: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in another process that has taken its first step, and would take a hundred thousand."""
    command = [sys.executable, "-m", "playground", "run", config, "--set", "training.max_steps=100000", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        store = RunStore()
        wait_until(lambda: any(record.steps for record in store.list("run")), timeout=240)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to one process")
def test_ctrl_c_stops_and_saves(endless: subprocess.Popen[str]) -> None:
    endless.send_signal(signal.SIGINT)
    out, err = endless.communicate(timeout=120)
    ran = last_json(out)
    assert endless.returncode == 130, err
    assert (ran["phase"], ran["error"]) == ("stopped", None)
    assert ran["steps"] > 0
    assert "stopping: the next step is the last" in err
    assert (Path(ran["folder"]) / "adapter" / "adapter_model.safetensors").is_file()


def test_stopping_twice_from_elsewhere_ends_it(
    endless: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    [run] = [record.id for record in RunStore().list("run")]
    if os.name != "nt":
        endless.send_signal(signal.SIGSTOP)  # so that the first request cannot be heard before the second
    assert main(["stop", run]) == 0
    assert main(["stop", run]) == 0
    assert f"Run {run} was asked to stop 2 times; it is being ended." in capsys.readouterr().out
    if os.name != "nt":
        endless.send_signal(signal.SIGCONT)
    endless.communicate(timeout=120)
    assert endless.returncode == 130
    assert RunStore().get(run).phase == "stopped"
