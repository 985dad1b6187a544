"""A run in one JSON object: what `run --json` and `runs --json` print and what `result.json` holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.runs.events import Phase
from playground.runs.records import RunRecord

_NO_ERROR = {Phase.DONE, Phase.STOPPED}


def summarise(
    record: RunRecord,
    folder: Path,
    *,
    phase: Phase,
    reason: str,
    steps: int,
    seconds: float,
    metrics: Mapping[str, float | None],
) -> dict[str, Any]:
    """The object for a run that ends now; `error` is null unless it failed or was interrupted."""
    return {
        "run": record.id,
        "phase": str(phase),
        "steps": steps,
        "seconds": round(seconds, 3),
        "folder": str(folder),
        "metrics": dict(metrics),
        "error": reason if phase.terminal and phase not in _NO_ERROR else None,
    }


def summary(record: RunRecord, folder: Path) -> dict[str, Any]:
    """The object for a run as it stands: its result where it left one, else what is known of it so far."""
    if record.result is not None:
        return record.result
    return summarise(
        record,
        folder,
        phase=record.phase,
        reason=record.reason,
        steps=record.steps,
        seconds=record.seconds,
        metrics=record.metrics,
    )
