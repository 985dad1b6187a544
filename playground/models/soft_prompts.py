"""Soft prompts: trained embeddings in front of every text, beside a model of which no weight changes.

Prompt tuning (Lester et al. 2021, arXiv:2104.08691) trains the embeddings themselves; p-tuning (Liu et al. 2021,
arXiv:2103.10385) trains a small network that writes them. What is kept, and used afterwards, is the embeddings.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftModel, PromptEncoderConfig, PromptTuningConfig, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from playground.config.run import AdapterSettings
from playground.errors import ConfigError, ModelError
from playground.models.adapters import ADAPTER_WEIGHTS, check_adapter

EMBEDDINGS = "prompt_embeddings"
"""peft's name for them in its files."""
ENCODER = "prompt_encoder.safetensors"
"""In a checkpoint: everything that is trained. peft itself keeps only what the network of p-tuning has written."""


def attach_prompt(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, settings: AdapterSettings, seed: int
) -> PeftModel:
    """Freezes the model and puts a new soft prompt before it, in float32. Random numbers come from `seed` alone.

    Raises:
        ConfigError: the text to start from has no tokens.
    """
    length = settings.num_virtual_tokens
    width = cast("torch.nn.Embedding", model.get_input_embeddings()).weight.shape[1]
    shape: dict[str, Any] = {"task_type": TaskType.CAUSAL_LM, "num_virtual_tokens": length, "token_dim": width}
    config: PromptEncoderConfig | PromptTuningConfig
    if settings.kind == "p_tuning":
        config = PromptEncoderConfig(
            encoder_reparameterization_type=settings.encoder.upper(),
            encoder_hidden_size=settings.encoder_hidden_size,
            **shape,
        )
    else:
        config = PromptTuningConfig(prompt_tuning_init="SAMPLE_VOCAB", **shape)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        adapted = get_peft_model(model, config)
    if not isinstance(adapted, PeftModel):
        raise TypeError(f"peft gave a {type(adapted).__name__}")
    text = settings.prompt_tuning_init_text
    if isinstance(config, PromptTuningConfig) and text:
        # peft would read the tokenizer from a folder whose name then stands in the adapter.
        config.prompt_tuning_init, config.prompt_tuning_init_text = "TEXT", text
        _start_from(adapted, _repeated(text, tokenizer, length))
    return adapted


def has_prompt(model: object) -> bool:
    """Whether it is a model with a soft prompt before it."""
    return isinstance(model, PeftModel) and model.active_peft_config.is_prompt_learning


def prompt_of(model: PeftModel) -> Tensor:
    """The soft prompt as it is now, (virtual tokens, width) in float32."""
    with torch.no_grad():
        table: Tensor = model.get_prompt(batch_size=1)[0].float()
    return table


def holds_prompt(folder: Path) -> bool:
    """Whether a saved adapter is a soft prompt. Raises ModelError as `check_adapter`."""
    return isinstance(check_adapter(folder), PromptTuningConfig | PromptEncoderConfig)


def read_prompt(folder: Path) -> Tensor:
    """The soft prompt in an adapter's folder, (virtual tokens, width).

    Raises:
        ModelError: its file is damaged, or holds something else.
    """
    check_adapter(folder)
    table = load_file(folder / ADAPTER_WEIGHTS).get(EMBEDDINGS)
    if table is None:
        raise ModelError(f"The adapter of {folder.parent.name} is no soft prompt: it has no {EMBEDDINGS}.")
    return table.float()


def save_encoder(model: PeftModel, folder: Path) -> None:
    """Writes everything that is trained into a checkpoint, so that training can go on exactly."""
    save_file(_trained(model), folder / ENCODER)


def load_encoder(model: PeftModel, folder: Path) -> None:
    """Puts back what `save_encoder` wrote."""
    saved = load_file(folder / ENCODER)
    with torch.no_grad():
        for name, parameter in model.prompt_encoder.named_parameters():
            parameter.copy_(saved[name])


def _trained(model: PeftModel) -> dict[str, Tensor]:
    found: Mapping[str, Tensor] = dict(model.prompt_encoder.named_parameters())
    return {name: parameter.detach().cpu().contiguous() for name, parameter in found.items()}


def _repeated(text: str, tokenizer: PreTrainedTokenizerBase, length: int) -> Tensor:
    """The text's tokens, over and over up to this many, as Lester et al. start from labels."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    if not ids:
        raise ConfigError([f"adapter.prompt_tuning_init_text has no tokens; got {text!r}."])
    return torch.tensor((ids * -(-length // len(ids)))[:length])


def _start_from(model: PeftModel, ids: Tensor) -> None:
    words: torch.nn.Module = model.word_embeddings
    encoder = model.prompt_encoder[model.active_adapter]
    with torch.no_grad():
        encoder.embedding.weight.copy_(words(ids.to(next(words.parameters()).device)))
