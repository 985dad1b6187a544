"""Settings of rollouts: how many continuations of a prompt are drawn, and how the temperature is swept."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from playground.config.generation import GenerationSettings
from playground.config.settings import Range, Settings

MOST_TOKENS = 131_072
"""Of all rollouts together; as many as a page can be given and a reader can wait for."""


def _drawn() -> GenerationSettings:
    return GenerationSettings(strategy="sampling", max_new_tokens=32)


@dataclass(frozen=True)
class RolloutSettings(Settings):
    """Continuations of one prompt, drawn from the model's own distribution."""

    section: ClassVar[str] = "rollouts"

    count: Annotated[int, Range(1, 1024)] = 64
    """How many continuations are drawn, each with random numbers of its own."""
    generation: GenerationSettings = field(default_factory=_drawn)
    """How each is drawn; always by sampling."""

    def conflicts(self) -> Iterator[str]:
        if self.generation.strategy != "sampling":
            yield f"rollouts are drawn by sampling; got generation.strategy {self.generation.strategy!r}."
        tokens = self.count * self.generation.max_new_tokens
        if tokens > MOST_TOKENS:
            yield (
                f"{self.count:,} rollouts of {self.generation.max_new_tokens:,} tokens are {tokens:,} tokens; at most "
                f"{MOST_TOKENS:,} are drawn at once. Draw fewer or shorter ones."
            )


@dataclass(frozen=True)
class SweepSettings(Settings):
    """Expected reward against temperature."""

    section: ClassVar[str] = "sweep"

    lowest: Annotated[float, Range(0, 5)] = 0.0
    """The first temperature; 0 takes the likeliest token each time."""
    highest: Annotated[float, Range(0, 5)] = 2.0
    """The last temperature."""
    points: Annotated[int, Range(2, 21)] = 9
    """How many temperatures, at equal distances."""
    count: Annotated[int, Range(2, 256)] = 32
    """Rollouts at each temperature; four times as many halve the error bars."""

    def conflicts(self) -> Iterator[str]:
        if self.highest <= self.lowest:
            yield f"sweep.highest must be above sweep.lowest, {self.lowest}; got {self.highest}."

    @property
    def temperatures(self) -> tuple[float, ...]:
        """In rising order."""
        step = (self.highest - self.lowest) / (self.points - 1)
        return tuple(round(self.lowest + step * index, 6) for index in range(self.points))
