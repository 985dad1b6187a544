"""Labels by prompt tuning from the command line: run, evaluate beside LoRA, take away, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel
from transformers import AutoModelForCausalLM

from playground.cli import main
from playground.core.intervals import wilson
from playground.errors import ModelError
from playground.jobs.submission import submit
from playground.runs.store import RunStore
from tests.cli.test_jobs import last_json

WORDS = {"0": "dull", "1": "a joy"}


@pytest.fixture
def config(small_models: dict[str, Path], tmp_path: Path) -> str:
    """SST-2's columns in a TSV file; twelve rows to learn from and twelve held out."""
    rows = tmp_path / "reviews.tsv"
    with rows.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([["label", "content"], *([place % 2, f"the film was {place} long"] for place in range(24))])
    path = tmp_path / "config.json"
    document = {
        "model": str(small_models["gpt2"]),
        "data": {"source": str(rows), "template": "classification", "verbalizer": WORDS, "split": [0.5, 0.5]},
        "adapter": {"kind": "prompt_tuning", "num_virtual_tokens": 3, "prompt_tuning_init_text": "The film"},
        "training": {"max_steps": 2, "batch_size": 4, "learning_rate": 0.1, "eval_steps": 2, "sample_steps": 2}
        | {"sample_tokens": 2},
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_prompt_tuning_beside_lora_and_zero_shot(
    config: str, small_models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*changes: str) -> dict[str, Any]:
        assert main(["run", config, "--json", *changes]) == 0
        return last_json(capsys.readouterr().out)

    tuned, lora = run(), run("--set", "adapter.kind=lora", "--set", "adapter.rank=2")
    assert 0 <= tuned["metrics"]["eval_label_accuracy"] <= 1

    arguments = ["evaluate", tuned["run"], "--set", f"others={json.dumps([lora['run']])}"]
    assert main([*arguments, "--set", "generation.max_new_tokens=3", "--json"]) == 0
    scored = last_json(capsys.readouterr().out)
    assert scored["labels_by"] == "probability"
    base, prompt, other = scored["models"]
    assert [model["id"] for model in scored["models"]] == ["base", tuned["run"], lora["run"]]
    # 3 × 32; rank 2 on c_attn (32 → 96) and c_proj (32 → 32 and 128 → 32) of two layers.
    trained = [model["trained_parameters"] for model in (base, prompt, other)]
    assert trained == [0, 96, 2 * 2 * ((32 + 96) + (32 + 32) + (128 + 32))]
    for model in (base, prompt, other):
        confusion = model["confusion"]
        assert confusion["labels"] == ["dull", "a joy"]
        assert sum(map(sum, confusion["counts"])) == 12
        assert all(line[-1] == 0 for line in confusion["counts"]), "every row is given one of the labels"
        right = sum(line[place] for place, line in enumerate(confusion["counts"]))
        assert model["scores"]["accuracy"] == confusion["accuracy"] == right / 12
        assert confusion["interval"] == pytest.approx(list(wilson(right / 12, 12)))
    assert prompt["scores"]["accuracy"] == tuned["metrics"]["eval_label_accuracy"], "live on the same rows"

    out = tmp_path / "out"
    assert main(["export", tuned["run"], "--to", str(out)]) == 0
    assert {path.name for path in out.iterdir()} >= {"adapter", "config.json", "base"}
    assert not (out / "merged").exists()
    card = (out / "adapter" / "README.md").read_text()
    assert "A soft prompt, learnt by prompt tuning" in card
    assert "| adapter.num_virtual_tokens | 3 |" in card
    assert "adapter.rank" not in card
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(out / "base"), str(out / "adapter"))

    with pytest.raises(ModelError, match="cannot be merged into weights"):
        submit(RunStore(), "run", {"model": {"run": tuned["run"]}})
