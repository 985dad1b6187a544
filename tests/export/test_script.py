"""The script and the notebook of a run, run: the same losses, without the playground."""

import ast
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from trl import SFTConfig

from playground.config.run import AdapterSettings, TrainingSettings
from playground.export import sft
from playground.export.bundle import NOTEBOOK, SCRIPT, export
from playground.runs.store import RunStore
from playground.training.arguments import trainer_arguments
from playground.training.precision import choose_precision
from tests.export.runs import curve, done_run, losses, order_of, run_notebook, run_script
from tests.training.runs import write_rows

CHATS = [
    {
        "messages": [
            {"role": "user", "content": f"What about the {noun}?"},
            {"role": "assistant", "content": f"The {noun} is here."},
            {"role": "user", "content": "And the plot?"},
            {"role": "assistant", "content": f"The plot of the {noun} was dull."},
        ]
    }
    for noun in ("film", "capital", "user", "task", "joy", "day", "park", "response", "sentence", "request")
]
SEAMS = [
    {"instruction": f"{noun}:", "output": "t is the capital of France?"}
    for noun in ("user", "system", "film", "plot", "joy")
] * 2
"""Answers that a token of their prompt would swallow."""
CUSTOM = {"template": "custom", "custom_template": "Q: {instruction} ({input}) A:{output}!"}
RUNS: dict[str, dict[str, Any]] = {
    "llama": {"family": "llama"},
    "gpt2-whole": {
        "family": "gpt2",
        "adapter": {"kind": "none"},
        "training": {"learning_rate": 1e-3, "gradient_accumulation": 2, "batch_size": 2, "max_steps": 2},
    },
    "gpt2-lora": {
        "family": "gpt2",
        "sft": {"loss_on": "all", "key_tokens": ["Ġfil", "Q"], "key_token_alpha": 0.5},
        "data": CUSTOM,
    },
    "opt-epochs": {
        "family": "opt",
        "data": {"template": "human-assistant", "seed": 3},
        "training": {
            "max_steps": None, "epochs": 1.5, "schedule": "cosine", "warmup_steps": 0.25, "weight_decay": 0.01,
            "max_grad_norm": 0.5, "log_steps": 3, "eval_steps": 0, "optimizer": "adafactor", "seed": 7,
            "max_length": 96,
        },
    },
    "llama-chat": {
        "family": "llama",
        "rows": CHATS,
        "data": {"template": "chat"},
        "training": {"gradient_checkpointing": True, "save_steps": 2, "max_steps": 2, "precision": "bfloat16"},
    },
    "llama-tokens": {
        "family": "llama",
        "rows": SEAMS,
        "data": {"template": "custom", "custom_template": "{instruction}\n\nHuman: Wha{output}"},
    },
}  # fmt: skip


@pytest.fixture
def store() -> Any:
    made = RunStore()
    yield made
    made.close()


@pytest.mark.parametrize("name", RUNS)
def test_a_script_gives_the_losses_of_its_run(
    name: str, small_models: dict[str, Path], store: RunStore, tmp_path: Path
) -> None:
    settings = dict(RUNS[name])
    model, source = small_models[settings.pop("family")], write_rows(tmp_path, settings.pop("rows", None))
    run = done_run(store, model, source, **settings)
    export(order_of(run, store), tmp_path / "out", ["script"])
    script = tmp_path / "out" / SCRIPT
    check_source(script)
    found = run_script(script)
    assert losses(found) == pytest.approx(curve(store, run, "loss"), abs=1e-5)
    assert losses(found, "eval_loss") == pytest.approx(curve(store, run, "eval_loss"), abs=1e-5)
    assert len(losses(found)) >= 2
    assert ("input_ids" in (tmp_path / "out" / "train.jsonl").read_text()) == (name == "llama-tokens")
    left = "adapter_model.safetensors" if settings.get("adapter", {}).get("kind") != "none" else "model.safetensors"
    assert (tmp_path / "out" / "out" / left).is_file()


def check_source(script: Path) -> None:
    """Valid, linted, formatted, of nobody's machine."""
    text = script.read_text(encoding="utf-8")
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                     [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
    }  # fmt: skip
    assert imported <= {"pathlib", "torch", "transformers", "trl", "peft", "datasets"}
    assert str(script.parent.parent) not in text
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--line-length", "100"]
    rules = ["--select", "E,F,I,W,UP,B,SIM,RUF", "--ignore", "RUF001,RUF002,RUF003"]
    for command in (["check", *options, *rules], ["format", "--diff", *options]):
        ended = subprocess.run([*ruff, *command, str(script)], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_notebook_is_valid_and_gives_the_losses_too(
    small_models: dict[str, Path], store: RunStore, tmp_path: Path
) -> None:
    run = done_run(store, small_models["llama"], write_rows(tmp_path))
    export(order_of(run, store), tmp_path / "out", ["notebook"])
    notebook = nbformat.read(tmp_path / "out" / NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds.count("markdown") >= kinds.count("code") - 1 >= 7
    assert losses(run_notebook(tmp_path / "out" / NOTEBOOK)) == pytest.approx(curve(store, run, "loss"), abs=1e-5)


def test_tiny_is_repeated_on_its_own_machine_and_on_any_other(store: RunStore, tmp_path: Path) -> None:
    run = done_run(store, "tiny", "lumen-instructions", data={"split": None}, training={"max_steps": 3})
    export(order_of(run, store), tmp_path / "out", ["script"])
    moved = tmp_path / "elsewhere"
    (tmp_path / "out").rename(moved)
    store.folder(run).rename(tmp_path / "gone")
    assert losses(run_script(moved / SCRIPT)) == pytest.approx(curve(store, run, "loss"), abs=1e-5)


def test_a_run_on_a_run_brings_the_model_it_stood_on(
    small_models: dict[str, Path], store: RunStore, tmp_path: Path
) -> None:
    source = write_rows(tmp_path)
    first = done_run(store, small_models["llama"], source)
    second = done_run(store, {"run": first}, source, training={"seed": 5})
    export(order_of(second, store), tmp_path / "out", ["script"])
    assert losses(run_script(tmp_path / "out" / SCRIPT)) == pytest.approx(curve(store, second, "loss"), abs=1e-5)


def test_what_a_script_leaves_unsaid_is_what_trl_does() -> None:
    defaults = {found.name: found.default for found in dataclasses.fields(SFTConfig)}
    differing = {
        name: (value, defaults[name])
        for name, value in sft.USUAL.items()
        if defaults[name] != value and (name, defaults[name]) != ("warmup_steps", 0)
    }
    assert not differing
    training = TrainingSettings()
    precision = choose_precision(training, AdapterSettings(), __import__("torch").device("cpu"))
    ours = trainer_arguments(training, precision, "cpu", Path("out"), evaluates=True)
    assert set(sft.USUAL) | sft.UNTOLD <= set(ours)
