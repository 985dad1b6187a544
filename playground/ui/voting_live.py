"""Answers for blind votes out of the loaded model, written when needed: of itself and of what runs made of it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.config import codec
from playground.config.methods import SCORING
from playground.config.run import RunConfig
from playground.config.voting import BASE, VotingSettings
from playground.data.records import Record
from playground.errors import DataError, RunError
from playground.evaluation.answers import Question, question_of
from playground.models.lineage import writes_nothing
from playground.ui.data_shelf import Kept
from playground.ui.identity import Person, check_owner
from playground.ui.prompts import record_ids, typed_ids
from playground.ui.services import Services
from playground.voting.arena import RUN, contestant, template_of
from playground.voting.ballots import Ballots, Pair
from playground.voting.drawing import Matchup

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MOST_ROWS = 1000
"""Held-out rows that are asked at most."""


@dataclass(frozen=True)
class LiveArena:
    """Questions for the loaded model; each model is asked as it was in training."""

    services: Services
    settings: VotingSettings
    configs: dict[str, RunConfig | None]
    """By contestant; None for the loaded model itself."""
    asked_as: RunConfig
    """The run whose template the loaded model itself is asked with."""
    questions: Sequence[Record | str]
    """Held-out rows, or typed prompts."""
    ballots: Ballots
    written: Kept[str]
    """Answers that were written lately."""

    @property
    def source(self) -> str:
        """The same for the same questions, base, template and decoding."""
        document = codec.encode_section(self.settings)
        document |= {"contestants": [contestant(codec.encode(self.asked_as)["model"]), template_of(self._asked())]}
        return "live:" + hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:24]

    @property
    def contestants(self) -> tuple[str, ...]:
        """As `arena.contestant` names them."""
        return tuple(self.configs)

    @property
    def rows(self) -> range:
        """Places among the questions."""
        return range(len(self.questions))

    @property
    def instant(self) -> bool:
        """Answers take the time they take."""
        return False

    def pair(self, matchup: Matchup) -> Pair:
        """Both answers, written now unless they were lately.

        Raises:
            PlaygroundError: as `ModelServer.answer`.
        """
        question = self.questions[matchup.row]
        asked = Question(question, "") if isinstance(question, str) else question_of(question)
        return Pair(
            self.source,
            *matchup,
            instruction=asked.instruction,
            input=asked.input,
            reference="" if isinstance(question, str) else question.answer,
            template=template_of(self._asked()),
            first_answer=self._answer(matchup.first, question),
            second_answer=self._answer(matchup.second, question),
        )

    def alike(self) -> set[Matchup]:
        """Matchups whose answers turned out to be the same."""
        return {Matchup(pair.row, pair.first, pair.second) for pair in self.ballots.pairs(self.source) if pair.alike}

    def _answer(self, name: str, question: Record | str) -> str:
        config = self.configs[name]
        template = (config or self.asked_as).data.template_text
        run = name.removeprefix(RUN) if config else None

        def ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
            if isinstance(question, str):
                return typed_ids(question, template, tokenizer)
            return record_ids(question, template, tokenizer)

        def write() -> str:
            return self.services.model_server().answer(ids, self.settings.generation, run=run).text

        key = (self.source, name, question if isinstance(question, str) else question.row)
        return self.written.get(key, write)

    def _asked(self) -> dict[str, object]:
        return codec.encode(self.asked_as)


def live_arena(
    services: Services, settings: VotingSettings, known: Person, ballots: Ballots, written: Kept[str]
) -> LiveArena:
    """The models and questions that the settings name, all of which the person may use.

    Raises:
        NotAllowed: a run is someone else's.
        RunError: there is no such run, or it goes on still.
        DataError: the rows cannot be read, or none is held out.
    """
    configs: dict[str, RunConfig | None] = {}
    runs = [name for name in settings.contestants if name != BASE]
    for run in runs:
        configs[f"{RUN}{run}"] = _config_of(services, run, known)
    asked_as = _config_of(services, settings.questions, known) if settings.questions else configs[f"{RUN}{runs[0]}"]
    assert asked_as is not None  # noqa: S101, two contestants are one run at least
    if BASE in settings.contestants:
        configs[contestant(codec.encode(asked_as)["model"])] = None
    questions: Sequence[Record | str] = settings.typed
    if settings.questions:
        splits = services.shelf.splits(asked_as.data)
        questions = [record for record in (splits.test or splits.validation)[:MOST_ROWS] if record.kind != "text"]
        if not questions:
            raise DataError("That run held no rows back that ask something; choose another one, or type prompts.")
    return LiveArena(services, settings, configs, asked_as, questions, ballots, written)


def _config_of(services: Services, run: str, known: Person) -> RunConfig:
    record = services.store.get(run)
    check_owner(record.owner, known)
    if not record.phase.terminal:
        raise RunError(f"Run {record.name or run} is {record.phase}; it can be voted on once it has ended.")
    config = codec.decode(record.document)
    if config.method in SCORING:
        raise RunError(writes_nothing(run, record.name))
    return config
