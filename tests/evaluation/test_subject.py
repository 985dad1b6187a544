"""Only what left something behind can be evaluated, and only on rows there are."""

import json
from pathlib import Path

import pytest

from playground.config.evaluation import EvaluationSettings
from playground.data.splits import prepare
from playground.errors import DataError, RunError
from playground.evaluation.subject import held_out, subject_of
from playground.jobs.submission import submit
from playground.runs.events import Phase
from playground.runs.store import RunStore
from tests.evaluation.finished_runs import data_file, finished_run


@pytest.fixture
def store() -> RunStore:
    return RunStore()


def a_run(store: RunStore, folder: Path, *, phase: Phase = Phase.DONE, left: str | None = "adapter") -> str:
    run = finished_run(store, folder, data_file(folder), left="nothing", phase=phase)
    if left:
        (store.folder(run) / left).mkdir()
    return run


def test_a_run_with_an_adapter_and_one_without(store: RunStore, tmp_path: Path) -> None:
    run = a_run(store, tmp_path)
    subject = subject_of(run, store)
    assert subject.adapter == store.folder(run) / "adapter"
    assert subject.config.data.template == "instruction-response"
    assert subject_of(a_run(store, tmp_path, left="model"), store).adapter is None


def test_a_stopped_run_counts(store: RunStore, tmp_path: Path) -> None:
    assert subject_of(a_run(store, tmp_path, phase=Phase.STOPPED), store).adapter


def test_what_cannot_be_evaluated_is_said(store: RunStore, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no run 'x'"):
        subject_of("x", store)
    with pytest.raises(RunError, match="is running; it can be evaluated once it has ended"):
        subject_of(a_run(store, tmp_path, phase=Phase.RUNNING), store)
    with pytest.raises(RunError, match=r"left no model to evaluate; it ended as failed\."):
        subject_of(a_run(store, tmp_path, phase=Phase.FAILED, left=None), store)
    evaluated = a_run(store, tmp_path)
    evaluation = submit(store, "evaluation", {"run": evaluated})
    with pytest.raises(RunError, match=f"is an evaluation; give the run that it evaluated, {evaluated}"):
        subject_of(evaluation, store)


def test_the_rows_are_the_runs_own_share(store: RunStore, tmp_path: Path) -> None:
    subject = subject_of(a_run(store, tmp_path), store)
    rows = held_out(subject, EvaluationSettings(run="r"))
    assert [record.row for record in rows] == list(range(10, 20))
    assert [record.row for record in held_out(subject, EvaluationSettings(run="r", limit=3))] == [10, 11, 12]
    assert [record.row for record in held_out(subject, EvaluationSettings(run="r", split="train"))] == list(range(10))


def test_an_empty_share_is_said(store: RunStore, tmp_path: Path) -> None:
    subject = subject_of(a_run(store, tmp_path), store)
    with pytest.raises(DataError, match=r"validation share of run .* is empty \(data.split 0.5 / 0.5\)"):
        held_out(subject, EvaluationSettings(run="r", split="validation"))


def test_another_runs_rows_are_asked_without_what_the_run_was_trained_on(store: RunStore, tmp_path: Path) -> None:
    other = a_run(store, tmp_path)
    asked = held_out(subject_of(other, store), EvaluationSettings(run="r"))
    rows = [{"instruction": record.fields["instruction"], "input": record.fields["input"]} for record in asked]
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text("".join(json.dumps({**row, "chosen": "a", "rejected": "b"}) + "\n" for row in rows[:6]))
    run = finished_run(store, tmp_path, pairs, left="nothing")
    (store.folder(run) / "adapter").mkdir()
    subject = subject_of(run, store)
    assert len(prepare(subject.config.data).train) == 3
    settings = EvaluationSettings(run=run, questions=other)
    assert [record.row for record in held_out(subject, settings)] == list(range(13, 20))
    with pytest.raises(RunError, match="There is no run 'gone'"):
        held_out(subject, EvaluationSettings(run=run, questions="gone"))
    with pytest.raises(DataError, match=f"was trained on every question of the train share of run {run}"):
        held_out(subject, EvaluationSettings(run=run, questions=run, split="train"))
