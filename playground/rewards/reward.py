"""What every reward is, and how one is asked so that a broken one is told and not believed."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from playground.errors import PlaygroundError
from playground.runs.events import Progress


def _unheard(_: Progress) -> None:
    """For whoever does not want to know how far a download is."""


@dataclass(frozen=True)
class Surroundings:
    """What making a reward, and asking it, may need."""

    report: Callable[[Progress], None] = _unheard
    """Told how far a model is that has to be fetched."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to give up."""


@dataclass(frozen=True)
class Bounds:
    """The values that a reward can have; infinite ends where there are none."""

    low: float = -math.inf
    high: float = math.inf


class Reward(Protocol):
    """A number for each completion of a prompt; the higher, the better."""

    @property
    def bounds(self) -> Bounds:
        """Least and largest value."""

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:
        """One finite number per pair, which depends on that pair alone.

        Raises:
            PlaygroundError: it cannot be told.
            Cancelled: the person who asked has stopped it.
        """


def scored(reward: Reward, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:
    """What a reward says of each pair; as many prompts as completions.

    Raises:
        PlaygroundError: it says too much, too little, or something that is no number.
    """
    found = reward(prompts, completions)
    if len(found) != len(completions):
        raise PlaygroundError(f"The reward gave {len(found)} numbers for {len(completions)} completions.")
    for place, value in enumerate(found):
        if not math.isfinite(value):
            raise PlaygroundError(
                f"The reward of completion {place + 1} is {value}, which cannot be averaged or learned from; "
                f"it reads {completions[place][:80]!r}."
            )
    return found


def read_by(reads: str, prompts: Sequence[str], completions: Sequence[str]) -> list[str]:
    """The texts that a reward reads: `completion` alone, or `both` as they stand together."""
    if reads == "completion":
        return list(completions)
    return [prompt + completion for prompt, completion in zip(prompts, completions, strict=True)]
