"""KTO on small models: pairs taken apart, the loss at the reference and by hand, and a run that goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset

from playground.config.codec import decode
from playground.config.run import RunConfig
from playground.core.losses import IGNORED, sequence_logps
from playground.errors import ConfigError, DataError, ModelError
from playground.training.methods.kto import WatchedKTOTrainer, unpaired
from tests.training.runs import execute, weights_of, write_rows
from tests.training.test_dpo import PAIRS
from tests.training.test_resume import History, stop_at


def make_config(model: Path, source: Path, *, adapter: Any = None, kto: Any = None, **training: Any) -> RunConfig:
    quick = {"max_steps": 6, "batch_size": 6, "learning_rate": 1e-2, "eval_steps": 0, "sample_steps": 0}
    return decode(
        {
            "method": "kto",
            "model": str(model),
            "data": {"source": str(source), "template": "human-assistant", "split": [0.75, 0.25]},
            "adapter": {"rank": 4, "alpha": 8, "dropout": 0.0} | (adapter or {}),
            "training": quick | {"sample_tokens": 6} | training,
            "kto": kto or {},
        }
    )


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(PAIRS))
    return path


def test_pairs_become_single_answers_with_a_neighbours_beside_them() -> None:
    pairs = Dataset.from_list(
        [{"prompt_ids": [9, place], "chosen_ids": [1, place], "rejected_ids": [0, place]} for place in range(5)]
    )
    rows = list(unpaired(pairs, batch_size=4, seed=3))
    assert sorted((row["prompt_ids"][1], row["label"]) for row in rows) == [
        (place, label) for place in range(5) for label in (False, True)
    ]
    assert all(row["completion_ids"] == [int(row["label"]), row["prompt_ids"][1]] for row in rows)
    for start, size in ((0, 4), (4, 4), (8, 2)):
        batch = rows[start : start + size]
        shifted = [row["completion_ids"] for row in (batch[-1], *batch[:-1])]
        assert [row["KL_completion_ids"] for row in batch] == shifted
    assert rows == list(unpaired(pairs, batch_size=4, seed=3)) != list(unpaired(pairs, batch_size=4, seed=4))


def test_a_run_from_the_reference_to_better_answers(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, Any] = {}
    train_from, compute = WatchedKTOTrainer.train_from, WatchedKTOTrainer.compute_loss

    def remember(trainer: Any, start: Any) -> None:
        found["model"], found["before"] = trainer.model, weights_of(trainer.model)
        train_from(trainer, start)

    def compare(trainer: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        loss = compute(trainer, model, inputs, *args, **kwargs)
        if not model.training:
            return loss

        def ratios(prefix: str) -> torch.Tensor:
            ids, mask = inputs[f"{prefix}input_ids"], inputs[f"{prefix}attention_mask"]
            labels = ids.masked_fill(inputs[f"{prefix}completion_mask"] == 0, IGNORED)
            with torch.no_grad():
                policy = sequence_logps(model(input_ids=ids, attention_mask=mask).logits, labels)
                with model.disable_adapter():
                    return policy - sequence_logps(model(input_ids=ids, attention_mask=mask).logits, labels)

        # Ethayarajh et al. 2024, eq. 8, good answers weighted by 2.
        rho, shift = ratios(""), ratios("KL_").mean().clamp(min=0)
        good = torch.as_tensor(inputs["label"])
        costs = torch.where(good, 2 * (1 - torch.sigmoid(0.3 * (rho - shift))), 1 - torch.sigmoid(0.3 * (shift - rho)))
        assert loss.item() == pytest.approx(costs.mean().item(), rel=1e-4)
        found["steps"] = trainer.state.global_step
        return loss

    monkeypatch.setattr(WatchedKTOTrainer, "train_from", remember)
    monkeypatch.setattr(WatchedKTOTrainer, "compute_loss", compare)
    config = make_config(small_models["gpt2"], pairs, kto={"beta": 0.3, "desirable_weight": 2.0}, eval_steps=3)
    ran = execute(config, tmp_path / "run")
    assert found["steps"] == 5
    moved = {
        name for name, weight in weights_of(found["model"]).items() if not torch.equal(weight, found["before"][name])
    }
    assert moved == {name for name in found["before"] if "lora_" in name}
    assert ran.values("eval_rewards/chosen")[0] == pytest.approx(0, abs=1e-5)
    assert ran.values("eval_objective/kl")[0] == pytest.approx(0, abs=1e-6)
    assert ran.values("eval_objective/kl")[-1] > 0
    assert ran.values("eval_rewards/margins")[-1] > 0
    assert (ran.folder / "adapter" / "adapter_model.safetensors").is_file()


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path
) -> None:
    config = make_config(
        small_models["llama"], pairs, adapter={"dropout": 0.2}, eval_steps=4, gradient_accumulation=2, batch_size=4
    )
    whole, resumed = History(tmp_path / "whole"), History(tmp_path / "resumed")
    whole.attempt(config, 1)
    resumed.attempt(config, 1, stop_at(3))
    resumed.attempt(config, 2)
    for name in ("loss", "eval_loss", "rewards/margins", "kl", "eval_rewards/margins", "eval_objective/kl"):
        assert whole.curve(name) == resumed.curve(name) != [], name
    ours, theirs = whole.weights(), resumed.weights()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_what_cannot_be_learnt_is_refused(small_models: dict[str, Path], pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="batch_size must be at least 2 for KTO"):
        execute(make_config(small_models["llama"], pairs, batch_size=1), tmp_path / "run")
    with pytest.raises(ModelError, match="lm_head for KTO"):
        execute(make_config(small_models["llama"], pairs, adapter={"targets": ["lm_head"]}), tmp_path / "run")
    with pytest.raises(DataError, match="kto needs chosen and rejected answers"):
        execute(make_config(small_models["llama"], write_rows(tmp_path)), tmp_path / "run")
