"""Settings of an evaluation: which models answer which rows, who judges, and how answers are drawn."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from playground.config.generation import GenerationSettings
from playground.config.judging import JudgeSettings
from playground.config.settings import Range, Settings


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """Two models or more on the same held-out rows."""

    section: ClassVar[str] = "evaluation"

    run: str
    """The finished run to evaluate; its data, template and base model are used."""
    others: tuple[str, ...] = ()
    """Further models that answer the same rows: ids of finished runs, or RUN@STEP for a saved step of a run."""
    split: Literal["train", "test", "validation"] = "test"
    """Which share of the data is answered."""
    questions: str = ""
    """The run whose data asks; what the evaluated run or its judge was trained on is left out of it. Empty takes the
    evaluated run's own data."""
    limit: Annotated[int, Range(1)] | None = None
    """Answer at most this many rows; null answers all."""
    batch_size: Annotated[int, Range(1, 512)] = 64
    """Rows answered at once; answers do not depend on it."""
    judge: str = ""
    """The finished run of a reward model that says which of both answers is better, row by row; empty for none."""
    judging: JudgeSettings = field(default_factory=JudgeSettings)
    """A language model that reads the answers and says how good they are; nobody by default."""
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    """How answers are drawn; greedy by default."""

    def conflicts(self) -> Iterator[str]:
        """A step where a run is meant, and two models that are one."""
        if "@" in self.run:
            yield f"evaluation.run must be a run's id; give a saved step among evaluation.others; got {self.run}."
        models = [self.run, *self.others]
        if twice := sorted({model for model in models if models.count(model) > 1}):
            yield f"evaluation.others must name every model once; got {', '.join(twice)} twice."
