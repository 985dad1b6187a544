"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv:2106.09685): where they go, how they are put on and merged in."""

import difflib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from peft import LoraConfig, PeftConfig, PeftModel, TaskType, get_peft_model
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
from safetensors import SafetensorError, safe_open
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from playground.config.run import AdapterSettings
from playground.errors import ModelError
from playground.models.folder import ADAPTER_CONFIG
from playground.models.heads import HEAD, is_scorer

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ALL_LINEAR = "all-linear"
"""As a target: every linear layer but the output embedding."""


class TargetChoice(NamedTuple):
    """A kind of module that can get an adapter."""

    name: str
    """Last part of the modules' names, such as `q_proj`."""
    modules: int
    """How many modules of the model have this name."""
    edges: int
    """Inputs and outputs of all of them, added up."""

    def trainable(self, rank: int) -> int:
        """Weights that an adapter of this rank adds over all of them."""
        return rank * self.edges


def target_choices(model: torch.nn.Module) -> tuple[TargetChoice, ...]:
    """What can get an adapter, in the order of the model; the output embedding is left out."""
    modules: Counter[str] = Counter()
    edges: Counter[str] = Counter()
    head = model.get_output_embeddings() if isinstance(model, PreTrainedModel) else None  # type: ignore[no-untyped-call]
    for path, module in model.named_modules():
        if module is head or not isinstance(module, torch.nn.Linear | Conv1D):
            continue
        name = path.rsplit(".", 1)[-1]
        modules[name] += 1
        edges[name] += sum(module.weight.shape)
    return tuple(TargetChoice(name, count, edges[name]) for name, count in modules.items())


def default_targets(model: PreTrainedModel) -> tuple[str, ...]:
    """The usual modules for the model's architecture: query and value projections where they stand by themselves.

    Raises:
        ModelError: the architecture is one nobody has named targets for.
    """
    kind = str(model.config.model_type)
    if kind == "gpt2":
        # peft's own default has c_attn alone; c_proj, the way out of attention and MLP, belongs to the usual choice.
        return ("c_attn", "c_proj")
    known = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.get(kind)
    names = {choice.name for choice in target_choices(model)}
    if isinstance(known, list) and names.issuperset(known):
        return tuple(known)
    if {"q_proj", "v_proj"} <= names:
        return ("q_proj", "v_proj")
    raise ModelError(
        f"No usual adapter targets are known for {kind}; set adapter.targets to some of {', '.join(sorted(names))}."
    )


def check_targets(model: torch.nn.Module, targets: tuple[str, ...]) -> None:
    """Whether every target names modules that can get an adapter.

    A target is the last part of a module's name, or more of its end: `q_proj`, `self_attn.q_proj`.

    Raises:
        ModelError: one does not; lists the model's own names.
    """
    if not targets:
        raise ModelError("adapter.targets is empty; name at least one module, or leave it out for the usual ones.")
    if targets == (ALL_LINEAR,):
        return
    fit = [path for path, module in model.named_modules() if isinstance(module, torch.nn.Linear | Conv1D)]
    for target in targets:
        if not any(path == target or path.endswith(f".{target}") for path in fit):
            names = [choice.name for choice in target_choices(model)]
            close = difflib.get_close_matches(target, names, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ModelError(f"The model has no module {target}; {hint}It has {', '.join(names)}.")


def lora_settings(model: PreTrainedModel, settings: AdapterSettings) -> dict[str, Any]:
    """Keyword arguments of peft's `LoraConfig` for a causal model; no weight is looked at.

    Raises:
        ModelError: the targets are not the model's.
    """
    targets = settings.targets if settings.targets is not None else default_targets(model)
    check_targets(model, targets)
    return {
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "target_modules": ALL_LINEAR if targets == (ALL_LINEAR,) else list(targets),
        "fan_in_fan_out": _is_transposed(model, targets),
    }


def attach_lora(model: PreTrainedModel, settings: AdapterSettings, seed: int) -> PeftModel:
    """Freezes the model and puts a new adapter on it, which changes nothing until it is trained.

    The adapter's weights stay in float32 whatever the model's format. Random numbers come from `seed` alone. The head
    of a reward model is trained whole, and saved with the adapter.

    Raises:
        ModelError: the targets are not the model's.
    """
    if is_scorer(model):
        # Looked for in the trunk: the head is no target, and what wrote text is not there any more.
        trained = lora_settings(cast("PreTrainedModel", model.base_model), settings)
        config = LoraConfig(task_type=TaskType.SEQ_CLS, modules_to_save=[HEAD], **trained)
    else:
        config = LoraConfig(task_type=TaskType.CAUSAL_LM, **lora_settings(model, settings))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        adapted = get_peft_model(model, config)
    if not isinstance(adapted, PeftModel):
        raise TypeError(f"peft gave a {type(adapted).__name__}")
    return adapted


def check_adapter(folder: Path) -> PeftConfig:
    """The adapter's own settings, once its files can be read whole; nothing is put on a model.

    Raises:
        ModelError: a file is missing, cut short or damaged.
    """
    try:
        config = PeftConfig.from_pretrained(str(folder))
        with safe_open(folder / ADAPTER_WEIGHTS, framework="pt") as weights:
            weights.keys()
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError(
            f"The adapter of {folder.parent.name} cannot be read: a file of it is missing, cut short or damaged. "
            "Train it again, or put its folder back from a copy."
        ) from error
    return config


def merge_adapter(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """Adds an adapter to the model's weights, in place and in float32; the model's format is kept.

    Raises:
        ModelError: the adapter is missing, damaged, or was made for another model.
    """
    if not (folder / ADAPTER_CONFIG).is_file():
        raise ModelError(f"{folder} holds no adapter: {ADAPTER_CONFIG} is missing.")
    dtype = model.dtype
    with _fitting(model, folder):
        merged: PreTrainedModel = _adapted(torch.nn.Module.float(model), folder).merge_and_unload(safe_merge=True)
    return torch.nn.Module.to(merged, dtype=dtype)


def put_on(model: PreTrainedModel, folder: Path) -> PeftModel:
    """The model with a saved adapter on it, in evaluation mode and to the last bit as at the end of training.

    Raises:
        ModelError: the adapter is missing, damaged, or was made for another model.
    """
    if not (folder / ADAPTER_CONFIG).is_file():
        raise ModelError(f"{folder} holds no adapter: {ADAPTER_CONFIG} is missing.")
    with _fitting(model, folder):
        return _adapted(model, folder).eval()


def _adapted(model: PreTrainedModel, folder: Path) -> PeftModel:
    config = PeftConfig.from_pretrained(str(folder))
    config.inference_mode = True
    adapted = PeftModel(model, config)
    found = adapted.load_adapter(str(folder), "default", torch_device=str(model.device))
    if strange := [*found.missing_keys, *found.unexpected_keys]:
        raise ValueError(f"{len(strange)} tensors do not match, the first of them {strange[0]}")
    return adapted


@contextmanager
def _fitting(model: PreTrainedModel, folder: Path) -> Iterator[None]:
    """Says in a sentence what goes wrong with an adapter."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ModelError(
            f"The adapter in {folder.parent.name} does not fit {type(model).__name__}: {reason}"
        ) from error


def _is_transposed(model: torch.nn.Module, targets: tuple[str, ...]) -> bool:
    """Whether the targets are GPT-2's Conv1D, whose weights are stored the other way round."""
    return any(
        isinstance(module, Conv1D)
        for path, module in model.named_modules()
        if targets == (ALL_LINEAR,) or path.rsplit(".", 1)[-1] in {target.rsplit(".", 1)[-1] for target in targets}
    )
