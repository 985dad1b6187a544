"""How much memory a model takes to load and to train, against what the machine has. No weight is read for it."""

import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from playground.config.methods import METHODS
from playground.config.run import AdapterSettings, TrainingSettings
from playground.errors import ModelError
from playground.models.catalogue import Entry
from playground.models.folder import read_config, weights_of

ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
STORED_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
USUAL_TARGETS = ("q_proj", "v_proj", "c_attn", "c_proj")
"""What adapters go on by default in one family or another; see `adapters.default_targets`."""
EVERY = "all-linear"
"""A target that stands for every linear layer but the output layer."""
NOT_LINEAR = ("embed", "wte", "wpe", "lm_head")
"""Parts of the names of other matrices."""
CONTAINER = Path("/sys/fs/cgroup")
LOADING_OVERHEAD = 200_000_000
"""Bytes over the weights while they are read: the largest tensor twice, the tokenizer, torch itself."""


OPTIMIZER_BYTES = {"adamw_torch": 8, "adamw_torch_fused": 8, "adafactor": 1, "sgd": 0}
"""State per trained weight: AdamW keeps two float32 moments, Adafactor rows and columns of one."""
LAYER_ACTIVATIONS = (8, 3)
"""Numbers kept per token and layer for the backward pass, in widths of the model and of its MLP. Fitted to LoRA runs
of SmolLM2-135M on a CPU (64 and 1,024 tokens per step, 1.69 MB per token); `benchmarks/training_memory.py` holds what
is told against what runs take. Attention keeps nothing of length²."""
LOGIT_BYTES = 12
"""Kept per token and vocabulary entry: logits, their log-softmax and their gradient, in float32."""
PROCESS_BYTES = 650_000_000
"""What a worker takes besides the model: Python, torch, transformers, trl and peft; 0.53 GB measured before the first
step, 0.75 GB at the peak of runs on the smallest models."""


class Drawn(NamedTuple):
    """Answers that are drawn in a run of PPO, in turns with learning from them."""

    rows: int
    """Written side by side."""
    tokens: int
    """Of the longest, its prompt included."""


_promises: list[Callable[[], int]] = []


class TensorShape(NamedTuple):
    """A tensor as a file's header describes it."""

    name: str
    shape: tuple[int, ...]
    stored_bytes: int

    @property
    def items(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class MemoryEstimate:
    """What something takes and what there is."""

    bytes: int
    available: int
    """Bytes free on the device."""
    device: str

    @property
    def fits(self) -> bool:
        """Whether there is enough."""
        return self.bytes <= self.available

    @property
    def sentence(self) -> str:
        """`needs about 0.6 GB of 21 GB free`."""
        place = "" if self.device == "cpu" else f" on {self.device}"
        return f"needs about {gigabytes(self.bytes)} of {gigabytes(self.available)} free{place}"


def gigabytes(count: float) -> str:
    """Bytes for people: two digits that matter, in GB of 10⁹ bytes."""
    value = count / 1e9
    return f"{value:.0f} GB" if value >= 10 else f"{value:.1f} GB" if value >= 0.1 else f"{value:.2f} GB"


@contextmanager
def promised(remaining: Callable[[], int]) -> Iterator[None]:
    """For the block, `available` tells so many bytes less: another process is to have them, and has not yet taken them.

    Args:
        remaining: bytes that it may still take; asked anew every time.
    """
    _promises.append(remaining)
    try:
        yield
    finally:
        _promises.remove(remaining)


def available(device: str = "cpu") -> int:
    """Bytes that can be taken now: on a CPU, of the machine and of the container's limit, whichever is less.

    What was promised to others is not there to be taken.

    Raises:
        ModelError: there is no such device.
    """
    if device.startswith("cuda"):
        import torch

        if not torch.cuda.is_available():
            raise ModelError(f"This machine has no device {device}.")
        free: int = torch.cuda.mem_get_info(device)[0]
    else:
        free = min(psutil.virtual_memory().available, _container_free())
    return max(0, free - sum(max(0, remaining()) for remaining in tuple(_promises)))


def tensors_of(folder: Path) -> list[TensorShape]:
    """Every tensor of a folder of safetensors, from the headers alone; empty for pickles, which have none.

    Raises:
        ModelError: there are no weights, or a header is damaged.
    """
    weights = weights_of(folder)
    if weights.kind == "pickle":
        return []
    return [tensor for file in weights.files for tensor in shapes_of(file)]


def parameters_of(folder: Path) -> int:
    """Number of weights in a folder; for pickles told from the files' size."""
    tensors = tensors_of(folder)
    if tensors:
        return sum(tensor.items for tensor in tensors)
    config = read_config(folder)
    stored = config.get("dtype") or config.get("torch_dtype") or "float32"
    return sum(file.stat().st_size for file in weights_of(folder).files) // ITEM_BYTES.get(str(stored), 4)


def estimate_loading(source: Path | Entry, dtype: str = "auto", *, device: str = "cpu") -> MemoryEstimate:
    """What loading takes: a folder's weights by its headers, or those of a catalogue entry before it is fetched.

    Args:
        source: a model's folder or a catalogue entry.
        dtype: `float32`, `bfloat16` or `float16`; `auto` is float32 on a CPU and bfloat16 elsewhere.
        device: `cpu`, `cuda` or `mps`.
    """
    chosen = dtype if dtype != "auto" else _auto(device)
    parameters = source.parameters if isinstance(source, Entry) else parameters_of(source)
    return MemoryEstimate(parameters * ITEM_BYTES[chosen] + LOADING_OVERHEAD, available(device), device)


def estimate_training(
    folder: Path,
    adapter: AdapterSettings,
    training: TrainingSettings,
    *,
    method: str = "sft",
    longest_row: int | None = None,
    drawn: Drawn | None = None,
    device: str = "cpu",
) -> MemoryEstimate:
    """The peak of a run on a model's folder: weights, gradients, optimiser state, activations and logits.

    Args:
        drawn: what is drawn between two updates, if anything: keys and values, and in float32 the adapted weights once
            more, with the adapter added in.
        longest_row: tokens of the longest row of the data, since a batch is as wide as its longest; where None, rows
            are taken to be as long as `max_length`, which real rows seldom are.

    Raises:
        ModelError: the folder holds no model.
    """
    config = read_config(folder)
    parameters = parameters_of(folder)
    trained = parameters if adapter.kind == "none" else adapter_weights(folder, adapter)
    compute = training.precision if training.precision != "auto" else _auto(device)
    item = ITEM_BYTES[compute]
    footprint = METHODS[method].footprint
    # Beside an adapter the model is its own reference; weights that are trained, and their copy, stay in float32.
    frozen = parameters * (4 * footprint.reference if adapter.kind == "none" else item)
    state, gradients = trained * (4 + OPTIMIZER_BYTES[training.optimizer]), trained * 4
    width, inner, layers, vocabulary = _sizes(config)
    kept = LAYER_ACTIVATIONS[0] * width + LAYER_ACTIVATIONS[1] * inner
    # With checkpointing a layer keeps its input alone, and one layer at a time all of it.
    per_token = (layers * width + kept if training.gradient_checkpointing else layers * kept) * item
    tokens = (
        training.batch_size
        * footprint.texts
        * (
            min(longest_row or training.max_length, training.max_length, _longest(config))
            + (adapter.num_virtual_tokens if adapter.is_prompt else 0)
        )
    )
    process = 0 if device.startswith("cuda") else PROCESS_BYTES
    activations = tokens * (per_token + LOGIT_BYTES * vocabulary * footprint.logits)
    # Gradients come as activations go, unless earlier batches of the same step have left theirs.
    moving = activations + gradients if training.gradient_accumulation > 1 else max(activations, gradients)
    if drawn is not None:
        cache = estimate_generation(config, drawn.rows, drawn.tokens, compute, device=device).bytes
        folded = adapted_weights(folder, adapter) * item if adapter.kind == "lora" and compute == "float32" else 0
        moving = max(moving, cache + folded)
    needed = frozen + state + moving + process
    return MemoryEstimate(needed, available(device), device)


def estimate_generation(
    config: Mapping[str, Any], rows: int, tokens: int, dtype: str, *, device: str = "cpu"
) -> MemoryEstimate:
    """What answering takes beside the model: keys and values of every token, and the logits of one step.

    Args:
        config: the model's, as JSON values.
        rows: texts that grow together.
        tokens: length of the longest, prompt included.
        dtype: in which the model computes.
    """
    width, _, layers, vocabulary = _sizes(config)
    heads = int(config.get("num_attention_heads") or config.get("n_head") or 1)
    head = int(config.get("head_dim") or width // heads)
    remembered = 2 * layers * int(config.get("num_key_value_heads") or heads) * head * ITEM_BYTES[dtype]
    # A cache that grows by a token is copied, so for a moment one layer's share is there twice.
    needed = rows * (tokens * remembered * (layers + 1) // layers + LOGIT_BYTES * vocabulary)
    return MemoryEstimate(needed, available(device), device)


def adapter_weights(folder: Path, adapter: AdapterSettings) -> int:
    """Weights that are trained beside the model's own; 0 where that cannot be told from its files."""
    return (
        prompt_weights(_sizes(read_config(folder))[0], adapter) if adapter.is_prompt else lora_weights(folder, adapter)
    )


def prompt_weights(width: int, adapter: AdapterSettings) -> int:
    """Those of a soft prompt, and of the network that writes it."""
    prompt, inner = adapter.num_virtual_tokens * width, adapter.encoder_hidden_size
    if adapter.kind == "prompt_tuning":
        return prompt
    if adapter.encoder == "mlp":
        return prompt + (width + 1) * inner + (inner + 1) * inner + (inner + 1) * width
    # Two layers, two ways, four gates, each with two biases; the second layer reads both ways of the first.
    lstm = 8 * inner * ((width + inner + 2) + (2 * inner + inner + 2))
    return prompt + lstm + (2 * inner + 1) * 2 * inner + (2 * inner + 1) * width


def lora_weights(folder: Path, adapter: AdapterSettings) -> int:
    """Weights that an adapter adds, told from the shapes of its targets; 0 where the weights are a pickle."""
    return sum(adapter.rank * sum(tensor.shape) for tensor in _targets(folder, adapter))


def adapted_weights(folder: Path, adapter: AdapterSettings) -> int:
    """Weights of the model that an adapter is added to; 0 where they are a pickle."""
    return sum(tensor.items for tensor in _targets(folder, adapter))


def _targets(folder: Path, adapter: AdapterSettings) -> Iterator[TensorShape]:
    targets = adapter.targets or USUAL_TARGETS
    endings = tuple(f"{target}.weight" for target in targets)
    for tensor in tensors_of(folder):
        meant = EVERY in targets and not any(name in tensor.name for name in NOT_LINEAR)
        if len(tensor.shape) == 2 and (meant or tensor.name.endswith(endings)):
            yield tensor


def _auto(device: str) -> str:
    return "bfloat16" if device.startswith("cuda") else "float32"


def _sizes(config: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Width, width of the MLP, layers and vocabulary, under the names that Llama, OPT and GPT-2 give them."""

    def first(*names: str) -> int:
        return next((int(config[name]) for name in names if config.get(name)), 0)

    width = first("hidden_size", "n_embd", "d_model")
    inner = first("intermediate_size", "ffn_dim", "n_inner") or 4 * width
    return width, inner, first("num_hidden_layers", "n_layer", "num_layers"), first("vocab_size")


def _longest(config: dict[str, Any]) -> int:
    return int(config.get("max_position_embeddings") or config.get("n_positions") or 1 << 20)


def shapes_of(file: Path) -> list[TensorShape]:
    """The tensors that the header of a safetensors file names: eight bytes of length, little-endian, then JSON."""
    try:
        with file.open("rb") as source:
            (length,) = struct.unpack("<Q", source.read(8))
            if length > file.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = json.loads(source.read(length))
        header.pop("__metadata__", None)
        return [
            TensorShape(name, tuple(found["shape"]), found["data_offsets"][1] - found["data_offsets"][0])
            for name, found in header.items()
        ]
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{file.name} is not a whole safetensors file ({error}); fetch the model anew.") from error


def _container_free() -> int:
    """Bytes left under the limit of a control group (version 2, then 1); without one, more than any machine has."""
    for limit, used, stat in (
        ("memory.max", "memory.current", "memory.stat"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
    ):
        try:
            most = int((CONTAINER / limit).read_text())
            taken = int((CONTAINER / used).read_text())
            lines = (CONTAINER / stat).read_text().splitlines()
        except (OSError, ValueError):
            continue  # not this version, or "max": no limit
        # Cached files count as used but are given up when memory is wanted.
        cached = sum(int(line.split()[1]) for line in lines if line.startswith(("inactive_file ", "active_file ")))
        return max(0, most - taken + cached)
    return 1 << 62
