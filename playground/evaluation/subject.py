"""Who is evaluated: what runs left behind, at their end or at a saved step, and the rows they are asked. No torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.config.judging import ENDPOINT
from playground.config.methods import SCORING
from playground.config.run import DataSettings, RunConfig
from playground.data.records import Record
from playground.data.splits import prepare
from playground.errors import DataError, RunError
from playground.evaluation.answers import asked_text
from playground.judging.endpoint import endpoint_from_environment
from playground.models.lineage import lineage_of, scorer_of, writes_nothing
from playground.runs.events import Progress
from playground.runs.steps import step_of
from playground.runs.store import RunStore

ADAPTER = "adapter"
WHOLE_MODEL = "model"
EXAMPLES = "examples.json"
"""In an evaluation's folder: every row with every answer and its scores."""
BASE = "base"
"""Stands for the model that the run began from, where others are named by their ids."""


@dataclass(frozen=True)
class Subject:
    """Something a run left that can be loaded."""

    run: str
    config: RunConfig
    adapter: Path | None
    """Folder of the adapter; None where every weight was trained."""
    step: int | None = None
    """The saved step; None for the end of the run."""
    name: str = ""
    """What the run is called."""

    @property
    def id(self) -> str:
        """As settings and results name it: `RUN`, or `RUN@STEP`."""
        return self.run if self.step is None else f"{self.run}@{self.step}"


def run_of(subject: str) -> str:
    """The run of a subject's id.

    >>> run_of("sft-abc@40")
    'sft-abc'
    """
    return subject.partition("@")[0]


def subject_of(wanted: str, store: RunStore) -> Subject:
    """What a run left behind; a run that was stopped counts, if it had saved something.

    Args:
        wanted: a run's id, or `RUN@STEP`.

    Raises:
        RunError: there is no such run, it is no training run or a reward model, it goes on still, it left nothing, or
            it has not kept that step.
    """
    run, at, text = wanted.partition("@")
    if at and not text.isdecimal():
        raise RunError(f"A saved step is written RUN@STEP, such as {run or 'RUN'}@40; got {wanted!r}.")
    record, folder = store.get(run), store.folder(run)
    if record.kind != "run":
        raise RunError(f"{run} is an evaluation; give the run that it evaluated, {record.model}.")
    if not record.phase.terminal:
        raise RunError(f"Run {run} is {record.phase}; it can be evaluated once it has ended.")
    config = codec.decode(record.document)
    if config.method in SCORING:
        raise RunError(writes_nothing(run, config.name))
    if at:
        saved = step_of(folder, int(text))
        return Subject(run, config, saved.folder, saved.step, record.name)
    for name in (ADAPTER, WHOLE_MODEL):
        if (folder / name).is_dir():
            return Subject(run, config, folder / name if name == ADAPTER else None, name=record.name)
    ending = f"it ended as {record.phase}" + (f": {record.reason}" if record.reason else ".")
    raise RunError(f"Run {run} left no model to evaluate; {ending}")


def subjects_of(settings: EvaluationSettings, store: RunStore) -> list[Subject]:
    """Everybody who answers but the base, the run itself first.

    Raises:
        RunError: as `subject_of`.
    """
    return [subject_of(wanted, store) for wanted in (settings.run, *settings.others)]


def check_judge(settings: EvaluationSettings) -> None:
    """Whether the judges that are asked for, if any, can be had: a reward model, and a language model.

    Raises:
        ModelError: one of them is not there, or is none.
        ConfigError: the endpoint is not set up.
    """
    if settings.judge:
        scorer_of(settings.judge)
    if settings.judging.model == ENDPOINT:
        endpoint_from_environment()
    elif settings.judging.model:
        lineage_of(settings.judging.ref)


def held_out(
    subject: Subject, settings: EvaluationSettings, report: Callable[[Progress], None] | None = None
) -> Sequence[Record]:
    """The first rows of the chosen share of the run's data, or of the data of `settings.questions` without what the run
    and the reward model that judges were trained on.

    Raises:
        RunError: there is no run of `settings.questions`, or it is an evaluation.
        DataError: the data cannot be read any more, the share is empty, or nothing in it is new to the run.
    """
    data = _data_of(settings.questions) if settings.questions else subject.config.data
    records: Sequence[Record] = prepare(data, report).part(settings.split)
    if not records:
        shares = " / ".join(f"{share:g}" for share in data.split or ()) or "null"
        raise DataError(
            f"The {settings.split} share of run {settings.questions or subject.run} is empty (data.split {shares}); "
            "evaluate another split."
        )
    if settings.questions:
        trained_on = [subject.config.data, *([_data_of(settings.judge)] if settings.judge else [])]
        known = {asked_text(record) for used in trained_on for record in prepare(used, report).train}
        records = [record for record in records if record.kind == "text" or asked_text(record) not in known]
        if not records:
            raise DataError(
                f"Run {subject.run} was trained on every question of the {settings.split} share of run "
                f"{settings.questions}; ask the rows of another run, or another split."
            )
    return records[: settings.limit]


def _data_of(run: str) -> DataSettings:
    record = RunStore().get(run)
    if record.kind != "run":
        raise RunError(f"{run} is an evaluation; give the run whose rows are to be asked.")
    return codec.decode(record.document).data
