"""The parts of a run, each by itself."""

import contextlib
import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, Trainer, TrainingArguments
from trl import SFTConfig, SFTTrainer
from trl.trainer import base_trainer

from playground.config.methods import METHODS
from playground.config.run import AdapterSettings, DataSettings, RunRef, TrainingSettings
from playground.config.settings import settings_of
from playground.data.splits import prepare
from playground.errors import RunError
from playground.runs.context import JobContext
from playground.training import dispatch, saving
from playground.training.arguments import trainer_arguments
from playground.training.ground import Ground
from playground.training.optimisers import optimiser_of
from playground.training.precision import Precision, choose_precision
from playground.training.rows import IGNORED, Encoding
from playground.training.samples import fixed_prompts
from playground.training.stopwatch import Stopwatch
from playground.training.undisturbed import undisturbed
from tests.training.runs import ROWS, execute, make_config, write_rows

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_every_method_of_a_config_can_be_run_and_put_into_words() -> None:
    for name, settings in METHODS.items():
        assert settings.section == name
        assert settings.words
        assert settings.headline
        assert set(settings.in_sight) <= {setting.name for setting in settings_of(settings)}
        train = dispatch.trainer_of(name)
        assert train.__module__.startswith(f"playground.training.methods.{name}")


@pytest.mark.parametrize("name", ["adamw_torch", "adamw_torch_fused", "adafactor", "sgd"])
def test_optimisers_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    arguments = TrainingArguments(str(tmp_path), optim=name, learning_rate=3e-4, weight_decay=0.1, use_cpu=True)
    kind, options = Trainer.get_optimizer_cls_and_kwargs(arguments)
    assert optimiser_of(arguments) == (kind, {**options, "weight_decay": 0.1})


def test_ppo_brings_no_more_along_than_it_needs() -> None:
    code = (
        "import sys; from playground.training.dispatch import trainer_of; trainer_of('ppo'); "
        "sys.exit(', '.join(sorted({'trl', 'datasets', 'pandas'} & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (0, [])


def test_a_failed_run_lets_go_of_its_model_while_the_error_is_looked_at(
    small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[weakref.ref[Any]] = []
    make = Ground.trainable

    def remember(*args: Any) -> Any:
        model = make(*args)
        held.append(weakref.ref(model))
        return model

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(Ground, "trainable", remember)
    monkeypatch.setattr(SFTTrainer, "compute_loss", fail)
    with pytest.raises(torch.OutOfMemoryError) as error:
        execute(make_config(small_models["llama"], write_rows(tmp_path)), tmp_path / "run")
    assert error.value.__traceback__ is not None
    assert held[0]() is None


@pytest.mark.parametrize(
    ("device", "bfloat16", "wanted", "adapter", "expected"),
    [
        (CPU, False, "auto", "lora", ("float32", "float32")),
        (CPU, False, "bfloat16", "lora", ("bfloat16", "bfloat16")),
        (CUDA, True, "auto", "lora", ("bfloat16", "bfloat16")),
        (CUDA, True, "auto", "none", ("bfloat16", "float32")),
        (CUDA, True, "float16", "lora", ("float16", "float16")),
        (CUDA, False, "auto", "none", ("float32", "float32")),
        (CUDA, False, "float16", "none", ("float16", "float32")),
    ],
)
def test_precision_by_device(
    device: torch.device,
    bfloat16: bool,
    wanted: Any,
    adapter: Any,
    expected: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bfloat16)
    chosen = choose_precision(TrainingSettings(precision=wanted), AdapterSettings(kind=adapter), device)
    assert (chosen.compute, chosen.weights) == expected


def test_bfloat16_on_an_old_gpu_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla T4")
    with pytest.raises(RunError, match=r"Tesla T4 cannot compute in training\.precision bfloat16; use auto"):
        choose_precision(TrainingSettings(precision="bfloat16"), AdapterSettings(), CUDA)


def test_models_are_named_to_the_world_without_paths(small_models: dict[str, Path]) -> None:
    assert saving.public_name("smollm2-135m-instruct") == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert saving.public_name("facebook/opt-350m") == "facebook/opt-350m"
    assert saving.public_name(str(small_models["opt"])) == "opt"
    assert saving.public_name(RunRef("abc")) == "run-abc"


def test_a_folder_is_replaced_only_when_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "adapter"
    with saving.replacing(target) as partial:
        (partial / "weights").write_text("old")
    with contextlib.suppress(KeyError), saving.replacing(target) as partial:
        (partial / "weights").write_text("half")
        raise KeyError
    assert (target / "weights").read_text() == "old"
    with saving.replacing(target) as partial:
        (partial / "weights").write_text("new")
    assert (target / "weights").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]


def test_weights_that_are_not_numbers_are_not_saved() -> None:
    model = torch.nn.Linear(2, 2)
    saving.check_finite(model)
    with torch.no_grad():
        model.bias[1] = torch.nan
    with pytest.raises(RunError, match=r"first seen in bias.*lower training\.learning_rate"):
        saving.check_finite(model)


def test_the_stopwatch_leaves_pauses_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr("playground.training.stopwatch.time.perf_counter", lambda: now[0])
    watch = Stopwatch()
    now[0] = 13.0
    with watch.paused():
        now[0] = 18.0
    now[0] = 19.0
    assert watch.total == 9.0
    assert watch.running == 4.0
    watch.restart()
    assert watch.total == watch.running == 0.0


def test_looking_at_a_model_leaves_modes_and_random_numbers_alone() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(), torch.nn.Dropout())
    model.train()
    model[2].eval()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with contextlib.suppress(KeyError), undisturbed(model):
        assert not any(module.training for module in model.modules())
        assert not model[0](torch.ones(2)).requires_grad
        torch.rand(100)
        raise KeyError
    assert [module.training for module in model.modules()] == [True, True, True, False]
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_labels_are_the_ids_in_the_loss_and_nothing_else(small_models: dict[str, Path], tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(small_models["gpt2"])
    splits = prepare(DataSettings(source=str(write_rows(tmp_path)), split=(0.8, 0.2)))
    context = JobContext("test", tmp_path, lambda _: None)
    rows = Encoding("instruction-response", tokenizer, 512, "response").rows(splits, 3, context)
    assert len(rows.train) == 19
    assert rows.held_out is not None
    assert len(rows.held_out) == 3
    for row, source in zip(rows.train, ROWS[:19], strict=True):
        learnt = [label for label in row["labels"] if label != IGNORED]
        assert tokenizer.decode(learnt) == source["output"] + tokenizer.eos_token
        assert row["input_ids"][-len(learnt) :] == learnt
        assert set(row["labels"][: -len(learnt)]) == {IGNORED}


def test_held_out_rows_that_do_not_fit_are_told_and_left_out(small_models: dict[str, Path], tmp_path: Path) -> None:
    long = [dict(row, instruction=row["instruction"] * 30) for row in ROWS[19:]]
    tokenizer = AutoTokenizer.from_pretrained(small_models["llama"])
    splits = prepare(DataSettings(source=str(write_rows(tmp_path, ROWS[:19] + long)), split=(0.8, 0.2)))
    said: list[Any] = []
    context = JobContext("test", tmp_path, said.append)
    rows = Encoding("instruction-response", tokenizer, 200, "response").rows(splits, 3, context)
    assert rows.held_out is None
    assert "held-out" in said[0].text


def test_fixed_prompts_come_from_the_test_share_and_fit(small_models: dict[str, Path], tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(small_models["opt"])
    rows = [dict(row) for row in ROWS]
    rows[19]["instruction"] *= 30
    source = str(write_rows(tmp_path, rows))
    three = prepare(DataSettings(source=source, split=(0.8, 0.1, 0.1)))
    # 19 / 2 / 3 rows: two in the test share, of which the first is too long.
    found = fixed_prompts(three, "instruction-response", tokenizer, 200)
    assert [prompt.reference for prompt in found] == [rows[20]["output"]]
    no_test = prepare(DataSettings(source=source, split=(0.75, 0.0, 0.25)))
    found = fixed_prompts(no_test, "instruction-response", tokenizer, 2000)
    assert [prompt.reference for prompt in found] == [row["output"] for row in rows[18:21]]
    assert str(tokenizer.decode(found[0].ids)).endswith("### Response:\n")


def test_nobody_outside_hears_of_a_run(
    small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("TRL told somebody")

    monkeypatch.setattr(base_trainer, "send_telemetry", tell)
    monkeypatch.delenv("CI", raising=False)
    ran = execute(make_config(small_models["llama"], write_rows(tmp_path), max_steps=1), tmp_path / "run")
    assert ran.outcome.steps == 1


def test_a_run_prints_nothing(
    small_models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_config(small_models["llama"], write_rows(tmp_path), max_steps=2, eval_steps=1, sample_steps=1)
    execute(config, tmp_path / "run")
    whole = make_config(small_models["llama"], write_rows(tmp_path), max_steps=1, adapter={"kind": "none"})
    execute(whole, tmp_path / "whole")
    said = capsys.readouterr()
    assert said.out == ""
    assert "%|" not in said.err  # no progress bars
    assert json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())["r"] == 4


def test_every_training_setting_reaches_the_trainer_or_is_used_before_it(tmp_path: Path) -> None:
    def arguments(**settings: Any) -> dict[str, Any]:
        return trainer_arguments(
            TrainingSettings(**settings), Precision("float32", "float32"), "cpu", tmp_path, evaluates=True
        )

    other = {
        "max_steps": 7,
        "epochs": 3.0,
        "batch_size": 2,
        "gradient_accumulation": 3,
        "learning_rate": 1e-3,
        "optimizer": "sgd",
        "schedule": "cosine",
        "warmup_steps": 5.0,
        "weight_decay": 0.1,
        "max_grad_norm": 0.5,
        "gradient_checkpointing": True,
        "eval_steps": 3,
        "save_steps": 3,
        "log_steps": 3,
        "report_to": "tensorboard",
        "seed": 3,
    }
    elsewhere = {"max_length", "precision", "eval_rows", "sample_steps", "sample_tokens"}
    assert other.keys() | elsewhere == {setting.name for setting in settings_of(TrainingSettings)}
    for name, value in other.items():
        changed = {key for key, given in arguments(**{name: value}).items() if given != arguments()[key]}
        assert changed, name
        assert value in {arguments(**{name: value})[key] for key in changed}, name


def test_the_trainer_gets_what_the_settings_say(tmp_path: Path) -> None:
    training = TrainingSettings(weight_decay=0.25, max_grad_norm=0.5, warmup_steps=0.1, optimizer="adafactor")
    made = SFTConfig(**trainer_arguments(training, Precision("float32", "float32"), "cpu", tmp_path, evaluates=False))
    assert (made.weight_decay, made.max_grad_norm, made.warmup_steps, made.optim) == (0.25, 0.5, 0.1, "adafactor")
    assert not made.bf16
    assert not made.activation_checkpointing
    assert not made.do_eval
