"""An evaluation as a job: base and tuned answer the same held-out rows, and both are scored.

Both sides draw the same random numbers for every row, those that Compare draws for one prompt: a row's answers are
the ones that Compare shows for it under the same settings, whatever else is in the evaluation.
"""

import gc
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from playground.config.evaluation import EvaluationSettings
from playground.config.run import RunRef
from playground.data.formats import summary
from playground.errors import Cancelled
from playground.evaluation.comparison import compare
from playground.evaluation.questions import Questions, ask
from playground.evaluation.subject import EXAMPLES, Subject, held_out, subject_of
from playground.models.generation import context_length, generate
from playground.models.loading import LoadedModel, load
from playground.models.shelf import Shelf, Side
from playground.runs import strict
from playground.runs.context import JobContext
from playground.runs.events import Progress
from playground.runs.store import RunStore


class Outcome(NamedTuple):
    """The end of an evaluation that did not fail."""

    report: Mapping[str, Any]
    """`run`, `split`, `examples` (how many), `signature`, `base` and `tuned`, as `evaluate --json` prints them."""
    stopped: bool
    """Whether it was stopped; then there is nothing to report."""


def execute(settings: EvaluationSettings, context: JobContext) -> Outcome:
    """Answers, scores, and leaves every example in the job's folder as `examples.json`.

    Raises:
        RunError: the run is unknown, goes on still, or left nothing.
        DataError: its data is gone, or no row can be asked.
        ModelError: its base cannot be loaded.
    """
    subject = subject_of(settings.run, RunStore())
    try:
        questions, base, tuned = _answer(subject, settings, context)
    except Cancelled:
        return Outcome({}, stopped=True)
    finally:
        _release()
    comparison = compare(questions.records, base, tuned)
    strict.write(context.folder / EXAMPLES, [example.to_json() for example in comparison.examples])
    return Outcome({"run": settings.run, "split": settings.split, **comparison.to_json()}, stopped=False)


def _answer(
    subject: Subject, settings: EvaluationSettings, context: JobContext
) -> tuple[Questions, list[str], list[str]]:
    """The questions, and the answers of base and tuned to each."""
    records = held_out(subject, settings, context.emit)
    loaded = _load(subject.config.model, context)
    questions = ask(records, subject.config.data.template_text, loaded.tokenizer, context_length(loaded.model))
    if questions.skipped:
        context.log(
            f"{len(questions.skipped)} of {len(records)} rows are left out. {summary(questions.skipped)}", "warning"
        )
    context.running()
    shelf = Shelf(loaded)
    base = _texts("base", shelf.base(), loaded, questions.prompts, settings, context)
    if subject.adapter is not None:
        side = shelf.tuned(subject.run, context.stop)
    else:
        # A whole tuned model takes the base's place, so that no more memory is needed than for one.
        del shelf, loaded
        _release()
        loaded = _load(RunRef(subject.run), context)
        side = Shelf(loaded).base()
    tuned = _texts("tuned", side, loaded, questions.prompts, settings, context)
    return questions, base, tuned


def _load(ref: str | RunRef, context: JobContext) -> LoadedModel:
    context.check()
    return load(ref, report=context.emit, stop=context.stop)


def _texts(
    name: str,
    side: Side,
    loaded: LoadedModel,
    prompts: Sequence[list[int]],
    settings: EvaluationSettings,
    context: JobContext,
) -> list[str]:
    def report(progress: Progress) -> None:
        context.emit(Progress(f"answering {name}", progress.done, progress.total, progress.unit))

    answers = generate(
        side.model,
        loaded.tokenizer,
        prompts,
        settings.generation,
        batch_size=settings.batch_size,
        report=report,
        stop=context.stop,
        adapters=None if side.adapter is None else [side.adapter] * len(prompts),
        streams=[0] * len(prompts),
    )
    return [answer.text for answer in answers]


def _release() -> None:
    # Adapters and models refer to each other in circles, which only the collector frees.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
