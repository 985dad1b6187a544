"""Everything a script needs to know of a run, in plain values."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from playground.config.methods.sft import SFTSettings
from playground.data.key_tokens import key_token_ids
from playground.data.splits import prepare
from playground.export.rows import Wording, WrittenRows, write_rows
from playground.export.subject import Subject
from playground.models.adapters import lora_settings
from playground.models.devices import choose_device
from playground.models.merging import folder_of, skeleton
from playground.models.reading import read_tokenizer
from playground.runs.events import Progress
from playground.training.precision import Precision, choose_precision

BASE = "base"
"""Folder of the base model beside the script, where the Hub does not have it."""


@dataclass(frozen=True)
class Recipe:
    """A run as its script tells it."""

    subject: Subject
    rows: WrittenRows
    max_length: int
    """Tokens of the longest row: the setting, or what the model reads where that is less."""
    lora: Mapping[str, Any] | None
    """Keyword arguments of peft's `LoraConfig`; None where every weight is trained."""
    key_tokens: tuple[int, ...]
    """Ids of the tokens that make a row count more; none where every token counts the same."""
    precision: Precision
    """As a run of the same settings has it on this machine."""

    @property
    def packages(self) -> list[str]:
        """Requirements with the versions that are installed here."""
        names = ["torch", "transformers", "trl", *(["peft"] if self.lora else []), "datasets"]
        # A local part such as "+cpu" names an index, which is the person's own choice.
        return [f"{name}=={version(name).split('+')[0]}" for name in names]


def gather(subject: Subject, folder: Path, *, report: Callable[[Progress], None], stop: threading.Event) -> Recipe:
    """Writes the run's rows into a folder and reads off everything else.

    Raises:
        DataError, ModelError: the run's data or base model is not here any more, or has changed.
    """
    config = subject.config
    here = folder_of(config.model, report=report, stop=stop)
    tokenizer = read_tokenizer(here, subject.base.title)
    model = skeleton(here, subject.base.title)
    longest = min(config.training.max_length, model.config.max_position_embeddings, tokenizer.model_max_length)
    options = cast("SFTSettings", config.options)
    wording = Wording(config.data.template_text, tokenizer, longest, options.loss_on)
    held_out = config.training.eval_rows if config.training.eval_steps else 0
    return Recipe(
        subject=subject,
        rows=write_rows(prepare(config.data, report), wording, held_out, folder, report),
        max_length=longest,
        lora=lora_settings(model, config.adapter) if config.adapter.kind == "lora" else None,
        key_tokens=key_token_ids(options.key_tokens or (), tokenizer),
        precision=choose_precision(config.training, config.adapter, choose_device("auto")),
    )
