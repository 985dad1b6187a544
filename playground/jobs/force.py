"""When a worker has to be killed: it hangs, or does not stop after the time it may take."""

from typing import NamedTuple

from playground.jobs.allowance import Allowance
from playground.jobs.watchdog import Watchdog
from playground.runs.events import Phase
from playground.runs.records import Pulse


class Force(NamedTuple):
    """Why a worker was killed."""

    phase: Phase
    how: str
    """To be followed by where it was."""


def due(watchdog: Watchdog, allowance: Allowance, pulse: Pulse) -> Force | None:
    """Why to kill a worker now; None for one that may go on."""
    if watchdog.bites(pulse):
        return Force(Phase.FAILED, watchdog.sentence)
    return Force(Phase.STOPPED, allowance.killed) if allowance.overdrawn else None
