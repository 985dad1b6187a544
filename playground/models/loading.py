"""From a reference to a model in memory, ready to generate or to be trained: stage by stage, with progress and stop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from playground.config.run import ModelRef
from playground.errors import Cancelled, ModelError, OutOfMemory
from playground.models import memory
from playground.models.adapters import merge_adapter
from playground.models.devices import choose_device, choose_dtype
from playground.models.fetch import resolve
from playground.models.lineage import Lineage, lineage_of, title_of
from playground.models.quick import quicken
from playground.models.reading import read_causal_config, read_model, read_tokenizer
from playground.runs.events import Progress


@dataclass(frozen=True)
class ModelInfo:
    """What the Model tab shows of a loaded model."""

    title: str
    architecture: str
    parameters: int
    """Weights, shared ones counted once."""
    dtype: str
    device: str
    memory_bytes: int
    """Of weights and buffers on the device."""
    context_length: int
    """Longest text in tokens."""
    chat_template: bool
    vocabulary: int
    """Number of logits: the rows of the output embedding, which may be more than the tokenizer has tokens."""
    folder: Path


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory, in evaluation mode, and what belongs to it."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    ref: ModelRef
    info: ModelInfo


def load(
    ref: ModelRef,
    *,
    dtype: str = "auto",
    device: str = "auto",
    report: Callable[[Progress], None],
    stop: threading.Event,
    token: str | None = None,
) -> LoadedModel:
    """Loads a model, fetching it first where it is not here yet.

    The model of an earlier run is its base with the run's adapter merged in float32, through every run of the chain.

    Args:
        ref: a catalogue name, a Hub id, a folder, or a run.
        dtype: `auto`, `float32`, `bfloat16` or `float16`.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        report: told of stages `find`, `download`, `check`, `convert`, `read`, `merge`, `move`.
        stop: set to give up.
        token: for gated models on the Hub; not kept.

    Raises:
        ModelError: it cannot be found, is not a causal language model, or is damaged.
        ModelUnavailable: it cannot be fetched now.
        OutOfMemory: it needs more memory than there is.
        Cancelled: `stop` was set.
    """
    place = choose_device(device)
    number_format = choose_dtype(dtype, place)
    lineage, title = lineage_of(ref), title_of(ref)
    folder = lineage.weights or resolve(lineage.base, report=report, stop=stop, token=token)
    _check(stop)
    config = read_causal_config(folder, title)
    tokenizer = read_tokenizer(folder, title)
    first = torch.float32 if lineage.adapters else number_format
    _refuse_too_large(folder, first, number_format, place, title)
    try:
        model = read_model(folder, config, first, title, report=report, stop=stop)
        _merge(model, lineage, report, stop)
        report(Progress("move", 0, 1))
        model = torch.nn.Module.to(_in_format(model, number_format), device=place)
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise OutOfMemory(f"{title} does not fit into the memory of {place}; choose a smaller model.") from error
    _check(stop)
    _prepare(model, tokenizer, title)
    quicken(model)
    return LoadedModel(model, tokenizer, ref, _describe(model, tokenizer, title, folder))


def _in_format(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """The model with its weights in a number format; buffers, such as the frequencies of rotary positions, keep theirs.

    Those are float32 in every format that transformers reads: bfloat16 would turn the positions of long texts.
    """
    for parameter in model.parameters() if model.dtype != dtype else ():
        parameter.data = parameter.data.to(dtype)
    return model


def vocabulary_of(model: PreTrainedModel) -> int:
    """Number of logits, which may be more than the tokenizer has tokens."""
    rows: int = model.get_output_embeddings().weight.shape[0]  # type: ignore[no-untyped-call]
    return rows


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("Loading was stopped.")


def _refuse_too_large(folder: Path, first: torch.dtype, last: torch.dtype, device: torch.device, title: str) -> None:
    """Refuses before the operating system ends the process."""
    for dtype, place in {(first, "cpu"), (last, device.type)}:
        estimate = memory.estimate_loading(folder, str(dtype).removeprefix("torch."), device=place)
        if not estimate.fits:
            raise OutOfMemory(f"{title} {estimate.sentence}; choose a smaller model or free some memory.")


def _merge(model: PreTrainedModel, lineage: Lineage, report: Callable[[Progress], None], stop: threading.Event) -> None:
    for index, adapter in enumerate(lineage.adapters):
        _check(stop)
        report(Progress("merge", index, len(lineage.adapters)))
        merge_adapter(model, adapter)


def _prepare(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, title: str) -> None:
    """Leaves no sampling habit of the model's authors in force: only token ids are kept."""
    rows = vocabulary_of(model)
    if len(tokenizer) > rows:
        raise ModelError(
            f"The tokenizer of {title} has {len(tokenizer)} tokens, but the model knows {rows}; they do not belong "
            "together."
        )
    given = model.generation_config or GenerationConfig()  # type: ignore[no-untyped-call]
    ends = given.eos_token_id if given.eos_token_id is not None else tokenizer.eos_token_id
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=given.bos_token_id if given.bos_token_id is not None else tokenizer.bos_token_id,
        eos_token_id=ends,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.eval()  # type: ignore[no-untyped-call]


def _describe(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, title: str, folder: Path) -> ModelInfo:
    weights = {tensor.data_ptr(): tensor for tensor in (*model.parameters(), *model.buffers())}.values()
    longest = min(model.config.max_position_embeddings, tokenizer.model_max_length)
    return ModelInfo(
        title=title,
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        dtype=str(model.dtype).removeprefix("torch."),
        device=str(model.device),
        memory_bytes=sum(tensor.numel() * tensor.element_size() for tensor in weights),
        context_length=int(longest),
        chat_template=tokenizer.chat_template is not None,
        vocabulary=vocabulary_of(model),
        folder=folder,
    )
