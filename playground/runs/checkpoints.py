"""Checkpoints of a run on disk, of which those that were cut short are never taken for whole.

A checkpoint is written aside, sealed with the size and digest of every file, brought to the disk and only then renamed
into its place. Knows nothing of what is inside.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from playground.runs import strict

FOLDER = "checkpoints"
FREED = "checkpoints.freed"
"""Where checkpoints lie that are on their way out; never looked into."""
SEAL = "seal.json"
KEPT = 2
"""How many whole ones are kept: where the disk damages the last, there is the one before."""

_PARTIAL = "partial"
_NAME = re.compile(r"checkpoint-(\d+)")


class Checkpoint(NamedTuple):
    """One sealed checkpoint."""

    folder: Path
    step: int


def name_of(step: int) -> str:
    """Name of the folder of a step, as transformers has it."""
    return f"checkpoint-{step}"


def sealed(run: Path) -> list[Checkpoint]:
    """Checkpoints of a run whose files are all there in their sizes, newest first; cheap, contents are not read."""
    return [found for found in _all(run / FOLDER) if _is_complete(found.folder)]


def is_whole(checkpoint: Checkpoint) -> bool:
    """Whether every file is what it was when it was written; reads them all."""
    try:
        files = _seal_of(checkpoint.folder)["files"]
        return all(_digest(checkpoint.folder / name) == known["digest"] for name, known in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def notes_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What `writing` was told to keep beside the files."""
    notes: dict[str, Any] = _seal_of(checkpoint.folder)["notes"]
    return notes


def cut_short(run: Path) -> list[str]:
    """Names of what looks like a checkpoint and is none, newest first."""
    return [found.folder.name for found in _all(run / FOLDER) if not _is_complete(found.folder)]


def tidy(run: Path) -> None:
    """Removes what a process left that was killed while it wrote."""
    shutil.rmtree(run / FOLDER / _PARTIAL, ignore_errors=True)


def put_aside(run: Path) -> None:
    """Takes all checkpoints of a run out of the way at once, to be removed by `free`.

    Raises:
        OSError: they cannot be moved; they are as they were.
    """
    free(run)
    with contextlib.suppress(FileNotFoundError):
        (run / FOLDER).rename(run / FREED)


def free(run: Path) -> None:
    """Removes what was put aside.

    Raises:
        OSError: some of it cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(run / FREED)


@contextlib.contextmanager
def writing(run: Path, step: int, notes: dict[str, Any]) -> Iterator[Path]:
    """A folder to put `checkpoint-STEP` into; when the block ends well it is sealed and takes its place.

    The newest `KEPT` whole ones stay; older ones, and those cut short, go.

    Raises:
        OSError: it cannot be written; what was there before is as it was.
    """
    folder = run / FOLDER
    partial = folder / _PARTIAL
    tidy(run)
    partial.mkdir(parents=True)
    try:
        yield partial
        written, place = partial / name_of(step), folder / name_of(step)
        _seal(written, notes)
        shutil.rmtree(place, ignore_errors=True)
        written.rename(place)
        _sync(folder)
    finally:
        tidy(run)
    kept = [found.folder for found in sealed(run)][:KEPT]
    for found in _all(folder):
        if found.folder not in kept:
            shutil.rmtree(found.folder, ignore_errors=True)


def _all(folder: Path) -> list[Checkpoint]:
    try:
        names = [(found, _NAME.fullmatch(found.name)) for found in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [Checkpoint(path, int(name[1])) for path, name in names if name]
    return sorted(found, key=lambda checkpoint: -checkpoint.step)


def _seal_of(folder: Path) -> dict[str, Any]:
    seal: dict[str, Any] = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    return seal


def _is_complete(folder: Path) -> bool:
    try:
        return all(
            (folder / name).stat().st_size == known["bytes"] for name, known in _seal_of(folder)["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _seal(folder: Path, notes: dict[str, Any]) -> None:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    known = {}
    for path in files:
        _sync(path)
        name = path.relative_to(folder).as_posix()
        known[name] = {"bytes": path.stat().st_size, "digest": _digest(path)}
    strict.write(folder / SEAL, {"files": known, "notes": notes})
    _sync(folder / SEAL)
    _sync(folder)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def _sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk. Windows cannot do the latter."""
    if path.is_dir() and os.name == "nt":
        return
    target = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(target)
    finally:
        os.close(target)
