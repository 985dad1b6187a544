"""What a finished run hands back."""

from collections.abc import Mapping
from typing import NamedTuple


class Outcome(NamedTuple):
    """The end of a run that did not fail."""

    steps: int
    """Optimiser steps taken."""
    metrics: Mapping[str, float]
    """Last value of each metric, by the names of its events."""
    stopped: bool
    """Whether it ended early because somebody asked; what it had learnt by then is saved."""
