"""Every run and evaluation as the History tab lists it, and two of them setting by setting."""

import gzip
import hashlib
import shutil
import threading
import time
from typing import Any, NamedTuple

from playground.config.difference import Unset, compare
from playground.data.uploads import PREFIX
from playground.errors import RunError
from playground.runs import strict
from playground.runs.disk import DiskUse, Use
from playground.runs.headline import headline
from playground.runs.records import RunRecord
from playground.ui.run_views import bleu_of, last_part
from playground.ui.services import Services

FRESH_SECONDS = 1.0
"""For so long one list does for everybody who asks."""
FREE_STEP = 10**8
"""Free room is told in such steps, so that a list in which nothing happened stays the same."""


class Listing(NamedTuple):
    """The list as it is sent."""

    tag: str
    """Another one where anything in the list is different."""
    body: bytes
    """JSON, compressed by gzip."""


class History:
    """Makes the list: `{"entries": [one per run, newest first], "bytes": of all, "free": room on the disk}`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._use = DiskUse()
        self._guard = threading.Lock()
        self._made = float("-inf")
        self._listing = Listing("", b"")

    def listing(self, *, fresh: bool = False) -> Listing:
        """The list as it stands now, or where that will do, as it stood within the last second."""
        with self._guard:
            if fresh or time.monotonic() - self._made > FRESH_SECONDS:
                self._listing = self._make()
                self._made = time.monotonic()
            return self._listing

    def _make(self) -> Listing:
        store = self._services.store
        records = store.list(limit=-1, archived=None)
        folders = {record.id: store.home / "runs" / record.id for record in records}
        uses = {run: self._use.of(folder) for run, folder in folders.items()}
        self._use.keep_only(set(folders.values()))
        free = shutil.disk_usage(store.home).free
        made = {
            "entries": [entry(record, uses[record.id]) for record in records],
            "bytes": sum(use.whole for use in uses.values()),
            "free": free - free % FREE_STEP,
        }
        text = strict.dumps(made).encode()
        return Listing(hashlib.sha256(text).hexdigest()[:16], gzip.compress(text, compresslevel=3))


def entry(record: RunRecord, use: Use) -> dict[str, Any]:
    """One line of the list: nothing of where anything lies, and `owner` as everybody may know it."""
    document, metrics = record.document, record.metrics
    return {
        "run": record.id,
        "kind": record.kind,
        "name": record.name,
        "method": record.method,
        "model": last_part(record.model),
        "on": _stands_on(record),
        "data": document.get("split", "") if record.kind == "evaluation" else _source(document),
        "owner": record.owner,
        "phase": record.phase,
        "created": record.created,
        "started": record.started,
        "ended": record.ended,
        "seconds": record.seconds,
        "steps": record.steps,
        "loss": metrics.get("loss"),
        "headline": found._asdict() if (found := headline(record.method, metrics)) else None,
        "bleu": bleu_of(record),
        "bytes": use.whole,
        "checkpoints": use.checkpoints,
        "archived": record.archived is not None,
    }


def differences(first: RunRecord, second: RunRecord) -> dict[str, Any]:
    """Two configs of a kind: `{"runs": [id, id], "settings": [{"path", "label", "values", "differs"}]}`.

    A value is `{"value": JSON}`, or `{}` where the setting is not in that config; `label` is the key of its text.

    Raises:
        RunError: one is a run and the other an evaluation.
    """
    if first.kind != second.kind:
        raise RunError("A run and an evaluation have no settings in common; choose two runs, or two evaluations.")
    found = compare(_document(first), _document(second))
    return {
        "runs": [first.id, second.id],
        "settings": [
            {
                "path": one.path,
                "label": f"setting.{one.path}.label",
                "values": [{} if isinstance(side, Unset) else {"value": side} for side in (one.first, one.second)],
                "differs": one.differs,
            }
            for one in found
            if one.path != "name"  # stands above the columns
        ],
    }


def _document(record: RunRecord) -> dict[str, Any]:
    """A record's settings by their paths: those of an evaluation stand in a section of their own."""
    if record.kind == "run":
        return record.document
    own = {name: value for name, value in record.document.items() if name != "generation"}
    return {"evaluation": own, "generation": record.document.get("generation", {})}


def _stands_on(record: RunRecord) -> str | None:
    """The run whose result was tuned further, or evaluated."""
    if record.kind == "evaluation":
        return record.model
    model = record.document.get("model")
    return str(model["run"]) if isinstance(model, dict) and "run" in model else None


def _source(document: dict[str, Any]) -> str:
    """A data set's name, without its place on our disk and without what would let others use an upload."""
    source = str(document.get("data", {}).get("source", ""))
    return source.rsplit("/", 1)[-1] if source.startswith(PREFIX) else last_part(source)
