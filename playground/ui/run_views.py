"""Runs as the page shows them: what is public of a record, as JSON values."""

from collections.abc import Mapping
from typing import Any

from playground.jobs.manager import Place
from playground.jobs.resumption import resumable
from playground.runs.events import Phase
from playground.runs.records import JobKind, RunRecord
from playground.ui.services import Services

LISTED = ("loss", "eval_loss", "objective/scores")
"""Metrics by which a list says how a run fares; which of them is up to its method."""
PLACE_ONLY_FOR_HOST = ("/", "\\", "~")


def run_rows(services: Services, kind: JobKind, limit: int) -> list[dict[str, Any]]:
    """The newest runs or evaluations, newest first."""
    places = services.jobs.places()
    return [run_row(services, record, places) for record in services.store.list(kind, limit=limit)]


def run_row(services: Services, record: RunRecord, places: Mapping[str, Place] | None = None) -> dict[str, Any]:
    """One run for a list; `owner` is the public id, from which nobody's key can be had."""
    waits = record.phase is Phase.QUEUED
    place = (services.jobs.places() if places is None else places).get(record.id) if waits else None
    return {
        "run": record.id,
        "name": record.name,
        "method": record.method,
        "model": last_part(record.model),
        "owner": record.owner,
        "phase": record.phase,
        "reason": record.reason,
        "resumable": resumable(record, services.store.folder(record.id)),
        "position": place.position if place else None,
        "starts_in": place.seconds if place else None,
        "created": record.created,
        "started": record.started,
        "ended": record.ended,
        "steps": record.steps,
        "metrics": {name: record.metrics[name] for name in LISTED if name in record.metrics},
        "bleu": bleu_of(record),
    }


def bleu_of(record: RunRecord) -> dict[str, float] | None:
    """Of an evaluation that is done: the BLEU of both sides, 0-100; None for everything else."""
    if record.kind != "evaluation" or record.phase is not Phase.DONE or record.result is None:
        return None
    return {side: record.result[side]["bleu"] for side in ("base", "tuned")}


def last_part(model: str) -> str:
    """A model's name without the place on our disk, which is the host's business."""
    absolute = model.startswith(PLACE_ONLY_FOR_HOST) or model[1:3] in (":\\", ":/")
    return model.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] if absolute else model
