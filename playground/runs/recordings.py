"""Runs that come with the playground, one per method and one with a soft prompt, to be looked at and played again
without a model.

A recording is what the page asks a live run for: its row in the list and all of its events. They were made from real
runs by `scripts/tiny/recordings.py`.
"""

import functools
import gzip
import json
from pathlib import Path
from typing import Any

from playground.errors import RunError

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "recordings"
ENDING = ".json.gz"


@functools.cache
def rows() -> tuple[dict[str, Any], ...]:
    """The rows of all recordings, as the list of runs has them, each with the name of its `recording`."""
    return tuple(
        {**json.loads(gzip.decompress(path.read_bytes()))["run"], "recording": path.name.removesuffix(ENDING)}
        for path in sorted(FOLDER.glob(f"*{ENDING}"))
    )


def packed(name: str) -> bytes:
    """A recording, `{"run": ROW, "events": [{"seq", "kind", "time", …}]}` as compressed JSON.

    Raises:
        RunError: there is none of this name.
    """
    known = [row["recording"] for row in rows()]
    if name not in known:
        raise RunError(f"There is no recording {name!r}; known are {', '.join(known) or 'none'}.")
    return (FOLDER / f"{name}{ENDING}").read_bytes()
