"""An evaluation as a job: everybody answers the same held-out rows, all is scored, and judges look at it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from playground.config.evaluation import EvaluationSettings
from playground.errors import Cancelled
from playground.evaluation.answering import Answering, release
from playground.evaluation.answers import Answered
from playground.evaluation.comparison import compare
from playground.evaluation.documents import two_sided
from playground.evaluation.judge import RewardJudge
from playground.evaluation.judges import Judge, Verdict
from playground.evaluation.language_judge import LanguageJudge
from playground.evaluation.subject import EXAMPLES, subjects_of
from playground.runs import strict
from playground.runs.context import JobContext
from playground.runs.store import RunStore


class Outcome(NamedTuple):
    """The end of an evaluation that did not fail."""

    report: Mapping[str, Any]
    """`run`, `split`, `examples` (how many), `signature`, `base`, `tuned`, `significance`, `models` and `judges`, as
    `evaluate --json` prints them; with a reward model as judge also `judge`."""
    stopped: bool
    """Whether it was stopped; then there is nothing to report."""


def execute(settings: EvaluationSettings, context: JobContext) -> Outcome:
    """Answers, scores, judges, and leaves every example in the job's folder as `examples.json`.

    Raises:
        RunError: a run is unknown, goes on still, or left nothing.
        DataError: its data is gone, or no row can be asked.
        ModelError: a base or a judge cannot be loaded.
    """
    subjects = subjects_of(settings, RunStore())
    try:
        answered = Answering(subjects, settings, context).run()
        comparison = compare(answered)
        verdicts = [_asked(judge, answered, context) for judge in judges_of(settings)]
    except Cancelled:
        return Outcome({}, stopped=True)
    finally:
        release()
    examples = [example.to_json() for example in comparison.examples]
    for place, example in enumerate(examples):
        example["judges"] = [verdict.rows[place] for verdict in verdicts]
    strict.write(context.folder / EXAMPLES, examples)
    report = two_sided(comparison.to_json() | {"judges": [dict(verdict.report) for verdict in verdicts]})
    return Outcome({"run": settings.run, "split": settings.split, **report}, stopped=False)


def judges_of(settings: EvaluationSettings) -> list[Judge]:
    """Who judges, in this order; each is loaded once the others are out of memory."""
    judges: list[Judge] = [RewardJudge(settings.judge)] if settings.judge else []
    return [*judges, LanguageJudge(settings.judging)] if settings.judging.model else judges


def _asked(judge: Judge, answered: Answered, context: JobContext) -> Verdict:
    try:
        return judge(answered, context)
    finally:
        release()
