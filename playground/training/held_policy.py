"""What methods share that learn from preferences with TRL: a policy that is held to its reference, and looked at.

The reference is the model that the run starts from: itself with the adapter off, or a copy where every weight is
trained. A run of ours is merged when it is loaded, so that one that starts from SFT is held to the SFT model.
"""

import copy
from typing import Any, cast

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, TaskType
from transformers import PreTrainedModel

from playground.config.methods.dpo import DPOSettings
from playground.config.methods.kto import KTOSettings
from playground.config.methods.orpo import ORPOSettings
from playground.config.rewards import TrainedReward
from playground.config.run import RunConfig
from playground.errors import ModelError
from playground.models.adapters import lora_settings
from playground.rewards.registry import make_reward
from playground.rewards.reward import Reward, Surroundings
from playground.runs.context import JobContext
from playground.training.drift import Drift, different_prompts, drawing
from playground.training.ground import Ground
from playground.training.implicit import TokenLens, fixed_pairs
from playground.training.pairs import PairEncoding
from playground.training.reference import Reference, without_dropout
from playground.training.rows import Rows
from playground.training.saving import name_base
from playground.training.trainer import Look, WatchedTrainer


class HeldTrainer(WatchedTrainer):
    """Mixin to stand in front of a TRL trainer whose rows are token ids already."""

    ref_model: Any
    """TRL's; None where the policy with its adapter off is the reference."""

    def _prepare_dataset(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Dataset:
        """The rows as they are: TRL would tokenise texts."""
        return dataset


def refuse_output_layer(config: RunConfig) -> None:
    """Raises `ModelError` for an adapter on the output layer: TRL computes the loss from that layer's own weight, so
    the adapter would never learn."""
    if config.adapter.kind == "lora" and "lm_head" in (config.adapter.targets or ()):
        name = config.method.upper()
        raise ModelError(f"adapter.targets cannot contain lm_head for {name}; take it out, or train every weight.")


def policy_and_reference(ground: Ground) -> dict[str, Any]:
    """A TRL trainer's `model`, `ref_model` and `peft_config`; TRL seeds the adapter as `attach_lora` does.

    Raises:
        ModelError: the adapter's targets are not the model's.
    """
    model: PreTrainedModel = ground.loaded.model
    without_dropout(model)
    adapter = ground.config.adapter
    if adapter.kind == "lora":
        settings = LoraConfig(task_type=TaskType.CAUSAL_LM, **lora_settings(model, adapter))
        return {"model": model, "ref_model": None, "peft_config": settings}
    reference = copy.deepcopy(model)
    reference.requires_grad_(False)
    torch.nn.Module.eval(reference)
    model.requires_grad_(True)
    return {"model": model, "ref_model": reference}


def pairs_of(ground: Ground) -> Rows:
    """The data's pairs in tokens, said where something is missing.

    Raises:
        DataError: none is left to train on.
    """
    ground.tell_length()
    encoding = PairEncoding(ground.config.data.template_text, ground.loaded.tokenizer, ground.max_length)
    rows = encoding.rows(ground.splits, ground.config.training.eval_rows, ground.context)
    ground.tell_rows(rows)
    return rows


def look_on(trainer: HeldTrainer, ground: Ground, held_out: Dataset | None) -> None:
    """Names what will be saved, says what is trained, and has each evaluation look at tokens and at the divergence.

    Args:
        held_out: pairs, if any.

    Raises:
        PlaygroundError: the judge cannot be had.
    """
    policy = cast("PeftModel | PreTrainedModel", trainer.model)
    if isinstance(policy, PeftModel):
        name_base(policy, ground.config.model)
    ground.tell_trained(policy)
    if held_out is None:
        return
    settings = cast("DPOSettings | KTOSettings | ORPOSettings", ground.config.options)
    reference, tokenizer, context = Reference(policy, trainer.ref_model), ground.loaded.tokenizer, ground.context
    looks: list[Look] = [TokenLens(policy, reference, fixed_pairs(held_out, tokenizer), settings.beta, context)]
    tokens = ground.config.training.sample_tokens
    prompts = different_prompts(held_out, settings.kl_prompts, ground.loaded.info.context_length - tokens)
    if prompts:
        judge = _judge(settings.judge, context)
        looks.append(Drift(policy, reference, tokenizer, prompts, drawing(tokens), context, judge))
    trainer.looks = looks


def _judge(run: str, context: JobContext) -> Reward | None:
    return make_reward(TrainedReward(run), Surroundings(context.emit, context.stop)) if run else None
