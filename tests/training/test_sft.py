"""Supervised fine-tuning on small models: what is learnt, from what, and what stays as it was."""

import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.errors import DataError, ModelError, RunError
from playground.runs.events import Event, Metric, Phase, Progress
from playground.training import ground
from tests.small_models import FAMILIES
from tests.training.runs import ROWS, execute, make_config, weights_of, without_dropout, write_rows


def ids_of(row: dict[str, str], tokenizer: Any) -> tuple[list[int], list[int]]:
    """Ids of a row's prompt and of its answer, worked out without the playground."""
    prompt = f"### Instruction:\n{row['instruction']}\n\n### Input:\n{row['input']}\n\n### Response:\n"
    prompt_ids = tokenizer(prompt)["input_ids"]
    whole = tokenizer(prompt + row["output"] + tokenizer.eos_token)["input_ids"]
    assert whole[: len(prompt_ids)] == prompt_ids
    return prompt_ids, whole[len(prompt_ids) :]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_adapter_weight_moves_and_no_other(
    family: str, small_models: dict[str, Path], rows: Path, tmp_path: Path, trained: dict[str, Any]
) -> None:
    ran = execute(make_config(small_models[family], rows), tmp_path / "run")
    moved = {
        name: not torch.equal(weight, trained["before"][name]) for name, weight in weights_of(trained["model"]).items()
    }
    adapter = {name for name in moved if "lora_" in name}
    assert adapter
    assert {name for name, changed in moved.items() if changed} == adapter
    losses = ran.values("loss")
    assert losses[-1] < losses[0]
    assert ran.outcome.steps == 10
    assert not ran.outcome.stopped


@pytest.mark.parametrize("family", FAMILIES)
def test_full_fine_tuning_moves_every_weight_and_loads_again(
    family: str, small_models: dict[str, Path], rows: Path, tmp_path: Path, trained: dict[str, Any]
) -> None:
    execute(make_config(small_models[family], rows, adapter={"kind": "none"}), tmp_path / "run")
    after = weights_of(trained["model"])
    still = {name for name, weight in after.items() if torch.equal(weight, trained["before"][name])}
    # Keys' biases cancel in the softmax over keys: their gradient is zero, so rounding alone moves them.
    assert all("k_proj.bias" in name for name in still)
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model")
    assert all(torch.equal(weight, after[name]) for name, weight in weights_of(saved).items())
    assert saved.config.use_cache
    assert AutoTokenizer.from_pretrained(tmp_path / "run" / "model").eos_token
    assert not (tmp_path / "run" / "adapter").exists()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("loss_on", ["response", "all"])
def test_first_loss_is_the_cross_entropy_of_the_tokens_in_the_loss(
    family: str, loss_on: str, small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    model_folder = without_dropout(small_models[family], tmp_path / "model")
    config = make_config(model_folder, rows, data={"split": [1.0, 0.0]}, sft={"loss_on": loss_on}, batch_size=24)
    ran = execute(config, tmp_path / "run")

    model = AutoModelForCausalLM.from_pretrained(model_folder)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    total, count, right = 0.0, 0, 0
    for row in ROWS:
        prompt_ids, answer = ids_of(row, tokenizer)
        ids = prompt_ids + answer
        first = len(prompt_ids) if loss_on == "response" else 1
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0]
        targets = torch.tensor(ids[first:])
        total += functional.cross_entropy(logits[first - 1 : -1], targets, reduction="sum").item()
        right += int((logits[first - 1 : -1].argmax(-1) == targets).sum())
        count += len(targets)
    assert ran.values("loss")[0] == pytest.approx(total / count, rel=1e-4)
    assert ran.values("mean_token_accuracy")[0] == pytest.approx(right / count, abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_eight_rows_at_once_equal_eight_accumulated(
    family: str, small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    model = without_dropout(small_models[family], tmp_path / "model")
    at_once = execute(make_config(model, rows, batch_size=8, max_steps=4), tmp_path / "once")
    accumulated = execute(
        make_config(model, rows, batch_size=1, gradient_accumulation=8, max_steps=4), tmp_path / "accumulated"
    )
    assert accumulated.values("loss") == pytest.approx(at_once.values("loss"), rel=1e-4)
    assert accumulated.values("grad_norm") == pytest.approx(at_once.values("grad_norm"), rel=1e-3)
    assert accumulated.values("num_tokens") == at_once.values("num_tokens")


def test_ten_steps_show_ten_points(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    ran = execute(make_config(small_models["llama"], rows), tmp_path / "run")
    assert [step for step, _ in ran.curve("loss")] == list(range(1, 11))
    for name in ("mean_token_accuracy", "entropy", "learning_rate", "grad_norm", "tokens_per_second", "memory_gb"):
        assert len(ran.values(name)) == 10, name
        assert all(math.isfinite(value) for value in ran.values(name)), name
    assert ran.values("eta_seconds")[-1] == 0
    assert ran.values("epoch")[-1] == pytest.approx(10 / 5)
    assert ran.phases() == [Phase.RUNNING]
    progress = [event.done for event in ran.events if isinstance(event, Progress) and event.stage == "training"]
    assert progress == list(range(11))
    assert ran.outcome.metrics["loss"] == ran.values("loss")[-1]


def test_the_curve_has_its_last_point_whatever_the_interval(
    small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    ran = execute(make_config(small_models["llama"], rows, log_steps=4), tmp_path / "run")
    assert [step for step, _ in ran.curve("loss")] == [1, 4, 8, 10]


def test_epochs_count_steps_when_there_is_no_maximum(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    ran = execute(make_config(small_models["llama"], rows, max_steps=None, epochs=2), tmp_path / "run")
    assert ran.outcome.steps == 2 * math.ceil(19 / 4)


def test_the_same_seed_gives_the_same_curve(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    def losses(seed: int, name: str) -> list[float]:
        config = make_config(small_models["gpt2"], rows, adapter={"dropout": 0.3}, seed=seed)
        return execute(config, tmp_path / name).values("loss")

    assert losses(3, "one") == losses(3, "two")
    assert losses(3, "three") != losses(4, "four")


def test_samples_and_evaluations_do_not_change_the_training(
    small_models: dict[str, Path], rows: Path, tmp_path: Path, trained: dict[str, Any]
) -> None:
    def run(name: str, **training: Any) -> Any:
        # GPT-2 and the adapter drop out at random, so that a random number drawn too many would show.
        return execute(make_config(small_models["gpt2"], rows, adapter={"dropout": 0.3}, **training), tmp_path / name)

    plain = run("plain")
    watched = run("watched", sample_steps=3, sample_tokens=8, eval_steps=4, save_steps=5)
    assert watched.values("loss") == plain.values("loss")
    assert watched.values("grad_norm") == plain.values("grad_norm")
    assert all(weight.requires_grad == ("lora_" in name) for name, weight in trained["model"].named_parameters())
    assert [sample.step for sample in watched.samples()] == [step for step in (0, 3, 6, 9, 10) for _ in range(3)]
    first = watched.samples()[0]
    assert first.index == 0
    assert first.reference == ROWS[19]["output"]
    assert ROWS[19]["instruction"] in first.prompt


def test_held_out_rows_are_measured_before_during_and_after(
    small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    model_folder = without_dropout(small_models["opt"], tmp_path / "model")
    config = make_config(model_folder, rows, eval_steps=4, eval_rows=2, batch_size=2, max_steps=10)
    ran = execute(config, tmp_path / "run")
    assert [step for step, _ in ran.curve("eval_loss")] == [0, 4, 8, 10]
    assert len(ran.values("eval_mean_token_accuracy")) == 4

    model = AutoModelForCausalLM.from_pretrained(model_folder)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    total, count = 0.0, 0
    for row in ROWS[19:21]:
        prompt_ids, answer = ids_of(row, tokenizer)
        with torch.no_grad():
            logits = model(torch.tensor([prompt_ids + answer])).logits[0, len(prompt_ids) - 1 : -1]
        total += functional.cross_entropy(logits, torch.tensor(answer), reduction="sum").item()
        count += len(answer)
    assert ran.values("eval_loss")[0] == pytest.approx(total / count, rel=1e-4)


def test_without_held_out_rows_there_is_no_validation_loss(
    small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    config = make_config(small_models["llama"], rows, data={"split": [1.0, 0.0]}, eval_steps=2, sample_steps=5)
    ran = execute(config, tmp_path / "run")
    assert not ran.curve("eval_loss")
    assert "no held-out rows" in ran.logs()
    assert {sample.reference for sample in ran.samples()} == {row["output"] for row in ROWS[:3]}


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("linear", 0, [1.0, 0.75, 0.5, 0.25]),
        ("linear", 2, [0.0, 0.5, 1.0, 0.5]),
        ("linear", 0.5, [0.0, 0.5, 1.0, 0.5]),
        ("constant", 0, [1.0, 1.0, 1.0, 1.0]),
        ("constant_with_warmup", 2, [0.0, 0.5, 1.0, 1.0]),
        ("cosine", 0, [1.0, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]),
    ],
)
def test_learning_rate_follows_its_schedule(
    schedule: str, warmup: float, expected: list[float], small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    config = make_config(
        small_models["llama"], rows, schedule=schedule, warmup_steps=warmup, max_steps=4, learning_rate=1e-3
    )
    rates = execute(config, tmp_path / "run").values("learning_rate")
    assert rates == pytest.approx([1e-3 * share for share in expected])


@pytest.mark.parametrize("optimizer", ["adamw_torch", "adamw_torch_fused", "adafactor", "sgd"])
def test_every_optimizer_learns(optimizer: str, small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    rate = 1.0 if optimizer == "sgd" else 1e-2
    losses = execute(
        make_config(small_models["llama"], rows, optimizer=optimizer, learning_rate=rate), tmp_path / "run"
    ).values("loss")
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_checkpointing_changes_nothing_but_memory(
    family: str, small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    def run(checkpointing: bool) -> list[float]:
        config = make_config(
            small_models[family], rows, gradient_checkpointing=checkpointing, sample_steps=5, sample_tokens=4
        )
        return execute(config, tmp_path / f"run-{checkpointing}").values("loss")

    assert run(True) == pytest.approx(run(False), rel=1e-5)


def test_bfloat16_trains_a_float32_adapter_beside_bfloat16_weights(
    small_models: dict[str, Path], rows: Path, tmp_path: Path, trained: dict[str, Any]
) -> None:
    # A float32 run before it: accelerate keeps its settings in a global that the next run must not trip over.
    execute(make_config(small_models["llama"], rows, max_steps=1), tmp_path / "before")
    ran = execute(make_config(small_models["llama"], rows, precision="bfloat16"), tmp_path / "run")
    kinds = {("lora_" in name, weight.dtype) for name, weight in trained["model"].named_parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}
    losses = ran.values("loss")
    assert losses[-1] < losses[0]


def test_float16_without_a_gpu_is_refused_before_anything_is_loaded(
    small_models: dict[str, Path], rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "choose_device", lambda _: torch.device("cpu"))
    with pytest.raises(RunError, match="float16 needs a CUDA GPU, and this run is on cpu"):
        execute(make_config(small_models["llama"], rows, precision="float16"), tmp_path / "run")


def test_the_adapter_names_its_base_without_a_path(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    ran = execute(make_config(small_models["llama"], rows, save_steps=5), tmp_path / "run")
    settings = json.loads((ran.folder / "adapter" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "llama"
    for folder in (ran.folder / "adapter", *(ran.folder / "checkpoints").iterdir()):
        for file in folder.rglob("*"):
            if file.suffix in (".json", ".md", ".safetensors"):
                assert str(small_models["llama"]).encode() not in file.read_bytes(), file


def test_the_saved_adapter_is_what_was_trained(
    small_models: dict[str, Path], rows: Path, tmp_path: Path, trained: dict[str, Any]
) -> None:
    ran = execute(make_config(small_models["opt"], rows), tmp_path / "run")
    base = AutoModelForCausalLM.from_pretrained(small_models["opt"])
    again = PeftModel.from_pretrained(base, str(ran.folder / "adapter"))
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        expected = trained["model"].eval()(ids).logits
        torch.testing.assert_close(again.eval()(ids).logits, expected)


def test_rows_are_cut_at_max_length(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(small_models["llama"])
    lengths = []
    for row in ROWS[:19]:
        prompt_ids, answer = ids_of(row, tokenizer)
        lengths.append((len(prompt_ids), len(prompt_ids) + len(answer)))
    limit = max(prompt for prompt, _ in lengths) + 2
    config = make_config(small_models["llama"], rows, max_length=limit, max_steps=1, batch_size=19)
    ran = execute(config, tmp_path / "run")
    assert ran.values("num_tokens") == [sum(min(whole, limit) for _, whole in lengths)]
    assert f"cut at {limit} tokens" in ran.logs()


def test_a_length_beyond_the_model_is_lowered_with_a_word(small_models: dict[str, Path], tmp_path: Path) -> None:
    rows = write_rows(tmp_path, [dict(row, output=row["output"] * 60) for row in ROWS])
    ran = execute(make_config(small_models["gpt2"], rows, max_length=4096, max_steps=1), tmp_path / "run")
    assert "max_length 4096 is more than gpt2 reads; 512 is used" in ran.logs()
    assert ran.values("num_tokens") == [4 * 512]


def test_nothing_left_after_the_cut_is_a_data_error(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"None of the 19 rows .* a maximum length of 8 tokens"):
        execute(make_config(small_models["llama"], rows, max_length=8), tmp_path / "run")


def test_targets_that_do_not_exist_are_named_before_the_start(
    small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"c_attn"):
        execute(make_config(small_models["gpt2"], rows, adapter={"targets": ["q_proj"]}), tmp_path / "run")
    with pytest.raises(ModelError, match="lm_head"):
        execute(make_config(small_models["llama"], rows, adapter={"targets": ["lm_head"]}), tmp_path / "run")


def test_a_loss_that_is_not_a_number_names_its_step(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    config = make_config(
        small_models["llama"], rows, adapter={"kind": "none"}, optimizer="sgd", learning_rate=10, max_grad_norm=0,
        max_steps=60,
    )  # fmt: skip
    steps: list[int] = []

    def watch(event: Event, _: threading.Event) -> None:
        if isinstance(event, Metric):
            steps.append(event.step)

    with pytest.raises(RunError, match=r"The loss became (nan|inf) at step \d+; lower") as failed:
        execute(config, tmp_path / "run", watch)
    assert f"at step {steps[-1] + 1};" in str(failed.value)
    assert not (tmp_path / "run" / "model").exists()


def test_checkpoint_weights_equal_the_result_at_the_last_step(
    small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    ran = execute(make_config(small_models["llama"], rows, save_steps=4), tmp_path / "run")
    checkpoints = sorted((ran.folder / "checkpoints").iterdir())
    assert [folder.name for folder in checkpoints] == ["checkpoint-10", "checkpoint-8"]
    saved = load_file(checkpoints[0] / "adapter_model.safetensors")
    result = load_file(ran.folder / "adapter" / "adapter_model.safetensors")
    assert saved.keys() == result.keys()
    assert all(torch.equal(saved[name], result[name]) for name in saved)
    for part in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"):
        assert (checkpoints[0] / part).exists()
