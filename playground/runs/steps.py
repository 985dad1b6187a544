"""Adapters that a run had at its saved steps: small enough to keep the whole way, of which checkpoints keep the end.

Each is written aside and then renamed into its place. Knows nothing of what is inside.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from playground.errors import RunError
from playground.runs.disk import size_of

FOLDER = "steps"
MOST = 16
"""Steps that are kept of a run."""
MOST_BYTES = 2**30
"""What the kept ones may take together; of large adapters fewer are kept."""

_PARTIAL = "partial"
_NAME = re.compile(r"step-(\d+)")


class SavedStep(NamedTuple):
    """What a run had learnt by one of its steps."""

    step: int
    folder: Path
    """With `adapter_config.json` and the adapter's weights, as in the run's own `adapter`."""


def saved_steps(run: Path) -> list[SavedStep]:
    """The saved steps of a run, oldest first; none where every weight was trained, or nothing was saved on the way."""
    try:
        names = [(found, _NAME.fullmatch(found.name)) for found in (run / FOLDER).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(SavedStep(int(name[1]), path) for path, name in names if name)


def step_of(run: Path, step: int) -> SavedStep:
    """One saved step of a run.

    Raises:
        RunError: it was not kept; says which were.
    """
    kept = saved_steps(run)
    for found in kept:
        if found.step == step:
            return found
    steps = ", ".join(str(found.step) for found in kept)
    raise RunError(
        f"Run {run.name} has not kept step {step}; "
        + (f"it has {steps}." if steps else "it has kept none: set training.save_steps before it starts.")
    )


@contextlib.contextmanager
def writing(run: Path, step: int) -> Iterator[Path]:
    """A folder to put the adapter of a step into; when the block ends well it takes its place, and others make room.

    Raises:
        OSError: it cannot be written; what was there before is as it was.
    """
    partial, place = run / FOLDER / _PARTIAL, run / FOLDER / f"step-{step}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(place, ignore_errors=True)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _thin(run)


def cut(run: Path, step: int) -> None:
    """Drops what came after a step: a run that goes on from there takes another way, or the same once more."""
    for found in saved_steps(run):
        if found.step > step:
            shutil.rmtree(found.folder, ignore_errors=True)


def _thin(run: Path) -> None:
    kept = saved_steps(run)
    sizes = {found: size_of(found.folder) for found in kept}
    while len(kept) > 2 and (len(kept) > MOST or sum(sizes[found] for found in kept) > MOST_BYTES):
        dropped = kept.pop(most_crowded([found.step for found in kept]))
        shutil.rmtree(dropped.folder, ignore_errors=True)


def most_crowded(steps: list[int]) -> int:
    """Place of the step that is missed least: whose neighbours are nearest to each other, the earliest of several.

    The first and the last stay. Of steps evenly apart, every second one goes, one after the other.

    >>> most_crowded([10, 20, 30, 60])
    1
    """
    return min(range(1, len(steps) - 1), key=lambda at: (steps[at + 1] - steps[at - 1], at))
