"""Runs that are taken away in tests: really done, in this process, and kept in a store."""

import json
import os
import runpy
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playground.config import codec
from playground.export.bundle import Order
from playground.export.subject import subject_of
from playground.jobs.submission import submit
from playground.runs.context import JobContext
from playground.runs.events import Phase, PhaseChange
from playground.runs.store import RunStore
from playground.training import dispatch

QUICK = {"max_steps": 4, "batch_size": 4, "learning_rate": 1e-2, "eval_steps": 2, "eval_rows": 4, "sample_steps": 0}


def done_run(store: RunStore, model: Any, source: Path | str, *, owner: str = "", **sections: Any) -> str:
    """A run of four steps with a validation loss every two; `sections` are laid over its settings."""
    document = {
        "model": model if isinstance(model, dict) else str(model),
        "name": sections.pop("name", "A run"),
        "data": {"source": str(source), "template": "instruction-response", "split": [0.7, 0.3]}
        | sections.pop("data", {}),
        "adapter": {"rank": 4, "alpha": 8, "dropout": 0.1} | sections.pop("adapter", {}),
        "training": QUICK | sections.pop("training", {}),
        **sections,
    }
    run = submit(store, "run", document, owner=owner)
    store.append(run, [PhaseChange(Phase.PREPARING)])
    context = JobContext(run, store.folder(run), lambda event: store.append(run, [event]), threading.Event())
    dispatch.execute(codec.decode(store.get(run).document), context)
    store.finish(run, Phase.DONE)
    return run


def order_of(run: str, store: RunStore) -> Order:
    return Order(subject_of(run, store), store, private=True, report=lambda _: None)


def curve(store: RunStore, run: str, name: str) -> list[float]:
    """A metric of the run, in order."""
    found = [event.payload().get("values", {}).get(name) for _, event in store.events(run).events]
    return [value for value in found if value is not None]


def run_script(path: Path) -> Mapping[str, Any]:
    """Runs a script to its end, and gives what it has named; no module of the playground can be imported by it."""
    with without_playground():
        return runpy.run_path(str(path), run_name="__main__")


def run_notebook(path: Path) -> Mapping[str, Any]:
    """Runs a notebook's code cells from top to bottom, in its folder."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    named: dict[str, Any] = {}
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with without_playground():
            exec(compile(code, str(path), "exec"), named)  # noqa: S102  # what the test is about
    finally:
        os.chdir(before)
    return named


@contextmanager
def without_playground() -> Iterator[None]:
    """Importing anything of ours fails, as it does on a machine without it; warnings are the script's own affair."""
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "playground"}
    for name in ours:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to forbid an import
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        sys.modules.update(ours)


def losses(named: Mapping[str, Any], name: str = "loss") -> list[float]:
    """A metric of a trainer that a script has made, in order."""
    return [entry[name] for entry in named["trainer"].state.log_history if name in entry]
