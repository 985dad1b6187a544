"""A text classifier as a reward: loaded once, asked in batches, and only from weights that cannot run code."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

from playground.config.rewards import ClassifierReward
from playground.errors import Cancelled, ConfigError, ModelError, OutOfMemory
from playground.models.devices import choose_device
from playground.models.fetch import resolve
from playground.models.folder import read_config, weights_of
from playground.models.generation import inference
from playground.models.memory import estimate_loading
from playground.models.reading import UNREADABLE
from playground.rewards.reward import Bounds, Surroundings, read_by

LONGEST = 512
"""Tokens of a text that are read, where neither model nor tokenizer says how many it has places for."""


@dataclass(frozen=True)
class LoadedClassifier:
    """A classifier in memory."""

    title: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]
    """Names of the classes, in the order of the logits."""


_kept: dict[tuple[Path, int], LoadedClassifier] = {}
"""The classifier used last, by folder and time of its weights: rollouts are scored again and again."""
_loading = threading.Lock()


def classifier_of(ref: str, around: Surroundings) -> LoadedClassifier:
    """The classifier of a Hub id or a folder, fetched and loaded if need be.

    Raises:
        ModelError: there is none, it cannot be had now, or it sorts no texts.
        OutOfMemory: it does not fit beside what is loaded.
        Cancelled: the person asked to stop.
    """
    folder = resolve(ref, report=around.report, stop=around.stop)
    _check(folder, ref)
    key = (folder, max(file.stat().st_mtime_ns for file in weights_of(folder).files))
    with _loading:
        if key not in _kept:
            _kept.clear()
            _kept[key] = _load(folder, ref)
        return _kept[key]


class Classifier:
    """See `ClassifierReward`."""

    def __init__(self, loaded: LoadedClassifier, settings: ClassifierReward, stop: threading.Event) -> None:
        self.loaded = loaded
        self.settings = settings
        self.stop = stop
        self.place = _place_of(settings.label, loaded)

    @property
    def bounds(self) -> Bounds:
        """0 to 1 for a probability; a logit may be anything."""
        return Bounds(0.0, 1.0) if self.settings.value == "probability" else Bounds()

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:
        texts = read_by(self.settings.reads, prompts, completions)
        # Longest first: the most memory is needed at the start, and a batch has little padding.
        order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
        found = [0.0] * len(texts)
        size = self.settings.batch_size
        with inference(self.loaded.model):
            for start in range(0, len(order), size):
                if self.stop.is_set():
                    raise Cancelled("Stopped while completions were scored.")
                places = order[start : start + size]
                for at, value in zip(places, self._batch([texts[at] for at in places]), strict=True):
                    found[at] = value
        return found

    def _batch(self, texts: Sequence[str]) -> list[float]:
        model, tokenizer = self.loaded.model, self.loaded.tokenizer
        encoded = tokenizer(
            list(texts), truncation=True, max_length=_longest(model, tokenizer), padding=True, return_tensors="pt"
        )
        known = {name: tensor.to(model.device) for name, tensor in encoded.items()}
        logits = model(**known).logits.float()
        if self.settings.value == "probability":
            logits = logits.sigmoid() if logits.shape[-1] == 1 else logits.softmax(dim=-1)
        values: list[float] = logits[:, self.place].tolist()
        return values


def make(settings: ClassifierReward, around: Surroundings) -> Classifier:
    """The reward of these settings, its classifier loaded."""
    return Classifier(classifier_of(settings.model, around), settings, around.stop)


def _load(folder: Path, title: str) -> LoadedClassifier:
    device = choose_device("auto")
    estimate = estimate_loading(folder, "float32", device=device.type)
    if not estimate.fits:
        raise OutOfMemory(f"The classifier {title} {estimate.sentence}; choose a smaller one or free some memory.")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        loaded: Any = AutoModelForSequenceClassification.from_pretrained(
            folder,
            config=AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False),
            dtype=torch.float32,
            use_safetensors=weights_of(folder).kind == "safetensors",
            weights_only=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except UNREADABLE as error:
        raise ModelError(f"The classifier {title} cannot be read: {(str(error).splitlines() or [''])[0]}") from error
    model: PreTrainedModel = loaded[0]
    if lacking := sorted(loaded[1]["missing_keys"]):
        raise ModelError(
            f"{title} was not trained to sort texts: {len(lacking)} of its tensors would be made up, the first of them "
            f"{lacking[0]}. Choose a model for text classification."
        )
    _prepare(model, tokenizer)
    names: dict[int, str] = model.config.id2label or {}  # type: ignore[assignment]  # read as numbers, see its source
    labels = tuple(str(names.get(at, at)) for at in range(model.config.num_labels or 1))
    return LoadedClassifier(title, model.to(device), tokenizer, labels)  # type: ignore[arg-type]


def _prepare(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """A padding token, and a cut that takes the beginning of long texts: what was written comes last."""
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    model.config.pad_token_id = tokenizer.pad_token_id
    tokenizer.truncation_side = "left"
    tokenizer.padding_side = "right"


def _check(folder: Path, title: str) -> None:
    """Refuses what is no classifier by its config, before any weight is read."""
    config = read_config(folder)
    built = [str(name) for name in config.get("architectures") or ()]
    if "auto_map" in config and config.get("model_type") not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        raise ModelError(f"{title} needs code from its repository, which the playground does not run.")
    if config.get("model_type") not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES or not any(
        "ForSequenceClassification" in name for name in built
    ):
        kind = built[0] if built else config.get("model_type")
        raise ModelError(
            f"{title} is {kind}, which sorts no texts; a model for sequence classification is needed, such as "
            "lvwerra/distilbert-imdb."
        )


def _place_of(label: str, loaded: LoadedClassifier) -> int:
    """Where a class stands among the logits, found by its name or its number."""
    wanted = label.strip().lower()
    names = [name.lower() for name in loaded.labels]
    if not wanted:
        return len(names) - 1
    if wanted in names:
        return names.index(wanted)
    if wanted.isascii() and wanted.isdecimal() and int(wanted) < len(names):
        return int(wanted)
    raise ConfigError(
        [f"reward.classifier.label must be a class of {loaded.title}: {', '.join(loaded.labels)}; got {label!r}."]
    )


def _longest(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens that the model reads of a text. Some have fewer places than positions, which their tokenizers know."""
    places = getattr(model.config, "max_position_embeddings", None) or LONGEST
    return int(min(places, tokenizer.model_max_length))
