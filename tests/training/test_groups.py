"""GRPO and RLOO on PPO's prompts and rewards: what is asked, what is scored, what moves, and how a run is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer
from trl import GRPOTrainer, RLOOTrainer

from playground.config.codec import decode
from playground.config.run import RunConfig
from playground.errors import ConfigError, ModelError, RunError
from playground.rewards.length import Length
from playground.runs.events import Metric, Sample, Snapshot
from playground.training import groups
from tests.training.runs import Ran, execute

METHODS = ("grpo", "rloo")


def config_of(
    method: str, model: Path, folder: Path, *, own: Any = None, adapter: Any = None, **training: Any
) -> RunConfig:
    """Four prompts of unequal length, answers as short as possible."""
    rows = folder / "prompts.jsonl"
    texts = ("The film was", "Paris", "He goes to the park every day and", "A joy", "The user")
    rows.write_text("".join(f'{{"prompt": "{text}"}}\n' for text in texts), encoding="utf-8")
    quick = {
        "max_steps": 4,
        "batch_size": 8,
        "learning_rate": 3e-2,
        "eval_steps": 2,
        "sample_steps": 4,
        "sample_tokens": 4,
    }
    return decode(
        {
            "method": method,
            "model": str(model),
            "data": {"source": str(rows), "template": "plain", "split": [0.8, 0.2]},
            "adapter": {"rank": 4, "alpha": 8, "dropout": 0.0} | (adapter or {}),
            "training": quick | training,
            method: {
                "group_size": 4,
                "max_new_tokens": 6,
                "update_epochs": 2,
                "reward": {"kind": "length", "unit": "characters", "shape": "slope", "slope": -0.1},
            }
            | (own or {}),
        }
    )


@pytest.fixture(scope="module", params=METHODS)
def ran(request: pytest.FixtureRequest, small_models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One run of each method, with every answer that its reward was asked about."""
    folder = tmp_path_factory.mktemp(request.param)
    return execute(config_of(request.param, small_models["llama"], folder), folder / "run")


def test_the_names_of_ppo_tell_how_it_goes(ran: Ran) -> None:
    assert ran.outcome.steps == 4
    # Two steps learn from the same answers, so that only every other draws new ones.
    assert [step for step, _ in ran.curve("objective/scores")] == [1, 3]
    for step, score in ran.curve("objective/scores"):
        assert score == pytest.approx(dict(ran.curve("reward"))[step], abs=1e-5)
        assert score <= 0
    assert [step for step, _ in ran.curve("eval_objective/scores")] == [0, 2, 4]
    assert all(0 < value <= 6 for value in ran.values("length"))
    assert all(0 <= value <= 1 for value in ran.values("ended"))
    assert [step for step, _ in ran.curve("objective/kl")] == [1, 3]
    assert ran.values("objective/kl")[0] == pytest.approx(0, abs=1e-5)
    assert ran.values("objective/kl")[1] > 0.01
    assert {event.step for event in ran.events if isinstance(event, Sample)} == {0, 4}


def test_the_first_groups_are_the_references(ran: Ran) -> None:
    [told] = [event for event in ran.events if isinstance(event, Snapshot)]
    assert (told.step, told.name) == (0, "group.reference")
    groups = told.data["scores"]
    assert [len(group) for group in groups] == [4, 4]
    assert sum(map(sum, groups)) / 8 == pytest.approx(ran.values("objective/scores")[0], abs=1e-3)


@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize(("method", "trainer"), [("grpo", GRPOTrainer), ("rloo", RLOOTrainer)])
def test_the_divergence_is_of_whole_answers_as_in_ppo(
    method: str, trainer: Any, epochs: int, small_models: dict[str, Path], tmp_path: Path, monkeypatch: Any
) -> None:
    """Against log-probabilities as they come from the model while it draws."""
    draws: list[list[torch.Tensor]] = []
    draw, look, judge = (
        trainer._generate_and_score_completions, trainer._get_per_token_logps_and_entropies, groups.Judge.__call__
    )  # fmt: skip

    def begin(self: Any, inputs: Any) -> Any:
        draws.append([])
        return draw(self, inputs)

    def note(self: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        found = look(self, model, *args, **kwargs)
        draws[-1].append(found[0].detach())
        return found

    lengths: list[list[int]] = []

    def measure(self: Any, *, completion_ids: Any, **others: Any) -> Any:
        lengths.append([len(answer) for answer in completion_ids])
        return judge(self, completion_ids=completion_ids, **others)

    monkeypatch.setattr(trainer, "_generate_and_score_completions", begin)
    monkeypatch.setattr(trainer, "_get_per_token_logps_and_entropies", note)
    monkeypatch.setattr(groups.Judge, "__call__", measure)
    own = {"update_epochs": epochs}
    config = config_of(method, small_models["llama"], tmp_path, own=own, eval_steps=0, sample_steps=0)
    ran = execute(config, tmp_path / "run")
    # Once it has drawn TRL asks for the policy's first, but for GRPO's where the loss will ask for them anyway.
    first = (1, 0) if (method, epochs) == ("grpo", 1) else (0, 1)
    wanted = [
        sum(float((looked[first[0]] - looked[first[1]])[row, :length].sum()) for row, length in enumerate(of)) / len(of)
        for looked, of in zip(draws, lengths, strict=True)
    ]
    assert len(wanted) == 4 // epochs
    assert max(wanted) > 0.1
    assert ran.values("objective/kl") == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_an_adapter_is_left_that_has_moved(ran: Ran) -> None:
    weights = load_file(ran.folder / "adapter" / "adapter_model.safetensors")
    moved = [name for name, weight in weights.items() if "lora_B" in name and weight.abs().sum() > 0]
    assert len(moved) == sum("lora_B" in name for name in weights)


@pytest.mark.parametrize("method", METHODS)
def test_the_model_is_asked_in_our_tokens_and_the_reward_reads_our_texts(
    method: str, small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    score = Length.__call__

    def watch(self: Length, prompts: Any, completions: Any) -> list[float]:
        asked.extend(zip(prompts, completions, strict=True))
        return score(self, prompts, completions)

    seen: list[list[int]] = []
    tokenize = groups.GroupTrainer._tokenize_prompts

    def note(self: Any, prompts: Any) -> Any:
        found = tokenize(self, prompts)
        seen.extend(found[0])
        return found

    monkeypatch.setattr(Length, "__call__", watch)
    monkeypatch.setattr(groups.GroupTrainer, "_tokenize_prompts", note)
    config = config_of(method, small_models["llama"], tmp_path, max_steps=2, eval_steps=0, sample_steps=0)
    execute(config, tmp_path / "run")
    tokenizer = AutoTokenizer.from_pretrained(small_models["llama"])
    known = {
        text: tokenizer(text)["input_ids"]
        for text in ("The film was", "Paris", "He goes to the park every day and", "A joy")
    }
    assert {prompt for prompt, _ in asked} <= set(known)
    assert len(asked) == 8  # two groups of four for both steps
    assert all(ids in known.values() for ids in seen)


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    method: str, small_models: dict[str, Path], tmp_path: Path
) -> None:
    config = config_of(method, small_models["llama"], tmp_path, own={"update_epochs": 1}, sample_steps=0, max_steps=6)
    whole = execute(config, tmp_path / "whole")

    # In the middle of the second pass over the four prompts.
    def stop_at_three(event: Any, stop: Any) -> None:
        if isinstance(event, Metric) and event.step == 3 and "loss" in event.values:
            stop.set()

    first = execute(config, tmp_path / "parts", stop_at_three)
    assert first.outcome.stopped
    second = execute(config, tmp_path / "parts")
    for name in ("objective/scores", "kl", "grad_norm"):
        assert first.curve(name) + second.curve(name) == whole.curve(name)
    ours, theirs = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("parts", "whole"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_what_cannot_be_is_said_before_anything_is_loaded(small_models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gradient_accumulation, 6, must be a multiple of grpo.group_size, 4"):
        execute(config_of("grpo", small_models["llama"], tmp_path, batch_size=6), tmp_path / "run")
    with pytest.raises(ModelError, match=r"GRPO has no reference.*set grpo.beta to 0"):
        execute(config_of("grpo", small_models["llama"], tmp_path, adapter={"kind": "none"}), tmp_path / "run")


def test_a_reward_that_fails_says_when(
    small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Length, "__call__", lambda *_: [float("nan")] * 8)
    config = config_of("rloo", small_models["llama"], tmp_path, eval_steps=0, sample_steps=0)
    with pytest.raises(RunError, match="The reward failed at update 1"):
        execute(config, tmp_path / "run")


@pytest.mark.parametrize("method", METHODS)
def test_every_weight_can_be_trained_without_a_reference(
    method: str, small_models: dict[str, Path], tmp_path: Path
) -> None:
    config = config_of(
        method, small_models["gpt2"], tmp_path, own={"beta": 0, "update_epochs": 1}, adapter={"kind": "none"},
        learning_rate=1e-3, max_steps=2, eval_steps=0, sample_steps=0,
    )  # fmt: skip
    ran = execute(config, tmp_path / "run")
    assert (ran.folder / "model" / "model.safetensors").is_file()
    assert ran.outcome.steps == 2
