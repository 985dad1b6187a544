"""A run that is taken away: its record, what it left, and how somebody elsewhere gets the model it stands on."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playground.config import codec
from playground.config.methods import SCORING
from playground.config.run import ModelRef, RunConfig, RunRef
from playground.data import uploads
from playground.errors import RunError
from playground.models import catalogue, hub
from playground.models.fetch import names_a_folder
from playground.models.folder import ADAPTER_CONFIG, CONFIG
from playground.models.lineage import title_of
from playground.models.sizes import written_bytes
from playground.runs.records import RunRecord
from playground.runs.store import RunStore

Left = Literal["adapter", "model", "nothing"]
ADAPTER = "adapter"
MODEL = "model"
SCRIPTED = ("sft",)
"""Methods whose runs a script can repeat."""


@dataclass(frozen=True)
class Base:
    """The model that was tuned, as the world knows it."""

    ref: ModelRef
    title: str
    hub_id: str
    """Where anybody can get it; empty for the model in the box, a folder, or an earlier run: it has to come along."""
    licence: str
    """In words; empty where it is not known."""
    converted: bool
    """Whether this machine's copy came from a quantised file, so that its weights are not quite the Hub's."""

    @property
    def public(self) -> bool:
        """Whether the Hub has it."""
        return bool(self.hub_id)

    @property
    def exact(self) -> bool:
        """Whether the Hub has the very weights that were tuned, so that they give the same losses."""
        return self.public and not self.converted


@dataclass(frozen=True)
class Subject:
    """A training run that has ended."""

    record: RunRecord
    config: RunConfig
    folder: Path
    left: Left
    base: Base

    @property
    def title(self) -> str:
        """The run's name on one line."""
        return " ".join((self.record.name or self.record.id).split())

    @property
    def writes(self) -> bool:
        """Whether the tuned model writes text; a reward model gives scores."""
        return self.config.method not in SCORING

    @property
    def merges(self) -> bool:
        """Whether what was learnt can become part of the model's weights."""
        return self.writes and not self.config.adapter.is_prompt

    @property
    def scripted(self) -> bool:
        """Whether a script can repeat the run."""
        return self.config.method in SCRIPTED and not self.config.adapter.is_prompt

    @property
    def result(self) -> ModelRef:
        """The tuned model."""
        return RunRef(self.record.id)


def subject_of(run: str, store: RunStore) -> Subject:
    """The run, once it has ended.

    Raises:
        RunError: there is no such run, it is an evaluation, or it goes on still.
        ModelError: the run that it stands on is gone.
    """
    record, folder = store.get(run), store.folder(run)
    if record.kind != "run":
        raise RunError(f"{run} is an evaluation; take away the run that it evaluated, {record.model}.")
    if not record.phase.terminal:
        raise RunError(f"Run {run} is {record.phase}; it can be taken away once it has ended.")
    config = codec.decode(record.document)
    return Subject(record, config, folder, _left(folder), base_of(config.model))


def bytes_of(subject: Subject) -> dict[str, int]:
    """About how large the parts with weights are, the base model counted in where it has to come along.

    Raises:
        ModelError: what the run stands on is gone.
    """
    exact, public = subject.base.exact, subject.base.public
    base = 0 if exact else written_bytes(subject.base.ref)
    found = {"script": base, "notebook": base}
    if subject.left == "adapter":
        files = (path for path in (subject.folder / ADAPTER).iterdir() if path.is_file())
        found["adapter"] = (0 if public else base) + sum(path.stat().st_size for path in files)
    if subject.left != "nothing" and subject.merges:
        found["merged"] = written_bytes(subject.result)
    return found


def base_of(ref: ModelRef) -> Base:
    """What is public of a model reference."""
    if isinstance(ref, RunRef):
        return Base(ref, title_of(ref), "", "", converted=False)
    entry = catalogue.find(ref)
    if entry is None:
        public = not names_a_folder(ref) and hub.is_hub_id(ref)
        return Base(ref, title_of(ref), ref if public else "", "", converted=False)
    converted = entry.wheel is not None and catalogue.local_folder(entry.name) == catalogue.converted_folder(entry)
    return Base(ref, entry.title, entry.hub_id, entry.licence, converted)


def public_source(source: str) -> str:
    """A data source as it may be named to anybody: a file by its name alone."""
    if source.startswith(uploads.PREFIX) or Path(source).suffix or Path(source).is_absolute():
        return Path(source).name
    return source


def settings_document(subject: Subject, *, private: bool) -> dict[str, Any]:
    """The run's settings as JSON values.

    Args:
        private: whether places on this machine may stand in them; else a file or folder is named by its last part.
    """
    config = subject.config
    if not private:
        model = config.model
        if isinstance(model, str) and names_a_folder(model):
            config = dataclasses.replace(config, model=Path(model).expanduser().name)
        if not config.data.source.startswith(uploads.PREFIX):
            data = dataclasses.replace(config.data, source=public_source(config.data.source))
            config = dataclasses.replace(config, data=data)
    return codec.encode(config)


def _left(folder: Path) -> Left:
    if (folder / ADAPTER / ADAPTER_CONFIG).is_file():
        return "adapter"
    return "model" if (folder / MODEL / CONFIG).is_file() else "nothing"
