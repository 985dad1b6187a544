"""What is evaluated: a run that left something behind, and the rows it is asked. Light: no torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.config.run import RunConfig
from playground.data.records import Record
from playground.data.splits import prepare
from playground.errors import DataError, RunError
from playground.runs.events import Progress
from playground.runs.store import RunStore

ADAPTER = "adapter"
WHOLE_MODEL = "model"
EXAMPLES = "examples.json"
"""In an evaluation's folder: every row with both answers and their scores."""


@dataclass(frozen=True)
class Subject:
    """A run whose result can be loaded."""

    run: str
    config: RunConfig
    adapter: Path | None
    """Folder of the adapter; None where every weight was trained."""


def subject_of(run: str, store: RunStore) -> Subject:
    """What a run left behind; a run that was stopped counts, if it had saved something.

    Raises:
        RunError: there is no such run, it is no training run, it goes on still, or it left nothing.
    """
    record, folder = store.get(run), store.folder(run)
    if record.kind != "run":
        raise RunError(f"{run} is an evaluation; give the run that it evaluated, {record.model}.")
    if not record.phase.terminal:
        raise RunError(f"Run {run} is {record.phase}; it can be evaluated once it has ended.")
    config = codec.decode(record.document)
    for name in (ADAPTER, WHOLE_MODEL):
        if (folder / name).is_dir():
            return Subject(run, config, folder / name if name == ADAPTER else None)
    ending = f"it ended as {record.phase}" + (f": {record.reason}" if record.reason else ".")
    raise RunError(f"Run {run} left no model to evaluate; {ending}")


def held_out(
    subject: Subject, settings: EvaluationSettings, report: Callable[[Progress], None] | None = None
) -> Sequence[Record]:
    """The first rows of the chosen share of the run's data.

    Raises:
        DataError: the data cannot be read any more, or the share is empty.
    """
    records = prepare(subject.config.data, report).part(settings.split)
    if not records:
        shares = " / ".join(f"{share:g}" for share in subject.config.data.split or ()) or "null"
        raise DataError(
            f"The {settings.split} share of run {subject.run} is empty (data.split {shares}); evaluate another split."
        )
    return records[: settings.limit]
