"""The tuned variants of one loaded model: adapters attached to it, or whole models beside it."""

import gc
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import NamedTuple

from peft import LoraConfig, PeftModel
from transformers import PreTrainedModel

from playground.config import codec
from playground.config.methods import SCORING
from playground.config.run import ModelRef, RunConfig, RunRef
from playground.errors import ModelError, OutOfMemory, RunError
from playground.models import catalogue
from playground.models.adapters import check_adapter, merge_adapter
from playground.models.lineage import title_of, writes_nothing
from playground.models.loading import LoadedModel, load
from playground.models.memory import estimate_loading
from playground.models.soft_prompts import has_prompt, holds_prompt, prompt_of, read_prompt
from playground.models.virtual_tokens import VirtualTokens, virtual_tokens
from playground.runs.home import runs_folder
from playground.runs.steps import step_of

ADAPTERS = 4
"""Adapters that stay attached; the one used longest ago leaves first."""
BASE = "__base__"
"""peft's name for no adapter at all."""


class Side(NamedTuple):
    """What answers one side of a comparison."""

    model: PreTrainedModel
    adapter: str | None
    """To be named for each row; None where the model has no adapters."""
    lead: tuple[int, ...] = ()
    """Virtual tokens of a soft prompt, which stand before every text; see `virtual_tokens`."""

    def reading(self, ids: Sequence[int]) -> list[int]:
        """The tokens that the model is to see for a text: behind the soft prompt, where there is one."""
        return [*self.lead, *ids]


@dataclass(frozen=True)
class _Attached:
    """An adapter on the model, and the file it came from as it was then."""

    name: str
    changed_ns: int


@dataclass(frozen=True)
class _Prompt:
    """A soft prompt before the model, and the file it came from as it was then."""

    ids: tuple[int, ...]
    changed_ns: int


class Shelf:
    """Finds, attaches and forgets what runs made of one loaded model. Not safe across threads: hold the turn."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self.model: PreTrainedModel = loaded.model
        self._attached: OrderedDict[str, _Attached] = OrderedDict()
        self._prompts: OrderedDict[str, _Prompt] = OrderedDict()
        self._virtual = VirtualTokens(loaded.model)
        self._beside: tuple[str, LoadedModel] | None = None
        self._names = 0

    def base(self) -> Side:
        """The loaded model as it is."""
        return Side(self.model, BASE if self._attached else None)

    def tuned(self, run: str, stop: Event, *, step: int | None = None) -> Side:
        """The loaded model as the run left it, or as it was at one of its saved steps.

        A plain LoRA adapter is attached to it, and a soft prompt stands before the text; whatever else a run may have
        trained is loaded beside it.

        Raises:
            RunError: the run is unknown, was deleted, has left no weights, or has not kept that step.
            ModelError: the run started from another model; says which to load.
            OutOfMemory: the run's weights do not fit beside the loaded model.
        """
        folder = runs_folder() / run
        try:
            config = run_config(run)
        except RunError:
            self.forget(run)
            raise
        if config.method in SCORING:
            raise ModelError(writes_nothing(run, config.name))
        adapter, whole = folder / "adapter", folder / "model"
        if not (adapter / "adapter_config.json").is_file() and not whole.is_dir():
            self.forget(run)
            raise RunError(f"Run {config.name or run} has no trained weights; let it finish, or stop it with saving.")
        if canonical(config.model) != canonical(self.loaded.ref):
            raise ModelError(
                f"Run {config.name or run} was trained on {describe(config.model)}, but the loaded model is "
                f"{describe(self.loaded.ref)}; load {describe(config.model)} in the Model tab to use this run."
            )
        key = run
        if step is not None:
            key, adapter = f"{run}@{step}", step_of(folder, step).folder
        elif whole.is_dir():
            return Side(self._load_beside(key, RunRef(run), whole, stop), None)
        if holds_prompt(adapter):
            return self.base()._replace(lead=self._lead(key, adapter))
        if _is_plain(adapter):
            name = self._attach(key, adapter)
            return Side(self.model, name)
        if step is None:
            return Side(self._load_beside(key, RunRef(run), self.loaded.info.folder, stop), None)
        return Side(self._load_beside(key, self.loaded.ref, self.loaded.info.folder, stop, adapter), None)

    def _attach(self, run: str, folder: Path) -> str:
        """Name of the run's adapter on the model, attached anew where the run went on training since."""
        changed = _changed(folder)
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

    def _lead(self, run: str, folder: Path) -> tuple[int, ...]:
        """The run's soft prompt as virtual tokens, read anew where the run went on training since."""
        changed = _changed(folder)
        known = self._prompts.get(run)
        if known and known.changed_ns == changed:
            self._prompts.move_to_end(run)
            return known.ids
        self.forget(run)
        while len(self._prompts) >= ADAPTERS:
            self.forget(next(iter(self._prompts)))
        ids = self._virtual.add(read_prompt(folder))
        self._prompts[run] = _Prompt(ids, changed)
        return ids

    def holds(self, run: str) -> bool:
        """Whether there is anything of this run in memory, or of its steps."""
        return any(key.split("@")[0] == run for key in self._keys())

    def _keys(self) -> list[str]:
        """Ids of runs, and `RUN@STEP`, of which something is in memory."""
        return [*self._attached, *self._prompts, *([self._beside[0]] if self._beside else [])]

    def forget(self, run: str) -> None:
        """Gives back the memory of a run's weights, those of its steps too; does nothing where they take none."""
        for key in self._keys():
            if key.startswith(f"{run}@"):
                self.forget(key)
        if self._beside and self._beside[0] == run:
            self._beside = None
            gc.collect()
        if prompt := self._prompts.pop(run, None):
            self._virtual.remove(prompt.ids)
        known = self._attached.pop(run, None)
        if known is None:
            return
        if self._attached:
            # peft warns when it has to choose another active adapter; which one is of no matter, as rows name theirs.
            self.model.set_adapter(next(iter(self._attached.values())).name)
            self.model.delete_adapter(known.name)
        else:
            self.model = self.model.unload()  # type: ignore[operator]

    def _load_beside(
        self, key: str, ref: ModelRef, weights: Path, stop: Event, adapter: Path | None = None
    ) -> PreTrainedModel:
        """A model of its own, with an adapter merged into it where one is given."""
        if self._beside and self._beside[0] == key:
            return self._beside[1].model
        self._beside = None
        gc.collect()
        info = self.loaded.info
        estimate = estimate_loading(weights, info.dtype, device=info.device)
        if not estimate.fits:
            raise OutOfMemory(
                f"The tuned model {estimate.sentence}, beside its base; load {describe(ref)} by itself instead."
            )
        beside = load(ref, dtype=info.dtype, device=info.device, report=lambda _: None, stop=stop)
        if adapter is not None:
            merge_adapter(beside.model, adapter)
        self._beside = (key, beside)
        return beside.model


@contextmanager
def in_training(model: PreTrainedModel) -> Iterator[Side]:
    """A model that learns, as what answers within the block; its soft prompt, if it has one, as it is now."""
    if not isinstance(model, PeftModel) or not has_prompt(model):
        yield Side(model, None)
        return
    base = model.get_base_model()
    with virtual_tokens(base, prompt_of(model)) as lead:
        yield Side(base, None, lead)


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


def canonical(ref: ModelRef) -> ModelRef:
    """One form for the several names of one model."""
    if isinstance(ref, RunRef):
        return ref
    entry = catalogue.find(ref)
    if entry:
        return entry.name
    folder = Path(ref).expanduser()
    return str(folder.resolve()) if folder.is_dir() else ref


def _changed(folder: Path) -> int:
    """When the newest file of a folder was written, in nanoseconds."""
    return max(file.stat().st_mtime_ns for file in folder.iterdir())


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
