"""A few steps on the real model."""

import json
from pathlib import Path

import pytest

from tests.training.runs import execute, make_config


@pytest.mark.real
def test_smollm2_learns_four_rows_by_heart(real_home: Path, shared_data: Path, tmp_path: Path) -> None:
    config = make_config(
        "smollm2-135m-instruct",
        shared_data / "instruction-data.json",
        data={"template": "alpaca", "limit": 5},
        adapter={"rank": 16, "alpha": 32},
        max_steps=8,
        learning_rate=2e-3,
        schedule="constant",
        eval_steps=8,
        sample_steps=8,
        sample_tokens=8,
    )
    ran = execute(config, tmp_path / "run")
    assert "921,600 of 134,515,008 parameters of SmolLM2 135M Instruct" in ran.logs()
    losses = ran.values("loss")
    assert losses[-1] < losses[0] / 2
    assert [step for step, _ in ran.curve("eval_loss")] == [0, 8]
    assert [sample.step for sample in ran.samples()] == [0, 8]
    assert all(sample.answer.strip() for sample in ran.samples())
    settings = json.loads((ran.folder / "adapter" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
