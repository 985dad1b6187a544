"""Finished evaluations as the job leaves them: really scored, of answers that no model had to give."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from playground.data.records import Record
from playground.evaluation.comparison import compare
from playground.evaluation.documents import two_sided
from playground.evaluation.subject import EXAMPLES
from playground.runs import strict
from playground.runs.events import Phase, PhaseChange, Progress
from playground.runs.store import RunStore
from tests.evaluation.answered import answered

HOSTILE = '<img src=x onerror="window.hurt = 1"> {{value}} ${1+1}'
"""What must come out as it went in, wherever it is shown."""
REFERENCE = "The cat sat quietly on the red mat, number {row}."


def run_of(store: RunStore, owner: str = "", *, phase: Phase = Phase.DONE, adapter: bool = True) -> str:
    """A training run that ended, with a folder where its adapter would be."""
    run = store.create("run", {"method": "sft"}, method="sft", model="m", name="A run", owner=owner)
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING)])
    if adapter:
        (store.folder(run) / "adapter").mkdir()
    if phase.terminal:
        store.finish(run, phase)
    return run


def records(rows: int) -> list[Record]:
    """Rows 100 and on; every third has an input, the second carries markup."""
    return [
        Record(
            100 + row,
            "instruction",
            {
                "instruction": f"Describe scene {row}. {HOSTILE if row == 1 else ''}",
                "input": f"a cat, {row}" if row % 3 == 0 else "",
                "output": REFERENCE.format(row=row),
            },
        )
        for row in range(rows)
    ]


def answers(rows: int) -> tuple[list[str], list[str]]:
    """Of base and tuned. Row 0 gains most, row 1 loses most, row 2 stays; row 3 of the base is empty."""
    base, tuned = [], []
    for row in range(rows):
        whole = REFERENCE.format(row=row)
        base.append("" if row == 3 else whole if row == 1 else f'A "quoted", cat of number {row}.\nIt sat.')
        tuned.append("Nothing." if row == 1 else base[2] if row == 2 else whole if row == 0 else f"{whole[:-4]} {row}!")
    return base, tuned


def finished_evaluation(
    store: RunStore,
    run: str,
    *,
    owner: str = "",
    rows: int = 12,
    name: str = "A run on test",
    others: Mapping[str, Sequence[str]] | None = None,
    result: Mapping[str, Any] | None = None,
    examples: Sequence[Mapping[str, Any]] | None = None,
) -> str:
    """An evaluation of `run` that is done.

    Args:
        others: further models' answers by their ids.
        result, examples: what it left, where that is not to be made.
    """
    document = {
        "run": run,
        "split": "test",
        "limit": rows,
        "batch_size": 16,
        "generation": {"strategy": "greedy", "max_new_tokens": 50},
    }
    evaluation = store.create("evaluation", document, method="evaluation", model=run, name=name, owner=owner)
    store.append(evaluation, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING)])
    progress = [Progress(f"answering {model}", rows, rows, "rows") for model in ("base", run)]
    folder: Path = store.folder(evaluation)
    if result is None:
        base, tuned = answers(rows)
        given = answered(records(rows), **{"base": base, run: tuned, **(others or {})})
        called = [replace(model, name="A run" if model.id.startswith(run) else "") for model in given.models]
        comparison = compare(replace(given, models=called))
        examples = [example.to_json() | {"judges": []} for example in comparison.examples]
        result = {"run": run, "split": "test", **two_sided(comparison.to_json() | {"judges": []})}
    strict.write(folder / EXAMPLES, examples)
    store.finish(evaluation, Phase.DONE, events=progress, result={"folder": str(folder), "error": None, **result})
    return evaluation
