"""Models as they leave the house: merged, whole, and loadable by plain transformers."""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from playground.config.run import ModelRef
from playground.errors import Cancelled
from playground.models.fetch import resolve
from playground.models.folder import SINGLE_FILES, weights_of
from playground.models.hub_download import SMALL_FILES
from playground.models.lineage import lineage_of
from playground.models.loading import LoadedModel, load
from playground.models.reading import read_causal_config
from playground.runs.events import Progress

SHARD = "5GB"
"""Largest file of weights; the Hub shows and resumes files of this size well."""


TURN_SECONDS = 0.3
"""Between two looks at whether whoever waits for a turn still wants it."""
_turn = threading.Lock()


def write_model(ref: ModelRef, folder: Path, *, report: Callable[[Progress], None], stop: threading.Event) -> None:
    """Writes a model with its tokenizer into an empty folder, as safetensors wherever weights were merged.

    A model that is whole on disk is copied as it lies; what stands on adapters is merged in float32 and kept so.

    Raises:
        ModelError, OutOfMemory, Cancelled: as `load`.
        OSError: there is no room for it.
    """
    lineage = lineage_of(ref)
    if not lineage.adapters:
        _copy(lineage.weights or resolve(lineage.base, report=report, stop=stop), folder)
        return
    with _in_turn(report, stop):
        _write_merged(load(ref, dtype="float32", device="cpu", report=report, stop=stop), folder, report)


@contextlib.contextmanager
def _in_turn(report: Callable[[Progress], None], stop: threading.Event) -> Iterator[None]:
    """Models are merged one at a time, since each takes the memory of a whole one.

    Raises:
        Cancelled: `stop` was set before the turn came.
    """
    while not _turn.acquire(timeout=TURN_SECONDS):
        report(Progress("turn", 0, 0))
        if stop.is_set():
            raise Cancelled("Stopped before its turn.")
    try:
        yield
    finally:
        _turn.release()


def _write_merged(loaded: LoadedModel, folder: Path, report: Callable[[Progress], None]) -> None:
    report(Progress("write", 0, 1))
    # A place on this machine is nobody's business.
    loaded.model.name_or_path = loaded.model.config.name_or_path = loaded.tokenizer.name_or_path = ""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        loaded.model.save_pretrained(folder, max_shard_size=SHARD)
        loaded.tokenizer.save_pretrained(folder)
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    report(Progress("write", 1, 1))


def skeleton(folder: Path, title: str) -> PreTrainedModel:
    """The model's modules without weights: takes no memory to speak of.

    Raises:
        ModelError: the folder's config is damaged or describes something else.
    """
    config = read_causal_config(folder, title)
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    return model


def folder_of(ref: ModelRef, *, report: Callable[[Progress], None], stop: threading.Event) -> Path:
    """A folder with the config and the tokenizer of a model: of what its chain of runs stands on. Raises as `load`."""
    lineage = lineage_of(ref)
    return lineage.weights or resolve(lineage.base, report=report, stop=stop)


def _copy(source: Path, folder: Path) -> None:
    weights = weights_of(source)
    index = source / f"{SINGLE_FILES[weights.kind]}.index.json"
    names = [source / name for name in (*SMALL_FILES, "README.md", "LICENSE")]
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*names, index, *weights.files):
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
