"""The weights of a run: its adapter, or the whole model with the adapter merged in."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from playground.errors import RunError
from playground.export.subject import ADAPTER, Subject
from playground.models.adapters import ADAPTER_WEIGHTS, check_adapter
from playground.models.folder import ADAPTER_CONFIG
from playground.models.merging import write_model
from playground.runs.events import Progress

MERGED = "merged"


def write_adapter(subject: Subject, folder: Path, base: str) -> None:
    """Copies the adapter into `folder`; its config names `base` as the model it belongs on.

    Raises:
        RunError: the run left no adapter.
        ModelError: a file of it is missing, cut short or damaged.
    """
    source = subject.folder / ADAPTER
    if subject.left != "adapter":
        raise RunError(without("adapter", subject))
    check_adapter(source)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / ADAPTER_WEIGHTS, folder / ADAPTER_WEIGHTS)
    config = json.loads((source / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base
    if config.get("tokenizer_name_or_path"):
        config["tokenizer_name_or_path"] = base
    (folder / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_merged(subject: Subject, folder: Path, *, report: Callable[[Progress], None], stop: threading.Event) -> None:
    """Writes the tuned model, whole, with its tokenizer; plain transformers can load it.

    Raises:
        RunError: the run left neither adapter nor model.
        ModelError, OutOfMemory, Cancelled: as loading.
    """
    if subject.left == "nothing":
        raise RunError(without("model", subject))
    folder.mkdir(parents=True, exist_ok=True)
    write_model(subject.result, folder, report=report, stop=stop)


def without(what: str, subject: Subject) -> str:
    """The sentence for a run that left no such thing."""
    record = subject.record
    if what == "adapter" and subject.left == "model":
        return f"Run {record.id} trained every weight, so there is no adapter; take the merged model."
    ending = f"it ended as {record.phase}" + (f": {record.reason}" if record.reason else ".")
    return f"Run {record.id} left no {what}; {ending}"
