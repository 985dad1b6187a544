"""DPO on small models: the loss, whom the policy is held to, what is learnt, and what the live figures are told."""

import json
import math
import threading
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from playground.config import codec
from playground.config.codec import decode
from playground.config.methods.dpo import DPOSettings
from playground.config.rewards import TrainedReward
from playground.config.run import RunConfig, RunRef
from playground.config.settings import setting
from playground.core.losses import IGNORED, PreferenceLoss, dpo_loss, sequence_logps, token_logps
from playground.errors import ConfigError, DataError, ModelError
from playground.models.adapters import attach_lora
from playground.models.loading import load
from playground.runs.home import runs_folder
from playground.training import ground, held_policy
from playground.training.methods.dpo import WatchedDPOTrainer
from tests.small_models import FAMILIES
from tests.training import runs as sft
from tests.training.runs import execute, weights_of
from tests.training.test_resume import History, stop_at

PAIRS = [
    {
        "prompt": f"Describe the {noun}.",
        "chosen": f"The {noun} goes to the {place}{mark}",
        "rejected": f"The {noun} was dull and far too long{mark}{mark}",
    }
    for noun in ("film", "capital", "user", "Paris")
    for place in ("park", "plot", "request")
    for mark in (".", "!")
]
"""24 pairs; 75 % of them are 18."""
TRL = ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies", "logps/chosen", "logps/rejected")


def make_config(
    model: Path | str | dict[str, str], source: Path, *, adapter: Any = None, dpo: Any = None, **training: Any
) -> RunConfig:
    quick = {"max_steps": 6, "batch_size": 4, "learning_rate": 1e-2, "eval_steps": 0, "sample_steps": 0}
    return decode(
        {
            "method": "dpo",
            "model": model if isinstance(model, dict) else str(model),
            "data": {"source": str(source), "template": "human-assistant", "split": [0.75, 0.25]},
            "adapter": {"rank": 4, "alpha": 8, "dropout": 0.0} | (adapter or {}),
            "training": quick | {"sample_tokens": 6} | training,
            "dpo": dpo or {},
        }
    )


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(PAIRS))
    return path


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The next run's trainer, and the weights of policy and reference before the first step."""
    found: dict[str, Any] = {}
    train_from = WatchedDPOTrainer.train_from

    def remember(trainer: Any, start: Any) -> None:
        found["trainer"] = trainer
        found["before"] = weights_of(trainer.model)
        found["reference"] = weights_of(trainer.ref_model) if trainer.ref_model else {}
        train_from(trainer, start)

    monkeypatch.setattr(WatchedDPOTrainer, "train_from", remember)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_at_the_first_step_the_loss_is_log_2_and_nothing_is_rewarded(
    family: str, small_models: dict[str, Path], pairs: Path, tmp_path: Path
) -> None:
    # GPT-2 and OPT drop out at random as they are saved; policy and reference would differ by that alone.
    ran = execute(make_config(small_models[family], pairs, eval_steps=6, adapter={"dropout": 0.3}), tmp_path / "run")
    for prefix in ("", "eval_"):
        assert ran.values(f"{prefix}loss")[0] == pytest.approx(math.log(2), abs=1e-6)
        for name in ("chosen", "rejected", "margins"):
            assert ran.values(f"{prefix}rewards/{name}")[0] == pytest.approx(0, abs=1e-5), prefix + name
    assert ran.values("eval_objective/kl")[0] == pytest.approx(0, abs=1e-6)
    assert ran.values("eval_objective/kl")[-1] > 0
    assert [step for step, _ in ran.curve("eval_objective/kl")] == [0, 6]
    assert ran.values("eval_loss")[-1] < ran.values("eval_loss")[0]
    assert ran.values("eval_rewards/margins")[-1] > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_every_adapter_weight_moves_and_no_other(
    family: str, small_models: dict[str, Path], pairs: Path, tmp_path: Path, held: dict[str, Any]
) -> None:
    config = make_config(small_models[family], pairs)
    ran = execute(config, tmp_path / "run")
    model, before = held["trainer"].model, held["before"]
    moved = {name for name, weight in weights_of(model).items() if not torch.equal(weight, before[name])}
    assert moved == {name for name in before if "lora_" in name}
    assert moved
    # The start is the one that the other methods make from the same seed.
    fresh = load(str(small_models[family]), report=lambda _: None, stop=threading.Event()).model
    alike = weights_of(attach_lora(fresh, config.adapter, config.training.seed))
    assert all(torch.equal(alike[name], before[name]) for name in moved)
    assert list(model.peft_config) == ["default"]
    saved = json.loads((ran.folder / "adapter" / "adapter_config.json").read_text())
    assert saved["base_model_name_or_path"] == family
    base = AutoModelForCausalLM.from_pretrained(small_models[family])
    again = PeftModel.from_pretrained(base, str(ran.folder / "adapter"))
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        torch.testing.assert_close(again.eval()(ids).logits, model.eval()(ids).logits)


def test_full_fine_tuning_moves_the_policy_and_not_its_reference(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path, held: dict[str, Any]
) -> None:
    config = make_config(small_models["gpt2"], pairs, adapter={"kind": "none"}, learning_rate=1e-3, eval_steps=6)
    ran = execute(config, tmp_path / "run")
    trainer, before = held["trainer"], held["before"]
    assert all(not torch.equal(weight, before[name]) for name, weight in weights_of(trainer.model).items())
    assert all(torch.equal(weight, held["reference"][name]) for name, weight in weights_of(trainer.ref_model).items())
    assert ran.values("loss")[0] == pytest.approx(math.log(2), abs=1e-6)
    assert ran.values("eval_rewards/margins")[-1] > 0
    assert (ran.folder / "model" / "model.safetensors").is_file()


KINDS = get_args(PreferenceLoss)


@pytest.mark.parametrize("kind", KINDS)
def test_trls_loss_is_ours_on_the_same_batch(
    kind: PreferenceLoss, small_models: dict[str, Path], pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smoothing = 0.1 if kind in ("robust", "exo_pair") else 0.0
    compute = WatchedDPOTrainer.compute_loss
    compared: list[int] = []

    def compare(trainer: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        loss = compute(trainer, model, inputs, *args, **kwargs)
        labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, IGNORED)
        given = {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"]}
        with torch.no_grad():
            policy = sequence_logps(model(**given).logits, labels).chunk(2)
            with model.disable_adapter():
                reference = sequence_logps(model(**given).logits, labels).chunk(2)
        lengths = inputs["completion_mask"].sum(dim=1).chunk(2)
        options: Any = {"beta": 0.3, "kind": kind, "label_smoothing": smoothing}
        ours = dpo_loss(*policy, *reference, **options, chosen_tokens=lengths[0], rejected_tokens=lengths[1])
        assert loss.item() == pytest.approx(ours.total.item(), rel=1e-4, abs=1e-5)
        assert trainer._metrics["train"]["rewards/margins"][-1] == pytest.approx(ours.margin.mean().item(), abs=1e-4)
        assert trainer._metrics["train"]["rewards/accuracies"][-1] == ours.accuracy.item()
        swapped = {name: torch.cat(value.chunk(2)[::-1]) for name, value in inputs.items()}
        model.eval()  # so that it counts as an evaluation, and not as training
        with torch.no_grad():
            compute(trainer, model, swapped)
        model.train()
        assert trainer._metrics["eval"].pop("rewards/margins") == [pytest.approx(-ours.margin.mean().item(), abs=1e-4)]
        compared.append(trainer.state.global_step)
        return loss

    monkeypatch.setattr(WatchedDPOTrainer, "compute_loss", compare)
    dpo = {"beta": 0.3, "loss": kind, "label_smoothing": smoothing}
    execute(make_config(small_models["llama"], pairs, dpo=dpo, max_steps=3), tmp_path / "run")
    assert compared == [0, 1, 2]


def test_the_settings_know_the_same_losses_as_the_maths() -> None:
    assert setting(DPOSettings, "loss").choices == KINDS


def test_the_likelihood_of_preferred_answers_is_added(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path, held: dict[str, Any]
) -> None:
    config = make_config(small_models["llama"], pairs, dpo={"nll": 0.5}, max_steps=1, batch_size=18)
    ran = execute(config, tmp_path / "run")
    base = AutoModelForCausalLM.from_pretrained(small_models["llama"])
    total, count = 0.0, 0
    for row in held["trainer"].train_dataset:
        ids = torch.tensor([row["prompt_ids"] + row["chosen_ids"]])
        labels = ids.clone()
        labels[:, : len(row["prompt_ids"])] = IGNORED
        with torch.no_grad():
            total -= token_logps(base(ids).logits, labels).sum().item()
        count += len(row["chosen_ids"])
    assert ran.values("loss") == [pytest.approx(math.log(2) + 0.5 * total / count, rel=1e-4)]


def test_from_an_sft_run_the_reference_is_its_model_and_not_the_base(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path, held: dict[str, Any]
) -> None:
    first = sft.make_config(small_models["llama"], sft.write_rows(tmp_path), learning_rate=5e-2)
    folder = runs_folder() / "sft-abc234"
    execute(first, folder)
    (folder / "config.json").write_text(json.dumps(codec.encode(first)))
    config = make_config({"run": "sft-abc234"}, pairs, batch_size=18, max_steps=3)
    ran = execute(config, tmp_path / "run")
    tuned = load(RunRef("sft-abc234"), report=lambda _: None, stop=threading.Event()).model
    base = AutoModelForCausalLM.from_pretrained(small_models["llama"])
    row = held["trainer"].train_dataset[0]
    ids = torch.tensor([row["prompt_ids"] + row["chosen_ids"]])
    policy = held["trainer"].model.eval()
    with torch.no_grad(), policy.disable_adapter():
        reference = policy(ids).logits
    with torch.no_grad():
        torch.testing.assert_close(reference, tuned(ids).logits)
        assert not torch.allclose(reference, base(ids).logits, atol=1e-2)
    assert ran.values("rewards/chosen")[0] == pytest.approx(0, abs=1e-5)
    assert json.loads((ran.folder / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] == (
        "run-sft-abc234"
    )


@pytest.mark.parametrize(
    ("adapter", "training"),
    [({"dropout": 0.2}, {}), ({"kind": "none"}, {"learning_rate": 1e-3, "save_steps": 3})],
    ids=["LoRA with dropout", "every weight"],
)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    adapter: Any, training: Any, small_models: dict[str, Path], pairs: Path, tmp_path: Path
) -> None:
    busy = {"gradient_accumulation": 2, "eval_steps": 2, "sample_steps": 3, "batch_size": 2, "max_steps": 8} | training
    config = make_config(small_models["gpt2"], pairs, adapter=adapter, dpo={"nll": 0.2}, **busy)
    whole, resumed = History(tmp_path / "whole"), History(tmp_path / "resumed")
    whole.attempt(config, 1)
    resumed.attempt(config, 1, stop_at(5))
    resumed.attempt(config, 2)
    assert whole.points() == resumed.points()
    for name in (*TRL, *(f"eval_{metric}" for metric in TRL), "eval_objective/kl"):
        assert whole.curve(name) == resumed.curve(name) != [], name
    assert whole.answers() == resumed.answers()
    ours, theirs = whole.weights(), resumed.weights()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_looking_on_changes_nothing(small_models: dict[str, Path], pairs: Path, tmp_path: Path) -> None:
    def losses(name: str, **training: Any) -> list[float]:
        config = make_config(small_models["opt"], pairs, adapter={"dropout": 0.3}, **training)
        return execute(config, tmp_path / name).values("loss")

    assert losses("watched", eval_steps=2, sample_steps=3) == losses("plain")


def test_the_tokens_of_a_pair_add_up_to_its_implicit_rewards(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path
) -> None:
    config = make_config(small_models["llama"], pairs, dpo={"beta": 0.25}, eval_steps=3, eval_rows=1)
    ran = execute(config, tmp_path / "run")
    told = ran.snapshots("dpo.tokens")
    assert [found.step for found in told] == [0, 3, 6]
    for found, chosen, rejected in zip(
        told, ran.values("eval_rewards/chosen"), ran.values("eval_rewards/rejected"), strict=True
    ):
        for side, reward in (("chosen", chosen), ("rejected", rejected)):
            shown = found.data[side]
            assert shown["sum"] == pytest.approx(sum(shown["ratios"]), abs=1e-2)
            assert 0.25 * shown["sum"] == pytest.approx(reward, abs=1e-3)
            assert len(shown["tokens"]) == len(shown["ratios"]) == shown["count"]
    assert found.data["beta"] == 0.25
    assert "".join(found.data["chosen"]["tokens"]).strip().startswith(PAIRS[18]["chosen"])
    assert PAIRS[18]["prompt"] in found.data["prompt"]


def test_a_judge_scores_the_answers_that_the_divergence_is_measured_on(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, str]] = []

    def judge(prompts: list[str], answers: list[str]) -> list[float]:
        heard.extend(zip(prompts, answers, strict=True))
        return [5.0 for _ in answers]

    def make(settings: TrainedReward, _: object) -> Any:
        assert settings == TrainedReward("reward-abc234")
        return judge

    monkeypatch.setattr(held_policy, "make_reward", make)
    dpo = {"judge": "reward-abc234", "kl_prompts": 3}
    ran = execute(make_config(small_models["llama"], pairs, dpo=dpo, eval_steps=6, eval_rows=6), tmp_path / "run")
    assert ran.curve("eval_objective/scores") == [(0, 5.0), (6, 5.0)]
    # The held-out pairs ask one thing, which is answered once.
    assert {prompt for prompt, _ in heard} == {f"\n\nHuman: {PAIRS[18]['prompt']}\n\nAssistant:"}


def test_four_pairs_are_shown_and_each_stays_small(small_models: dict[str, Path], tmp_path: Path) -> None:
    long = [pair | {"chosen": pair["chosen"] * 40, "rejected": pair["rejected"] * 40} for pair in PAIRS]
    path = tmp_path / "long.json"
    path.write_text(json.dumps(long))
    config = make_config(small_models["gpt2"], path, eval_steps=1, max_steps=1, batch_size=1, max_length=500)
    told = execute(config, tmp_path / "run").snapshots("dpo.tokens")
    assert [found.data["index"] for found in told] == [0, 1, 2, 3] * 2
    assert all(len(json.dumps(found.data)) < 16_000 for found in told)
    assert all(found.data["chosen"]["count"] > len(found.data["chosen"]["tokens"]) for found in told)


def test_a_word_once_when_preferred_answers_become_less_likely_too(
    small_models: dict[str, Path], tmp_path: Path
) -> None:
    # Two answers that differ in one token only: the cheapest way to part them makes both less likely.
    close = [pair | {"rejected": pair["chosen"].replace("goes", "go")} for pair in PAIRS]
    path = tmp_path / "close.json"
    path.write_text(json.dumps(close))

    def said(**settings: Any) -> list[str]:
        config = make_config(small_models["llama"], path, max_steps=12, learning_rate=5e-2, **settings)
        return [
            line for line in execute(config, tmp_path / str(len(settings))).logs().splitlines() if "too, by" in line
        ]

    [line] = said(dpo={"loss": "apo_down"}, eval_steps=2)
    assert "on the held-out pairs" in line
    assert "dpo.nll 1" in line
    assert said(dpo={"nll": 5.0}, eval_steps=2, sample_steps=0) == []
    [line] = said(dpo={"loss": "apo_down"})
    assert "on the training pairs" in line


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"dpo": {"label_smoothing": 0.1}}, "dpo.label_smoothing is of the losses robust and exo_pair alone"),
        ({"dpo": {"loss": "exo_pair"}}, "dpo.loss exo_pair needs a dpo.label_smoothing above 0"),
        ({"dpo": {"loss": "aot"}}, "dpo.loss must be one of sigmoid"),
        ({"dpo": {"beta": 0}}, "dpo.beta must be above 0"),
    ],
)
def test_what_cannot_be_asked_for(changed: Any, says: str, pairs: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        make_config("tiny", pairs, **changed)


def test_what_cannot_be_learnt_is_refused_before_a_model_is_loaded(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(source: Path, targets: list[str] | None = None) -> None:
        execute(make_config(small_models["llama"], source, adapter={"targets": targets}), tmp_path / "run")

    with pytest.raises(ModelError, match="no module c_attn"):
        run(pairs, ["c_attn"])
    monkeypatch.setattr(ground, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    with pytest.raises(ModelError, match="lm_head"):
        run(pairs, ["lm_head"])
    with pytest.raises(DataError, match="dpo needs chosen and rejected answers"):
        run(sft.write_rows(tmp_path))
