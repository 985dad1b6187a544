"""Settings of blind votes: whose answers meet, and what they answer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from playground.config.generation import GenerationSettings
from playground.config.settings import Settings

BASE = "base"
"""Among contestants: the loaded model itself."""
LONGEST = 20_000
"""Letters of all typed prompts together."""


@dataclass(frozen=True)
class VotingSettings(Settings):
    """Pairs of answers, either of a finished evaluation or of the loaded model and of what runs made of it."""

    section: ClassVar[str] = "voting"

    evaluation: str = ""
    """The finished evaluation whose answers are voted on; empty asks the loaded model."""
    contestants: tuple[str, ...] = ()
    """Who answers: `base` for the loaded model and ids of finished runs on it; two or more."""
    questions: str = ""
    """The run whose held-out rows are asked; empty asks the typed prompts."""
    prompts: str = ""
    """Prompts to ask, one a line."""
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    """How answers are drawn."""

    def conflicts(self) -> Iterator[str]:
        if self.evaluation:
            return
        if len(set(self.contestants)) < 2:
            named = ", ".join(self.contestants) or "none"
            yield f"At least two models are needed to vote between them; got {named}. Choose another one."
        if not self.questions and not self.typed:
            yield "There is nothing to ask: type at least one prompt, or choose a run whose held-out rows are asked."
        if len(self.prompts) > LONGEST:
            yield f"The typed prompts may have {LONGEST:,} letters together; got {len(self.prompts):,}."

    @property
    def typed(self) -> tuple[str, ...]:
        """The typed prompts, each once."""
        return tuple(dict.fromkeys(line.strip() for line in self.prompts.splitlines() if line.strip()))
