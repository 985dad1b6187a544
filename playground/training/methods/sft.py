"""Supervised fine-tuning: TRL's `SFTTrainer` on rows that we have tokenised ourselves."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from trl import SFTConfig, SFTTrainer

from playground.config.methods.sft import SFTSettings
from playground.config.run import RunConfig
from playground.core.key_tokens import key_token_loss, weights_of
from playground.data.key_tokens import key_token_ids
from playground.errors import ModelError
from playground.runs.context import JobContext
from playground.training.footing import footing_of, single_gpu
from playground.training.ground import Ground, prepare
from playground.training.labels import label_look
from playground.training.outcome import Outcome
from playground.training.prompt_watch import PromptWatch
from playground.training.rows import Encoding, Rows
from playground.training.trainer import WatchedTrainer


class WatchedSFTTrainer(WatchedTrainer, SFTTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""


class KeyTokenTrainer(WatchedSFTTrainer):
    """Learns from `core.key_tokens.key_token_loss`; TRL's own loss, of the same forward pass, becomes a metric."""

    def __init__(self, *args: Any, key_tokens: Sequence[int], alpha: float, **kwargs: Any) -> None:
        """Adds the ids of the key tokens, and the factor of the weights."""
        super().__init__(*args, **kwargs)
        self._key_tokens = key_tokens
        self._alpha = alpha

    def compute_loss(self, model: torch.nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """The weighted loss of a batch."""
        real = inputs["attention_mask"].bool()
        weights = weights_of(inputs["input_ids"], real, self._key_tokens, self._alpha)
        seen: list[Any] = []
        hook = model.register_forward_hook(lambda _module, _given, output: seen.append(output))
        try:
            plain = super().compute_loss(model, inputs, *args, **kwargs)
        finally:
            hook.remove()
        loss = key_token_loss(seen[0].log_probs, seen[0].label_mask, weights).total
        mode = "train" if model.training else "eval"
        self._metrics[mode]["unweighted_loss"].append(plain.item() * self._share(kwargs))
        self._metrics[mode]["row_weight"].append(weights.mean().item())
        return loss / self._share(kwargs)

    def _share(self, kwargs: dict[str, Any]) -> int:
        """Batches of an optimiser step: where the number of its tokens is given, transformers leaves dividing to us."""
        return int(self.current_gradient_accumulation_steps) if kwargs.get("num_items_in_batch") is not None else 1


def train(config: RunConfig, context: JobContext) -> Outcome:
    """Fine-tunes `config.model` on its data and leaves `adapter` or `model` in the run's folder.

    Raises:
        PlaygroundError: something a person can act on; `Cancelled` where a stop came before the first step.
    """
    if config.adapter.kind == "lora" and "lm_head" in (config.adapter.targets or ()):
        # TRL computes the loss from the output layer's own weight, so an adapter on it would never learn.
        raise ModelError("adapter.targets cannot contain lm_head for SFT; take it out, or train every weight.")
    ground = prepare(config, context)
    footing = footing_of(ground, _rows(ground))
    # The rows bring their labels and are cut already, so there is nothing left for TRL to prepare.
    ready = {"max_length": None, "dataset_kwargs": {"skip_prepare_dataset": True}}
    arguments = {
        "model": ground.trainable(),
        "args": single_gpu(SFTConfig(**footing.arguments, **ready)),
        **footing.watching([*ground.samplers(), *_prompt_watch(ground)]),
    }
    trainer = _trainer(arguments, ground)
    labels = label_look(trainer.model, ground) if footing.rows.held_out is not None else None
    trainer.looks = [labels] if labels else []
    return footing.run(trainer)


def _trainer(arguments: dict[str, Any], ground: Ground) -> WatchedSFTTrainer:
    options = cast("SFTSettings", ground.config.options)
    if not options.key_tokens:
        return WatchedSFTTrainer(**arguments)
    ids = key_token_ids(options.key_tokens, ground.loaded.tokenizer)
    return KeyTokenTrainer(**arguments, key_tokens=ids, alpha=options.key_token_alpha)


def _prompt_watch(ground: Ground) -> list[PromptWatch]:
    """What follows the soft prompt, if there is one."""
    training = ground.config.training
    every = training.sample_steps or training.eval_steps or training.log_steps
    return [PromptWatch(ground.loaded.tokenizer, every, ground.context)] if ground.config.adapter.is_prompt else []


def _rows(ground: Ground) -> Rows:
    config = ground.config
    ground.tell_length()
    loss_on = cast("SFTSettings", config.options).loss_on
    encoding = Encoding(config.data.template_text, ground.loaded.tokenizer, ground.max_length, loss_on)
    rows = encoding.rows(ground.splits, config.training.eval_rows, ground.context)
    ground.tell_rows(rows)
    return rows
