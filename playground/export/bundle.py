"""What is taken away, written part by part into a folder that only takes its place when it is whole."""

import errno
import json
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playground.errors import ConfigError, PlaygroundError, RunError
from playground.export import sft
from playground.export.card import card, typed_prompt
from playground.export.metrics import write_metrics
from playground.export.notebook import as_notebook
from playground.export.recipe import BASE, Recipe, gather
from playground.export.steps import Tutorial, as_script
from playground.export.subject import ADAPTER, Subject, settings_document
from playground.export.weights import MERGED, without, write_adapter, write_merged
from playground.models.merging import folder_of, write_model
from playground.models.reading import read_tokenizer
from playground.runs import strict
from playground.runs.events import Progress
from playground.runs.store import RunStore

PARTS = ("adapter", "merged", "config", "metrics", "script", "notebook")
"""What can be asked for."""
CONFIG, METRICS, SCRIPT, NOTEBOOK = "config.json", "metrics.csv", "script.py", "notebook.ipynb"
TUTORIALS: Mapping[str, Callable[[Recipe], Tutorial]] = {"sft": sft.tutorial}
"""By method, what writes the steps of its script."""
FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Order:
    """What somebody takes away, and the hands it is done with."""

    subject: Subject
    store: RunStore
    private: bool
    """Whether it is for the host, so that settings may name places on this machine."""
    report: Callable[[Progress], None]
    stop: threading.Event = field(default_factory=threading.Event)


def named_parts(text: str) -> tuple[str, ...]:
    """Parts from `adapter,config`.

    Raises:
        ConfigError: one is unknown.
    """
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if unknown := [part for part in parts if part not in PARTS] or ([] if parts else [text]):
        raise ConfigError([f"What can be taken away is {', '.join(PARTS)}; got {unknown[0]!r}."])
    return parts


def possible_parts(subject: Subject) -> dict[str, str]:
    """Every part, with the sentence that says why it cannot be had; "" where it can."""
    return {
        "adapter": "" if subject.left == "adapter" else without("adapter", subject),
        "merged": _no_model(subject),
        **dict.fromkeys(("config", "metrics"), ""),
        **dict.fromkeys(("script", "notebook"), _no_script(subject)),
    }


def _no_model(subject: Subject) -> str:
    if not subject.writes:
        return "A reward model is no model that writes, and is not merged into one; take its adapter, head included."
    if not subject.merges:
        return "A soft prompt stands before a text and cannot be merged into a model; take its adapter."
    return "" if subject.left != "nothing" else without("model", subject)


def _no_script(subject: Subject) -> str:
    if subject.scripted:
        return ""
    adapter, method = subject.config.adapter, subject.config.method
    what = f"adapter {adapter.kind}" if adapter.is_prompt else f"method {method}"
    return f"There is no script for runs of {what} yet; take its config.json."


def export(order: Order, to: Path, parts: Sequence[str]) -> list[str]:
    """Writes parts into a folder that does not exist yet, or is empty; gives the files' names in it.

    Raises:
        RunError: the folder has something in it, or cannot be written; or the run left no such part.
        PlaygroundError: data or base model of the run are not here any more.
    """
    to = to.expanduser().absolute()
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise RunError(f"{to} is there already; nothing is overwritten: name a folder that is new or empty.")
    with _in_words(to):
        to.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
        try:
            write_parts(order, aside, parts)
            aside.chmod(0o755)  # mkdtemp makes a folder for its owner alone
            if to.is_dir():
                to.rmdir()
            aside.rename(to)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return sorted(path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file())


def export_zip(order: Order, to: Path, parts: Sequence[str]) -> None:
    """As `export`, as one zip file; weights are stored as they are, since they do not grow smaller. Raises as it."""
    with _in_words(to), tempfile.TemporaryDirectory(dir=to.parent, prefix=".zip-") as folder:
        write_parts(order, Path(folder), parts)
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, path in enumerate(files):
                order.report(Progress("zip", number, len(files), "files"))
                kind = zipfile.ZIP_STORED if path.suffix == ".safetensors" else zipfile.ZIP_DEFLATED
                archive.write(path, f"{to.stem}/{path.relative_to(folder).as_posix()}", kind)
                path.unlink()  # so that the room is needed once


def write_parts(order: Order, folder: Path, parts: Sequence[str]) -> None:
    """Writes parts into a folder of nobody else's; the base model comes along where the Hub does not have it."""
    subject, store = order.subject, order.store
    lacking = possible_parts(subject)
    for part in parts:
        if lacking[part]:
            raise RunError(lacking[part])
    if "config" in parts:
        strict.write(folder / CONFIG, settings_document(subject, private=order.private))
    if "metrics" in parts:
        write_metrics(store, subject.record.id, folder / METRICS)
    if {"script", "notebook"} & set(parts):
        _write_tutorial(order, folder, parts)
    if "adapter" in parts:
        write_adapter(subject, folder / ADAPTER, subject.base.hub_id or BASE)
        _write_card(order, folder / ADAPTER, merged=False)
    if "merged" in parts:
        write_merged(subject, folder / MERGED, report=order.report, stop=order.stop)
        _write_card(order, folder / MERGED, merged=True)
    lone = "adapter" in parts and not subject.base.public
    if lone or (not subject.base.exact and {"script", "notebook"} & set(parts)):
        (folder / BASE).mkdir()
        write_model(subject.base.ref, folder / BASE, report=order.report, stop=order.stop)


def _write_tutorial(order: Order, folder: Path, parts: Sequence[str]) -> None:
    method = order.subject.config.method
    recipe = gather(order.subject, folder, report=order.report, stop=order.stop)
    tutorial = TUTORIALS[method](recipe)
    if "script" in parts:
        (folder / SCRIPT).write_text(as_script(tutorial), encoding="utf-8")
    if "notebook" in parts:
        (folder / NOTEBOOK).write_text(json.dumps(as_notebook(tutorial), indent=1, ensure_ascii=False) + "\n", "utf-8")


def _write_card(order: Order, folder: Path, *, merged: bool) -> None:
    (folder / "README.md").write_text(model_card(order, folder.name, merged=merged), encoding="utf-8")


def model_card(order: Order, name: str, *, merged: bool) -> str:
    """The README of an adapter or a merged model that `from_pretrained` finds under `name`."""
    subject = order.subject
    here = folder_of(subject.config.model, report=order.report, stop=order.stop)
    prompt = typed_prompt(subject.config.data.template_text, read_tokenizer(here, subject.base.title))
    return card(subject, order.store, name=name, base=subject.base.hub_id or BASE, merged=merged, prompt=prompt)


@contextmanager
def _in_words(to: Path) -> Iterator[None]:
    """What the disk says, as a sentence."""
    try:
        yield
    except PlaygroundError:
        raise
    except OSError as error:
        what = "the disk is full" if error.errno in FULL_DISK else error.strerror or str(error)
        raise RunError(f"{to} cannot be written: {what}. Nothing of it was left behind.") from error
