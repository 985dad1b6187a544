"""The tuned variants of one loaded model: adapters attached to it, or whole models beside it."""

import gc
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import NamedTuple

from peft import LoraConfig, PeftModel
from transformers import PreTrainedModel

from playground.config import codec
from playground.config.run import ModelRef, RunConfig, RunRef
from playground.errors import ModelError, OutOfMemory, RunError
from playground.models import catalogue
from playground.models.adapters import check_adapter
from playground.models.lineage import title_of
from playground.models.loading import LoadedModel, load
from playground.models.memory import estimate_loading
from playground.runs.home import runs_folder

ADAPTERS = 4
"""Adapters that stay attached; the one used longest ago leaves first."""
BASE = "__base__"
"""peft's name for no adapter at all."""


class Side(NamedTuple):
    """What answers one side of a comparison."""

    model: PreTrainedModel
    adapter: str | None
    """To be named for each row; None where the model has no adapters."""


@dataclass(frozen=True)
class _Attached:
    """An adapter on the model, and the file it came from as it was then."""

    name: str
    changed_ns: int


class Shelf:
    """Finds, attaches and forgets what runs made of one loaded model. Not safe across threads: hold the turn."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self.model: PreTrainedModel = loaded.model
        self._attached: OrderedDict[str, _Attached] = OrderedDict()
        self._beside: tuple[str, LoadedModel] | None = None
        self._names = 0

    def base(self) -> Side:
        """The loaded model as it is."""
        return Side(self.model, BASE if self._attached else None)

    def tuned(self, run: str, stop: Event) -> Side:
        """The loaded model as the run left it.

        A plain LoRA adapter is attached to it; whatever else a run may have trained is loaded beside it.

        Raises:
            RunError: the run is unknown, was deleted, or has left no weights.
            ModelError: the run started from another model; says which to load.
            OutOfMemory: the run's weights do not fit beside the loaded model.
        """
        folder = runs_folder() / run
        try:
            config = run_config(run)
        except RunError:
            self.forget(run)
            raise
        adapter, whole = folder / "adapter", folder / "model"
        if not (adapter / "adapter_config.json").is_file() and not whole.is_dir():
            self.forget(run)
            raise RunError(f"Run {config.name or run} has no trained weights; let it finish, or stop it with saving.")
        if _canonical(config.model) != _canonical(self.loaded.ref):
            raise ModelError(
                f"Run {config.name or run} was trained on {describe(config.model)}, but the loaded model is "
                f"{describe(self.loaded.ref)}; load {describe(config.model)} in the Model tab to use this run."
            )
        if whole.is_dir() or not _is_plain(adapter):
            return Side(self._load_beside(run, whole if whole.is_dir() else Path(self.loaded.info.folder), stop), None)
        name = self._attach(run, adapter)
        return Side(self.model, name)

    def _attach(self, run: str, folder: Path) -> str:
        """Name of the run's adapter on the model, attached anew where the run went on training since."""
        changed = max(file.stat().st_mtime_ns for file in folder.iterdir())
        known = self._attached.get(run)
        if known and known.changed_ns == changed:
            self._attached.move_to_end(run)
            return known.name
        self.forget(run)
        while len(self._attached) >= ADAPTERS:
            self.forget(next(iter(self._attached)))
        self._names += 1
        name = f"adapter_{self._names}"
        device = str(self.loaded.model.device)
        if isinstance(self.model, PeftModel):
            self.model.load_adapter(str(folder), name, torch_device=device)
        else:
            self.model = PeftModel.from_pretrained(self.model, str(folder), name, torch_device=device)
        self._attached[run] = _Attached(name, changed)
        return name

    def holds(self, run: str) -> bool:
        """Whether there is anything of this run in memory."""
        return run in self._attached or (self._beside is not None and self._beside[0] == run)

    def forget(self, run: str) -> None:
        """Gives back the memory that a run's weights take; does nothing where they take none."""
        if self._beside and self._beside[0] == run:
            self._beside = None
            gc.collect()
        known = self._attached.pop(run, None)
        if known is None:
            return
        if self._attached:
            # peft warns when it has to choose another active adapter; which one is of no matter, as rows name theirs.
            self.model.set_adapter(next(iter(self._attached.values())).name)
            self.model.delete_adapter(known.name)
        else:
            self.model = self.model.unload()  # type: ignore[operator]

    def _load_beside(self, run: str, weights: Path, stop: Event) -> PreTrainedModel:
        if self._beside and self._beside[0] == run:
            return self._beside[1].model
        self._beside = None
        gc.collect()
        info = self.loaded.info
        estimate = estimate_loading(weights, info.dtype, device=info.device)
        if not estimate.fits:
            raise OutOfMemory(
                f"The tuned model {estimate.sentence}, beside its base; load the model of run {run} by itself instead."
            )
        beside = load(RunRef(run), dtype=info.dtype, device=info.device, report=lambda _: None, stop=stop)
        self._beside = (run, beside)
        return beside.model


def run_config(run: str) -> RunConfig:
    """The settings that a run was started with.

    Raises:
        RunError: there is no such run.
    """
    try:
        return codec.loads((runs_folder() / run / "config.json").read_text(encoding="utf-8"))
    except OSError:
        raise RunError(f"Run {run} is not there; it was deleted, or never was.") from None


def describe(ref: ModelRef) -> str:
    """A model reference in words, for one that may be gone too."""
    return f"the model of run {ref.run}" if isinstance(ref, RunRef) else title_of(ref)


def _canonical(ref: ModelRef) -> ModelRef:
    """One form for the several names of one model."""
    if isinstance(ref, RunRef):
        return ref
    entry = catalogue.find(ref)
    if entry:
        return entry.name
    folder = Path(ref).expanduser()
    return str(folder.resolve()) if folder.is_dir() else ref


def _is_plain(adapter: Path) -> bool:
    """Whether an adapter adds to layers and changes nothing else, so that rows of one batch can differ by it."""
    config = check_adapter(adapter)
    return (
        isinstance(config, LoraConfig)
        and not config.use_dora
        and config.bias == "none"
        and not config.modules_to_save
        and not config.trainable_token_indices
    )
