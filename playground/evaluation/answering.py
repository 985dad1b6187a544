"""Everybody answers the same rows: base, run, further runs and their saved steps, on one base or on several.

Models that stand on one base share it in memory: each is an adapter on it. Others are loaded in their turn, one after
the other. All draw the same random numbers for every row, those that Compare draws for one prompt: a row's answers are
the ones that Compare shows for it under the same settings, whoever else is in the evaluation.
"""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import torch

from playground.config.evaluation import EvaluationSettings
from playground.config.run import ModelRef, RunRef
from playground.data.formats import summary
from playground.data.labels import label_question
from playground.data.records import Dropped, Record
from playground.data.verbalizer import words_of
from playground.errors import DataError
from playground.evaluation.answers import Answered, Answers, ReferenceLoss
from playground.evaluation.perplexity import reference_losses
from playground.evaluation.questions import Questions, ask
from playground.evaluation.subject import BASE, WHOLE_MODEL, Subject, held_out
from playground.models.generation import context_length, generate
from playground.models.label_scores import label_scores
from playground.models.loading import LoadedModel, load
from playground.models.shelf import Shelf, Side, canonical, describe
from playground.models.trained import trained_weights
from playground.runs.context import JobContext
from playground.runs.events import Progress
from playground.runs.home import runs_folder


class Seat(NamedTuple):
    """One who answers, on a model that is loaded."""

    id: str
    name: str
    adapter: Subject | None
    """What is put on the loaded model; None where that itself answers."""
    subject: Subject | None
    """Of whom it is; None for the base."""


class Table(NamedTuple):
    """Those who answer from one loaded model."""

    model: ModelRef
    seats: list[Seat]


def tables(subjects: Sequence[Subject]) -> list[Table]:
    """Who answers from which model, in the order of loading: that of the first subject, which answers as itself too."""
    first = subjects[0].config.model
    found = [Table(canonical(first), [Seat(BASE, describe(first), None, None)])]
    for subject in subjects:
        seat = Seat(subject.id, subject.name, subject, subject)
        if subject.adapter is None:
            found.append(Table(RunRef(subject.run), [seat._replace(adapter=None)]))
            continue
        model = canonical(subject.config.model)
        beside = next((table for table in found if table.model == model), None)
        if beside is None:
            found.append(Table(model, [seat]))
        else:
            beside.seats.append(seat)
    return found


class _Given(NamedTuple):
    """To one row by one model."""

    text: str
    tokens: int
    loss: ReferenceLoss
    label: str | None
    """The likeliest label, where rows have labels."""


class _Taken(NamedTuple):
    """One model's answers to the rows that it has room for, by their places in the source."""

    seat: Seat
    base: str
    given: dict[int, _Given]


@dataclass
class Answering:
    """One round of answers; `run` it once."""

    subjects: Sequence[Subject]
    """The run that is evaluated, whose rows and template they are; then the others."""
    settings: EvaluationSettings
    context: JobContext
    left_out: dict[int, Dropped] = field(default_factory=dict)
    """Rows that not every model has room for, by their places."""
    words: Sequence[str] = ()
    """Of the rows' labels; empty where they have none."""
    begun: int = 0
    """How many models have begun to answer."""

    def run(self) -> Answered:
        """Everybody's answers to the rows that all of them could be asked.

        Raises:
            DataError: the data is gone, or no row can be asked.
            ModelError, RunError, OutOfMemory: a model cannot be loaded.
            Cancelled: the job was asked to stop.
        """
        records = held_out(self.subjects[0], self.settings, self.context.emit)
        self.words = words_of(self.subjects[0].config.data, records)
        taken: dict[str, _Taken] = {}
        for table in tables(self.subjects):
            for found in self._serve(table, records):
                taken[found.seat.id] = found
            release()
        models = [taken[model] for model in (BASE, *(subject.id for subject in self.subjects))]
        common = [record for record in records if all(record.row in model.given for model in models)]
        if not common:
            raise DataError("No row fits into the context of every model; compare fewer models, or shorten the rows.")
        return Answered(common, [_answers(model, common) for model in models], self.words)

    def _serve(self, table: Table, records: Sequence[Record]) -> Iterator[_Taken]:
        """Loads a model, and has everybody answer who stands on it."""
        self.context.check()
        loaded = load(table.model, report=self.context.emit, stop=self.context.stop)
        template = self.subjects[0].config.data.template_text
        questions = ask(records, template, loaded.tokenizer, context_length(loaded.model))
        self._leave_out(questions.skipped, len(records))
        if not self.begun:
            self.context.running()
        shelf = Shelf(loaded)
        for seat in table.seats:
            one = seat.adapter
            side = shelf.base() if one is None else shelf.tuned(one.run, self.context.stop, step=one.step)
            yield _Taken(seat, describe(table.model), self._answer(seat, side, loaded, questions, len(records)))

    def _answer(
        self, seat: Seat, side: Side, loaded: LoadedModel, questions: Questions, total: int
    ) -> dict[int, _Given]:
        """One model's answers, and how it finds the references."""
        self.context.emit(Progress("models", self.begun, 1 + len(self.subjects)))
        self.begun += 1
        # A soft prompt takes places of its own in front of every text.
        context = context_length(loaded.model)
        room = None if context is None else context - len(side.lead)
        fit = [at for at, prompt in enumerate(questions.prompts) if room is None or len(prompt) < room]
        fitting = set(fit)
        reason = f"Its prompt leaves no room in the context of {seat.name or seat.id}."
        rows = [record.row for record in questions.records]
        self._leave_out([Dropped(row, reason) for at, row in enumerate(rows) if at not in fitting], total)
        prompts = [side.reading(questions.prompts[at]) for at in fit]
        answers = generate(
            side.model,
            loaded.tokenizer,
            prompts,
            self.settings.generation,
            batch_size=self.settings.batch_size,
            report=partial(self._report, f"answering {seat.id}"),
            stop=self.context.stop,
            adapters=None if side.adapter is None else [side.adapter] * len(prompts),
            streams=[0] * len(prompts),
        )
        labels = self._labels(side, loaded, [questions.records[at] for at in fit])
        losses = reference_losses(
            side.model,
            prompts,
            [questions.references[at][: None if room is None else room - len(questions.prompts[at])] for at in fit],
            adapter=side.adapter,
            batch_size=self.settings.batch_size,
            report=partial(self._report, f"references {seat.id}"),
            stop=self.context.stop,
        )
        return {
            rows[at]: _Given(answer.text, len(answer.ids), loss, label)
            for at, answer, loss, label in zip(fit, answers, losses, labels, strict=True)
        }

    def _labels(self, side: Side, loaded: LoadedModel, records: Sequence[Record]) -> Sequence[str | None]:
        """The label that a model finds likeliest for each row, by the probabilities of the labels' words."""
        words, template = self.words, self.subjects[0].config.data.template_text
        if not words or not records:
            return [None] * len(records)
        asked = [label_question(record, words, template, loaded.tokenizer) for record in records]
        scores = label_scores(side, asked, batch_size=self.settings.batch_size, stop=self.context.stop)
        return [words[place] for place in scores.argmax(dim=-1).tolist()]

    def _report(self, stage: str, progress: Progress) -> None:
        self.context.emit(Progress(stage, progress.done, progress.total, progress.unit))

    def _leave_out(self, dropped: Sequence[Dropped], total: int) -> None:
        """Says which rows are left out for everybody, each once."""
        new = [drop for drop in dropped if drop.row not in self.left_out]
        if new:
            self.left_out |= {drop.row: drop for drop in new}
            self.context.warn("rows_left_out", rows=len(new), total=total, problem=summary(new))


def release() -> None:
    """Gives back the memory of models that nobody holds any more."""
    # Adapters and models refer to each other in circles, which only the collector frees.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _answers(model: _Taken, records: Sequence[Record]) -> Answers:
    given = [model.given[record.row] for record in records]
    return Answers(
        id=model.seat.id,
        name=model.seat.name,
        base=model.base,
        texts=[one.text for one in given],
        tokens=[one.tokens for one in given],
        losses=[one.loss for one in given],
        labels=None if given[0].label is None else [str(one.label) for one in given],
        trained=_trained(model.seat),
    )


def _trained(seat: Seat) -> int | None:
    subject = seat.subject
    if subject is None:
        return 0
    whole = runs_folder() / subject.run / WHOLE_MODEL
    return trained_weights(subject.adapter or whole, subject.config.adapter)
