"""How much disk runs take, told cheaply enough to be asked every second."""

import os
import threading
from pathlib import Path
from typing import NamedTuple

from playground.runs import checkpoints


class Use(NamedTuple):
    """What one folder takes, in bytes."""

    whole: int
    checkpoints: int
    """The part of it that only serves to go on training; see `deletion.free_checkpoints`."""


Print = tuple[tuple[str, int, int], ...]


class DiskUse:
    """Use of the disk by folder; measured anew only where something in the folder has come, gone or grown."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Print, Use]] = {}
        self._guard = threading.Lock()

    def of(self, folder: Path) -> Use:
        """What a run's folder takes; nothing where it is not there."""
        seen = _print_of(folder)
        with self._guard:
            known = self._known.get(folder)
        if known is not None and known[0] == seen:
            return known[1]
        use = use_of(folder)
        with self._guard:
            self._known[folder] = (seen, use)
        return use

    def keep_only(self, folders: set[Path]) -> None:
        """Forgets folders that are no more."""
        with self._guard:
            self._known = {folder: known for folder, known in self._known.items() if folder in folders}


def use_of(folder: Path) -> Use:
    """Measures a run's folder now."""
    held = sum(size_of(folder / name) for name in (checkpoints.FOLDER, checkpoints.FREED))
    return Use(size_of(folder), held)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, links not followed; what disappears meanwhile counts nothing."""
    total = 0
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return 0
    for entry in entries:
        try:
            total += size_of(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else _bytes(entry)
        except OSError:
            continue
    return total


def _bytes(entry: "os.DirEntry[str]") -> int:
    return entry.stat(follow_symlinks=False).st_size


def _print_of(folder: Path) -> Print:
    """Changes with whatever comes, goes or grows at the top of a folder, or comes or goes one level below."""
    try:
        found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in os.scandir(folder)]
    except OSError:
        return ()
    return tuple(sorted((name, status.st_mtime_ns, status.st_size) for name, status in found))
