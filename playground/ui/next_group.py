"""Making ready for the next group: what goes on is stopped, what was made is put aside, what was voted is exported.

Nothing is deleted but what the export holds: runs and evaluations are archived with all they left, and the rules of the
room stay as they are.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playground.errors import RunError
from playground.runs.records import RunRecord
from playground.ui.services import Services
from playground.voting import export
from playground.voting.arena import title

FOLDER = "groups"
"""Folder of the home in which each group's votes lie."""
GENTLY_SECONDS = 20.0
"""A run has this long to stop at its next step; then it is made to."""
FORCED_SECONDS = 30.0
LOOK_SECONDS = 0.2
STOPPED = "The host made the app ready for the next group."
Report = Callable[[str], None]
"""Hears which part of the work begins: `stop`, `archive`, `votes` or `unload`."""


@dataclass(frozen=True)
class Plan:
    """What there is to put away."""

    live: int
    """Runs and evaluations that wait or go on."""
    listed: int
    """Runs and evaluations that are not archived, those included."""
    votes: int

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Outcome:
    """What was put away."""

    stopped: int
    archived: int
    left: tuple[str, ...]
    """Ids of those that did not end, and stay where they are."""
    votes: int
    pairs: int
    file: str
    """Name of the file of votes; empty where nobody voted."""
    text: str
    """What the file holds."""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def plan(services: Services) -> Plan:
    """What there is to put away now."""
    store = services.store
    listed = store.list(limit=-1)
    live = [record for record in listed if not record.phase.terminal]
    return Plan(len(live), len(listed), export.count(store.database))


def begin_anew(services: Services, report: Report) -> Outcome:
    """Puts everything away; waits until what goes on has ended, for `GENTLY_SECONDS` and `FORCED_SECONDS` at most.

    Raises:
        StoreUnavailable: the database or the file of votes cannot be written; what was done until then stays done.
    """
    report("stop")
    services.stop_chains(STOPPED)
    stopped = _stop_all(services)
    report("archive")
    store = services.store
    records = store.list(limit=-1)
    archived = [record.id for record in records if store.archive(record.id)]
    left = tuple(record.id for record in records if record.id not in archived)
    report("votes")
    services.audience.stage.show(None)  # first: a vote that came later would be the next group's
    path = _place(store.home, time.localtime())
    votes = export.export_and_clear(store.database, path, lambda name: title(name, store))
    services.shelf.clear()
    report("unload")
    services.unload_models()
    name = f"{path.parent.name}-{path.name}" if votes.pairs else ""
    return Outcome(stopped, len(archived), left, votes.votes, votes.pairs, name, votes.text)


def _stop_all(services: Services) -> int:
    """Stops what waits and what goes on, also what joins meanwhile; gives how many there were."""
    begun = time.monotonic()
    asked: dict[str, int] = {}
    while live := services.store.list(live=True, limit=-1):
        now = time.monotonic() - begun
        if now > GENTLY_SECONDS + FORCED_SECONDS:
            break
        for record in live:
            times = 2 if now > GENTLY_SECONDS else 1
            if asked.get(record.id, 0) < times:
                asked[record.id] = _stop(services, record)
        time.sleep(LOOK_SECONDS)
    return len(asked)


def _stop(services: Services, record: RunRecord) -> int:
    try:
        return services.jobs.stop(record.id)
    except RunError:  # it has just ended
        return 2


def _place(home: Path, now: time.struct_time) -> Path:
    """A file of its own for each group, also for two within a second."""
    stamp = time.strftime("%Y-%m-%d-%H%M%S", now)
    folder, number = home / FOLDER / stamp, 1
    while folder.exists():
        number += 1
        folder = home / FOLDER / f"{stamp}-{number}"
    return folder / "votes.jsonl"
