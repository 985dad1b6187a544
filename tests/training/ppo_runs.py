"""Small PPO runs and their parts, for tests."""

import threading
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from playground.config.codec import decode
from playground.config.methods.ppo import PPOSettings
from playground.config.run import AdapterSettings, RunConfig, TrainingSettings
from playground.models.adapters import attach_lora
from playground.models.loading import LoadedModel, load
from playground.rewards.registry import make_reward
from playground.training.arguments import trainer_arguments
from playground.training.methods.ppo.actor import Actor
from playground.training.methods.ppo.learner import Learner
from playground.training.methods.ppo.rollout import Rollouts, roll_out
from playground.training.precision import Precision

PROMPTS = [{"prompt": f"The {noun} {verb}"} for noun in ("film", "user", "capital") for verb in ("was", "goes", "is a")]
"""Nine prompts of different lengths."""
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def ppo_config(
    model: Path | str, source: Path, *, adapter: Any = None, ppo: Any = None, data: Any = None, **training: Any
) -> RunConfig:
    """A quick run: three updates of six answers of up to eight tokens."""
    quick = {"max_steps": 3, "batch_size": 3, "learning_rate": 1e-2, "eval_steps": 0, "sample_steps": 0}
    reward = {"kind": "length", "unit": "characters", "shape": "slope", "slope": 0.1}
    return decode(
        {
            "method": "ppo",
            "model": str(model),
            "data": {"source": str(source), "template": "plain", "split": [0.7, 0.3]} | (data or {}),
            "adapter": {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": list(ALL)} | (adapter or {}),
            "training": quick | training,
            "ppo": {"rollouts": 6, "max_new_tokens": 8, "reference_answers": 8, "reward": reward} | (ppo or {}),
        }
    )


def loaded(folder: Path) -> LoadedModel:
    """A model in float32 on the CPU."""
    return load(str(folder), dtype="float32", device="cpu", report=lambda _: None, stop=threading.Event())


def moved_actor(
    folder: Path,
    *,
    temperature: float = 1.0,
    far: float = 0.1,
    checkpointing: bool = False,
    targets: tuple[str, ...] = ALL,
) -> tuple[Actor, LoadedModel]:
    """A policy that has gone away from its reference already, with a value function that has opinions."""
    found = loaded(folder)
    model = attach_lora(found.model, AdapterSettings(rank=4, targets=targets), seed=0)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, far)
    actor = Actor(model, temperature=temperature, compute="float32", checkpointing=checkpointing)
    torch.nn.init.normal_(actor.value_head.weight)
    return actor, found


def answers(actor: Actor, prompts: list[list[int]], ends: list[int], *, seed: int = 0, **settings: Any) -> Rollouts:
    """Answers of a policy with random numbers of a seed."""
    chosen = PPOSettings(**{"max_new_tokens": 12, **settings})
    numbers = torch.rand(
        (len(prompts), chosen.max_new_tokens), dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    return roll_out(actor, prompts, chosen, numbers, ends, lambda: None)


def learner_of(
    actor: Actor, found: LoadedModel, settings: PPOSettings, training: TrainingSettings, folder: Path, steps: int = 1000
) -> Learner:
    """What takes steps, without a run around it; the rate hardly falls."""
    precision = Precision("float32", "float32")
    arguments = TrainingArguments(**trainer_arguments(training, precision, "cpu", folder, evaluates=False))
    reward = make_reward(settings.reward)
    return Learner(actor, found.tokenizer, reward, settings, training, arguments, steps)
