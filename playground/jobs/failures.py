"""Puts into one sentence why a job failed. Tells errors of torch by their names and words, and never imports it."""

import errno
import re
import signal
from collections.abc import Mapping
from typing import Any

import psutil

from playground.errors import OutOfMemory, PlaygroundError

_GIB = 2**30
BEFORE = "before its first step"
_MEMORY_NAMES = {"OutOfMemoryError", "MemoryError"}
_MEMORY_WORDS = re.compile(r"out of memory|can't allocate memory|not enough memory|cannot allocate memory", re.I)
_ASKED = re.compile(r"tried to allocate ([\d.]+ ?(?:[KMGT]i?B|bytes))", re.I)
_FREE = re.compile(r"of which ([\d.]+ ?[KMGT]i?B) is free", re.I)
_DISK_WORDS = re.compile(
    # The last two are all that torch says of a write that failed, and of one that was cut short.
    r"no space left on device|file too large|disk quota exceeded|database or disk is full|file write failed"
    r"|unexpected pos \d+ vs \d+",
    re.I,
)
_DISK_CODES = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_LOWER: Mapping[str, tuple[str, ...]] = {
    "run": (
        "training.batch_size",
        "ppo.rollout_batch",
        "ppo.max_new_tokens",
        "ppo.rollouts",
        "training.max_length",
        "adapter.rank",
    ),
    "evaluation": ("batch_size", "generation.max_new_tokens"),
}


def sentence(error: BaseException, kind: str, document: Mapping[str, Any]) -> str:
    """What a person reads about the job that ended by `error`."""
    if isinstance(error, PlaygroundError):
        return str(error)
    if is_memory(error):
        return str(out_of_memory(error, kind, document))
    if is_full_disk(error):
        return (
            "The disk is full, or a file may not grow any more; make room where the playground keeps its runs "
            "(PLAYGROUND_HOME), then resume the run or start it again."
        )
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename} cannot be read or written ({error.strerror}); details in log.txt."
    return f"An unexpected error ({type(error).__name__}: {_first_line(error)}); details in log.txt."


def is_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on the device or beside it."""
    if any(cls.__name__ in _MEMORY_NAMES for cls in type(error).__mro__):
        return True
    return isinstance(error, (RuntimeError, OSError)) and bool(_MEMORY_WORDS.search(str(error)))


def is_full_disk(error: BaseException) -> bool:
    """Whether `error` says that nothing more can be written."""
    return (isinstance(error, OSError) and error.errno in _DISK_CODES) or bool(_DISK_WORDS.search(str(error)))


def out_of_memory(error: BaseException, kind: str, document: Mapping[str, Any]) -> OutOfMemory:
    """Says what was asked, what there was, and which settings to lower from what they are."""
    text = str(error)
    asked, free = _ASKED.search(text), _FREE.search(text)
    there_was = free[1] if free else f"{psutil.virtual_memory().available / _GIB:.1f} GiB of main memory"
    lower = [
        f"{path} (now {value})" for path in _LOWER[kind] if (value := _setting(document, path)) not in (None, 1, "")
    ]
    return OutOfMemory(
        f"Memory ran out: {_size(asked[1]) if asked else 'more'} was needed at once and {there_was} was free. "
        f"Lower {', '.join(lower) or 'what the job asks for'}, or take a smaller model."
    )


def of_exit(exit_code: int | None, steps: int) -> str:
    """Why a worker process ended without saying so itself; `exit_code` as in `multiprocessing` (−9: signal 9)."""
    after = f"after step {steps}" if steps else BEFORE
    if exit_code is None or exit_code >= 0:
        how = "without an exit code" if exit_code is None else f"with exit code {exit_code}"
        return f"The worker process ended {how} {after}; details in log.txt."
    name = signal.Signals(-exit_code).name if -exit_code in set(signal.Signals) else "unknown"
    why = "; the system may have been out of memory" if name == "SIGKILL" else ""
    return f"The worker process was killed by signal {-exit_code} ({name}) {after}{why}; details in log.txt."


def _setting(document: Mapping[str, Any], path: str) -> object:
    value: object = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _size(text: str) -> str:
    number, unit = re.fullmatch(r"([\d.]+) ?(\w+)", text).groups()  # type: ignore[union-attr]  # as _ASKED found it
    return f"{float(number) / _GIB:.2f} GiB" if unit.lower() == "bytes" else text


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else "no text"
