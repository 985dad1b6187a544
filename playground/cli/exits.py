"""Exit codes of the command line."""

from enum import IntEnum

from playground.runs.events import Phase


class Exit(IntEnum):
    """What the shell is told."""

    DONE = 0
    FAILED = 1
    """The run failed, or was interrupted."""
    BAD_INPUT = 2
    """Nothing was begun; the message names what is wrong."""
    STOPPED = 130
    """Somebody asked to stop; the code that shells have for Ctrl-C."""


def of_phase(phase: Phase) -> Exit:
    """The code for a job that ended in `phase`."""
    return {Phase.DONE: Exit.DONE, Phase.STOPPED: Exit.STOPPED}.get(phase, Exit.FAILED)
