"""A run in one JSON object: what `run --json` and `runs --json` print and what `result.json` holds."""

from pathlib import Path
from typing import Any

from playground.runs.events import Phase
from playground.runs.records import RunRecord

_NO_ERROR = {Phase.DONE, Phase.STOPPED}


def summarise(record: RunRecord, folder: Path, seconds: float | None = None) -> dict[str, Any]:
    """The object made of what is known of a run; `error` is null unless it failed or was interrupted.

    Args:
        seconds: how long it took where that was measured; by default from the record's times.
    """
    wrong = record.phase.terminal and record.phase not in _NO_ERROR
    return {
        "run": record.id,
        "phase": str(record.phase),
        "steps": record.steps,
        "seconds": round(record.seconds if seconds is None else seconds, 3),
        "folder": str(folder),
        "metrics": record.metrics,
        "error": record.reason if wrong else None,
    }


def summary(record: RunRecord, folder: Path) -> dict[str, Any]:
    """The object for a run as it stands: its result where it left one, else what is known of it so far."""
    return summarise(record, folder) if record.result is None else record.result
