"""Reads a model's folder into memory, and says in a sentence why a folder cannot be read.

Weights are read as safetensors, and as pickles only through torch's `weights_only`, which builds tensors and runs
nothing. Code that a repository brings along is never run.
"""

import pickle
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)
from transformers.utils.logging import set_tqdm_hook

from playground.errors import Cancelled, ModelError
from playground.models.folder import read_config, weights_of
from playground.runs.events import Progress

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)
UNREADABLE = (
    OSError, ValueError, RuntimeError, TypeError, KeyError, AttributeError, ImportError, EOFError, struct.error,
    pickle.UnpicklingError, SafetensorError, StrictDataclassError,
)  # fmt: skip
"""What transformers, torch and tokenizers raise for files that are damaged or not what they seem."""

_reading = threading.Lock()
"""transformers has one progress hook per process, so that readers take turns."""


def check_causal(config: dict[str, Any], title: str) -> None:
    """Whether a config describes a model that writes text from left to right.

    Raises:
        ModelError: it does not, or needs code that we do not run; says what it is instead.
    """
    kind = config.get("model_type")
    if kind not in CONFIG_MAPPING_NAMES:
        if "auto_map" in config:
            raise ModelError(f"{title} needs code from its repository, which the playground does not run.")
        raise ModelError(f"{title} is of a kind that transformers does not know: model_type {kind!r} in config.json.")
    built = [str(name) for name in config.get("architectures") or ()]
    if any(name in _names(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) for name in built):
        return
    is_a = f"{title} is {_with_article(built[0] if built else str(kind))}"
    wanted = "a causal language model is needed, such as GPT-2, Llama, OPT or Qwen"
    if config.get("is_encoder_decoder"):
        raise ModelError(f"{is_a}, a sequence-to-sequence model; {wanted}.")
    if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not config.get("is_decoder"):
        raise ModelError(f"{is_a}, an encoder that reads text but does not write it; {wanted}.")
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or any("For" in name for name in built):
        raise ModelError(f"{is_a}, which does not write text; {wanted}.")


def read_causal_config(folder: Path, title: str) -> PreTrainedConfig:
    """The config of a causal language model.

    Raises:
        ModelError: it is damaged, or describes something else.
    """
    check_causal(read_config(folder), title)
    try:
        config: PreTrainedConfig = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except UNREADABLE as error:
        raise ModelError(f"The config.json of {title} cannot be used: {_in_brief(error)}") from error
    return config


def read_tokenizer(folder: Path, title: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a folder, with a padding token.

    Raises:
        ModelError: it is missing or damaged.
    """
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(f"{title} has no tokenizer: tokenizer.json or tokenizer.model is needed beside its weights.")
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except UNREADABLE as error:
        raise ModelError(f"The tokenizer of {title} cannot be read: {_in_brief(error)}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def read_model(
    folder: Path,
    config: PreTrainedConfig,
    dtype: torch.dtype,
    title: str,
    *,
    report: Callable[[Progress], None],
    stop: threading.Event,
) -> PreTrainedModel:
    """The model of a folder, on the CPU, every weight from the files and none made up.

    Raises:
        ModelError: the files are damaged, incomplete or unsafe.
        Cancelled: `stop` was set.
    """
    safe = weights_of(folder).kind == "safetensors"
    try:
        with _progress(report, stop):
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                config=config,
                dtype=dtype,
                use_safetensors=safe,
                weights_only=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"The weights of {title} are a pickle that holds more than tensors, which could run any code, so they "
            "were not opened; look for a copy as safetensors."
        ) from error
    except ImportError as error:
        raise ModelError(f"{title} needs a package that is not installed: {_in_brief(error)}") from error
    except UNREADABLE as error:
        raise ModelError(f"The weights of {title} cannot be read: {_in_brief(error)}") from error
    model: PreTrainedModel = loaded[0]
    if lacking := sorted(loaded[1]["missing_keys"]):
        raise ModelError(
            f"The weights of {title} are not those of a language model: {len(lacking)} tensors are missing, the first "
            f"of them {lacking[0]}."
        )
    return model


@contextmanager
def _progress(report: Callable[[Progress], None], stop: threading.Event) -> Iterator[None]:
    """Hears how far transformers is in reading weights, and leaves from in between them on `stop`."""
    reader = threading.get_ident()

    def hook(factory: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if threading.get_ident() != reader or not arguments:
            return factory(*arguments, **named)
        return _told(arguments[0], report, stop)

    with _reading:
        before = set_tqdm_hook(hook)
        try:
            yield
        finally:
            set_tqdm_hook(before)


def _told(items: Any, report: Callable[[Progress], None], stop: threading.Event) -> Iterator[Any]:
    total = len(items)
    for index, item in enumerate(items):
        if stop.is_set():
            raise Cancelled("Loading was stopped.")
        yield item
        report(Progress("read", index + 1, total))


def _names(mapping: Any) -> set[str]:
    found: set[str] = set()
    for value in mapping.values():
        found.update([value] if isinstance(value, str) else value)
    return found


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _in_brief(error: BaseException) -> str:
    """What an error says before it goes into details; where that ends in a colon, with the first detail."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2] if lines[0].endswith(":") else lines[:1])[:300]
