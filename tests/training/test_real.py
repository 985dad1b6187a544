"""A few steps on the real model."""

import json
from pathlib import Path

import pytest

from tests.training.runs import execute, make_config


@pytest.mark.real
def test_smollm2_learns_in_a_few_steps(real_home: Path, shared_data: Path, tmp_path: Path) -> None:
    config = make_config(
        "smollm2-135m-instruct",
        shared_data / "instruction-data.json",
        data={"template": "alpaca", "split": [0.85, 0.10, 0.05], "limit": 40},
        adapter={"rank": 16, "alpha": 32},
        max_steps=6,
        batch_size=2,
        learning_rate=3e-3,
        schedule="constant",
        eval_steps=6,
        eval_rows=2,
        sample_steps=6,
        sample_tokens=8,
    )
    ran = execute(config, tmp_path / "run")
    assert "921,600 of 134,515,008 parameters of SmolLM2 135M Instruct" in ran.logs()
    before, after = ran.values("eval_loss")
    assert after < before - 0.3
    assert [sample.step for sample in ran.samples()] == [0, 0, 0, 6, 6, 6]
    assert all(sample.answer.strip() for sample in ran.samples())
    settings = json.loads((ran.folder / "adapter" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
