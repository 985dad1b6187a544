"""Where somebody's tour stands: which jobs it has begun and how it ended. One file per person, in the home."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.runs.standing import Standing
from playground.runs.store import RunStore
from playground.tour.plan import Plan, Stage, plan_for

FOLDER = "tours"
HOST = "host"
"""The name of the file of jobs that belong to nobody but the host."""


@dataclass(frozen=True)
class Tour(Standing):
    """One tour as it stands."""

    owner: str
    """As of its jobs."""
    model: str
    changes: tuple[str, ...] = ()
    """Settings laid over the plan, `STAGE.PATH=VALUE`."""

    @property
    def plan(self) -> Plan:
        """Its stages.

        Raises:
            ConfigError: they are not known any more.
        """
        return plan_for(self.model, self.changes)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those of its plan.

        Raises:
            ConfigError: they are not known any more.
        """
        return self.plan.stages


def save(tour: Tour, store: RunStore) -> None:
    """Keeps a tour in place of the owner's last.

    Raises:
        RunError: the file cannot be written.
    """
    tour.keep(_path(tour.owner, store))


def saved(owner: str, store: RunStore) -> Tour | None:
    """The last tour of a person; None where there was none, or its file cannot be read any more."""
    try:
        document: dict[str, Any] = json.loads(_path(owner, store).read_text(encoding="utf-8"))
        return Tour(**{**document, "changes": tuple(document["changes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _path(owner: str, store: RunStore) -> Path:
    return store.home / FOLDER / f"{owner or HOST}.json"
