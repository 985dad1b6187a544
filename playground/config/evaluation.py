"""Settings of an evaluation: which run is compared with its base, on which rows, and how answers are drawn."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from playground.config.generation import GenerationSettings
from playground.config.settings import Range, Settings


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """Base against tuned on held-out rows."""

    section: ClassVar[str] = "evaluation"

    run: str
    """The finished run to evaluate; its data, template and base model are used."""
    split: Literal["train", "test", "validation"] = "test"
    """Which share of the run's data is answered."""
    limit: Annotated[int, Range(1)] | None = None
    """Answer at most this many rows; null answers all."""
    batch_size: Annotated[int, Range(1, 512)] = 64
    """Rows answered at once; answers do not depend on it."""
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    """How answers are drawn; greedy by default."""
