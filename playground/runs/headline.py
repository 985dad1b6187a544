"""The one number of a run that says most of it: of a method that learns from rewards, its loss says little."""

from collections.abc import Mapping
from typing import NamedTuple

from playground.config.methods import METHODS


class Headline(NamedTuple):
    """A metric and its last value."""

    metric: str
    value: float


def headline(method: str, metrics: Mapping[str, float | None]) -> Headline | None:
    """What a run of a method came to; None as long as it has nothing to show, or no finite number."""
    wanted = METHODS[method].headline if method in METHODS else ()
    found = ((name, metrics.get(name)) for name in wanted)
    return next((Headline(name, value) for name, value in found if value is not None), None)
