"""ORPO on small models: the loss by hand on the first batch, what is told, and a run that goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from playground.config.codec import decode
from playground.config.run import RunConfig
from playground.core.losses import IGNORED, orpo_loss, sequence_logps
from playground.runs.events import Snapshot
from playground.training.methods.orpo import WatchedORPOTrainer
from tests.training.runs import execute
from tests.training.test_dpo import PAIRS
from tests.training.test_resume import History, stop_at


def make_config(model: Path, folder: Path, **training: Any) -> RunConfig:
    source = folder / "pairs.json"
    source.write_text(json.dumps(PAIRS))
    quick = {"max_steps": 6, "batch_size": 4, "learning_rate": 1e-2, "eval_steps": 3, "sample_steps": 0}
    return decode(
        {
            "method": "orpo",
            "model": str(model),
            "data": {"source": str(source), "template": "human-assistant", "split": [0.75, 0.25]},
            "adapter": {"rank": 4, "alpha": 8, "dropout": 0.0},
            "training": quick | {"sample_tokens": 6} | training,
            "orpo": {"beta": 0.3, "kl_prompts": 2},
        }
    )


def test_a_run_learns_what_the_loss_says(
    small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = WatchedORPOTrainer._compute_loss
    compared: list[float] = []

    def compare(trainer: Any, model: Any, inputs: Any, return_outputs: bool) -> Any:
        loss = compute(trainer, model, inputs, return_outputs)
        if model.training:
            labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, IGNORED)
            with torch.no_grad():
                logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
            logps, tokens = sequence_logps(logits, labels), (labels[:, 1:] != IGNORED).sum(dim=1)
            ours = orpo_loss(*logps.chunk(2), *tokens.chunk(2), weight=0.3).total
            compared.append(abs(loss.item() - ours.item()))
        return loss

    monkeypatch.setattr(WatchedORPOTrainer, "_compute_loss", compare)
    ran = execute(make_config(small_models["llama"], tmp_path), tmp_path / "run")
    assert len(compared) == 6
    assert max(compared) < 1e-4
    losses, odds = ran.values("loss"), ran.values("log_odds_ratio")
    assert losses[-1] < losses[0]
    assert odds[-1] > odds[0]
    for loss, nll, part in zip(losses, ran.values("nll_loss"), ran.values("odds_loss"), strict=True):
        assert loss == pytest.approx(nll + 0.3 * part, abs=1e-4)
    assert {step for step, _ in ran.curve("eval_loss")} == {0, 3, 6}
    assert ran.values("eval_objective/kl")[0] == pytest.approx(0, abs=1e-5)
    assert {event.step for event in ran.events if isinstance(event, Snapshot)} == {0, 3, 6}
    weights = load_file(ran.folder / "adapter" / "adapter_model.safetensors")
    assert all(weight.abs().sum() > 0 for name, weight in weights.items() if "lora_B" in name)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(small_models: dict[str, Path], tmp_path: Path) -> None:
    config = make_config(small_models["llama"], tmp_path)
    whole = execute(config, tmp_path / "whole")
    history = History(tmp_path / "parts")
    history.attempt(config, 1, stop_at(3))
    history.attempt(config, 2)
    for name in ("loss", "log_odds_ratio", "grad_norm"):
        assert history.curve(name) == whole.curve(name)
