"""Where answers that meet come from: here those of a finished evaluation, which are all there already. No torch."""

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from playground.config.run import DataSettings
from playground.errors import DataError, RunError
from playground.models import catalogue
from playground.models.lineage import title_of
from playground.runs.events import Phase
from playground.runs.store import RunStore
from playground.voting.ballots import EVALUATION, Pair
from playground.voting.drawing import Matchup

RUN, MODEL = "run:", "model:"
"""Before the id of a run (or RUN@STEP), and before the name of a model, where they name whose an answer is."""
EXAMPLES = "examples.json"
"""In an evaluation's folder."""


class Arena(Protocol):
    """Questions, and models that answer them."""

    @property
    def source(self) -> str:
        """Names the questions and how they are asked; pairs of one source are voted on together."""

    @property
    def contestants(self) -> Sequence[str]:
        """Two models or more, as `contestant` names them."""

    @property
    def rows(self) -> Sequence[int]:
        """The questions' places."""

    @property
    def instant(self) -> bool:
        """Whether all answers are there already."""

    def pair(self, matchup: Matchup) -> Pair:
        """Both answers; they may have to be written first. Raises `PlaygroundError`."""

    def alike(self) -> Collection[Matchup]:
        """Matchups known to have the same answer twice."""


@dataclass(frozen=True)
class EvaluationArena:
    """The answers of a finished evaluation."""

    source: str
    contestants: tuple[str, ...]
    examples: Mapping[int, Mapping[str, Any]]
    """By row; `instruction`, `input`, `reference`, and `answers` by contestant."""
    template: str

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows that were answered."""
        return tuple(self.examples)

    def pair(self, matchup: Matchup) -> Pair:
        """Both answers as they were given."""
        example = self.examples[matchup.row]
        answers = example["answers"]
        return Pair(
            self.source,
            *matchup,
            instruction=example["instruction"],
            input=example["input"],
            reference=example["reference"],
            template=self.template,
            first_answer=answers[matchup.first],
            second_answer=answers[matchup.second],
        )

    @property
    def instant(self) -> bool:
        """Nothing has to be written."""
        return True

    def alike(self) -> frozenset[Matchup]:
        """Matchups over which there is nothing to decide."""
        return self._alike

    @cached_property
    def _alike(self) -> frozenset[Matchup]:
        couples = list(itertools.combinations(sorted(self.contestants), 2))
        every = (Matchup(row, *couple) for row in self.rows for couple in couples)
        return frozenset(matchup for matchup in every if self.pair(matchup).alike)


def evaluation_arena(store: RunStore, evaluation: str) -> EvaluationArena:
    """The answers of an evaluation that is done.

    Raises:
        RunError: there is no such evaluation, it is not done, or its answers or its run are gone.
        DataError: every two models gave the same answers.
    """
    record = store.get(evaluation)
    if record.kind != "evaluation" or record.phase is not Phase.DONE:
        raise RunError(f"{record.name or evaluation} is not a finished evaluation; choose one that is done.")
    run = str(record.document["run"])
    try:
        settings = store.get(run).document
    except RunError as error:
        raise RunError(f"The run that {record.name or evaluation} is about was deleted; choose another one.") from error
    try:
        found = json.loads((store.folder(evaluation) / EXAMPLES).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"The answers of {record.name or evaluation} cannot be read any more; evaluate again."
        ) from error
    base = contestant(settings["model"])
    examples = {
        example["row"]: {**example, "answers": {_named(model, base): text for model, text in _answers(example, run)}}
        for example in found
    }
    arena = EvaluationArena(
        f"{EVALUATION}{evaluation}", tuple(next(iter(examples.values()))["answers"]), examples, template_of(settings)
    )
    if len(arena.alike()) == len(examples) * len(list(itertools.combinations(arena.contestants, 2))):
        raise DataError(f"In {record.name or evaluation} all models gave the same answers; there is nothing to choose.")
    return arena


def contestant(model: object) -> str:
    """Names a model of a run's JSON: the same for the several names of one catalogue entry."""
    if isinstance(model, Mapping):
        return f"{RUN}{model['run']}"
    entry = catalogue.find(str(model))
    return f"{MODEL}{entry.name if entry else model}"


def title(name: str, store: RunStore) -> str:
    """What a contestant is called on screen; never a path of this machine."""
    if name.startswith(MODEL):
        called = title_of(name.removeprefix(MODEL))
        return Path(called).name if called.startswith(("/", "~")) else called  # a folder that is gone
    run, _, step = name.removeprefix(RUN).partition("@")
    try:
        called = store.get(run).name or run
    except RunError:
        called = run
    return f"{called} @ {step}" if step else called


def template_of(document: Mapping[str, Any]) -> str:
    """JSON of the template in a run's document."""
    data = document.get("data", {})
    defaults = DataSettings()
    names = ("template", "custom_template")
    return json.dumps({name: data.get(name, getattr(defaults, name)) for name in names})


def _answers(example: Mapping[str, Any], run: str) -> Sequence[tuple[str, str]]:
    """By `base`, run, or RUN@STEP. Evaluations of earlier versions have two sides and no more."""
    if "answers" in example:
        return list(example["answers"].items())
    return [("base", example["base"]), (run, example["tuned"])]


def _named(model: str, base: str) -> str:
    return base if model == "base" else f"{RUN}{model}"
