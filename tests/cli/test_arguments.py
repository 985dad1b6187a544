"""The command line is quick to answer, and says what is wrong with what it is given."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from playground.cli import main
from playground.runs.store import RunStore

HEAVY = {"torch", "transformers", "trl", "peft", "datasets", "sacrebleu", "gradio", "evaluate", "plotly"}


def output(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """The JSON object on stdout, and what stands on stderr."""
    captured = capsys.readouterr()
    return json.loads(captured.out.splitlines()[-1]), captured.err


def write(folder: Path, document: object) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["runs"], ["models"]])
def test_light_verbs_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom playground.cli import main\n"
        "try:\n    code = main(sys.argv[1:])\nexcept SystemExit as end:\n    code = end.code\n"
        f"assert code == 0, code\nassert not {HEAVY!r} & set(sys.modules), {HEAVY!r} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for verb in ("serve", "models", "fetch", "run", "stop", "evaluate", "runs"):
        assert f"\n    {verb} " in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: VERB"),
        (["dance"], "invalid choice: 'dance'"),
        (["run"], "required: config"),
        (["serve", "--port", "99999"], "a port is a number from 1 to 65535; got '99999'"),
        (["evaluate", "x", "--limit", "many"], "invalid int value: 'many'"),
    ],
)
def test_arguments_that_cannot_be_read_end_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("document", "assignments", "message"),
    [
        ({"training": {"max_stepz": 3}}, [], "training.max_stepz is not a setting; did you mean training.max_steps?"),
        ({}, ["training.max_steps=0"], "training.max_steps must be at least 1; got 0."),
        ({}, ["training.max_steps"], "--set needs PATH=VALUE"),
        ({}, ["method=alchemy"], "method must be one of sft,"),
        ([], [], "A config must be a JSON object; got list."),
        ({}, ["data.source=nowhere.json"], "nowhere.json"),
        ({}, ["model=./nowhere"], "nowhere"),
        ({}, ['model={"run": "sft-zzzzzz"}'], "There is no run 'sft-zzzzzz'"),
    ],
)
def test_a_bad_config_begins_no_run(
    document: object, assignments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [part for assignment in assignments for part in ("--set", assignment)]
    assert main(["run", write(tmp_path, document), *sets, "--json"]) == 2
    found, said = output(capsys)
    assert message in found["error"]
    assert message in said
    assert RunStore().list() == []


def test_an_unknown_config_is_named_with_the_ready_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "sft-instrutions"]) == 2
    captured = capsys.readouterr()
    assert captured.err == "The config file sft-instrutions is not there; did you mean sft-instructions?\n"
    assert captured.out == ""


@pytest.mark.parametrize("verb", ["stop", "evaluate"])
def test_an_unknown_run_is_named_with_what_looks_like_it(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "sft-abc234"]) == 2
    assert "There is no run 'sft-abc234'; there are no runs yet." in capsys.readouterr().err
    store = RunStore()
    run = store.create("run", {}, method="sft", model="m", name="n", owner="")
    mistyped = run[:-1] + ("2" if run[-1] != "2" else "3")
    assert main([verb, mistyped]) == 2
    assert f"There is no run {mistyped!r}; did you mean {run}?" in capsys.readouterr().err
    assert main([verb, "zzzzzzzzzzzz"]) == 2
    assert f"the newest are {run};" in capsys.readouterr().err


def test_models_lists_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    found, _ = output(capsys)
    smollm = next(model for model in found["models"] if model["name"] == "smollm2-135m-instruct")
    assert smollm["hub_id"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert smollm["parameters"] == 134_515_008
    assert smollm["local"] is False
    assert main(["models"]) == 0
    assert "smollm2-135m-instruct" in capsys.readouterr().out


def test_fetching_what_does_not_exist_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "./nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_fetching_a_folder_prints_it(small_models: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", str(small_models["llama"])]) == 0
    assert Path(capsys.readouterr().out.strip()) == small_models["llama"]


def test_runs_are_listed_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--json"]) == 0
    assert output(capsys)[0] == {"runs": []}
    store = RunStore()
    first = store.create("run", {}, method="sft", model="m", name="first", owner="")
    second = store.create("run", {}, method="sft", model="m", name="second", owner="")
    store.create("evaluation", {}, method="evaluation", model=first, name="not a run", owner="")
    assert main(["runs", "--json"]) == 0
    found = output(capsys)[0]["runs"]
    assert [item["run"] for item in found] == [second, first]
    assert set(found[0]) == {"run", "phase", "steps", "seconds", "folder", "metrics", "error"}
    assert found[0]["phase"] == "queued"
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == [second, "queued"]
    assert lines[0].endswith("second")


def test_stopping_a_queued_run_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    store = RunStore()
    run = store.create("run", {}, method="sft", model="m", name="n", owner="")
    assert main(["stop", run, "--json"]) == 0
    assert output(capsys)[0] == {"run": run, "phase": "stopped", "asked": 1}
    assert main(["stop", run]) == 2
    assert "has ended (stopped)" in capsys.readouterr().err


def test_stopping_a_run_that_nobody_works_on_marks_it_as_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    store = RunStore()
    run = store.create("run", {}, method="sft", model="m", name="n", owner="")
    store.close()
    assert main(["stop", run]) == 0
    assert "marked as interrupted" in capsys.readouterr().out
    assert RunStore().get(run).phase == "interrupted"
