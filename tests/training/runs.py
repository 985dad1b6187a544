"""Short runs for tests: rows on disk, a config, and everything that a run said."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from playground.config.codec import decode
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.runs.events import Event, Log, Metric, Phase, PhaseChange, Sample, Snapshot
from playground.training import dispatch
from playground.training.outcome import Outcome

ROWS = [
    {
        "instruction": f"Rewrite the sentence about {noun}.",
        "input": f"{noun} go to the park every {time}.",
        "output": f"The {noun} goes to the park {time}{mark}",
    }
    for noun in ("film", "capital", "user", "Paris")
    for time in ("day", "task", "long")
    for mark in (".", "!")
]
"""24 rows; 80 % of them are 19."""


@dataclass
class Ran:
    """One finished run."""

    folder: Path
    events: list[Event] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Outcome(0, {}, stopped=False))

    def curve(self, name: str) -> list[tuple[int, float]]:
        """(step, value) of one metric."""
        metrics = [event for event in self.events if isinstance(event, Metric)]
        found = [(metric.step, metric.values.get(name)) for metric in metrics]
        return [(step, value) for step, value in found if value is not None]

    def values(self, name: str) -> list[float]:
        """Values of one metric in the order they came."""
        return [value for _, value in self.curve(name)]

    def samples(self) -> list[Sample]:
        """Answers to the fixed prompts."""
        return [event for event in self.events if isinstance(event, Sample)]

    def snapshots(self, name: str) -> list[Snapshot]:
        """What was told for one figure."""
        return [event for event in self.events if isinstance(event, Snapshot) and event.name == name]

    def logs(self) -> str:
        """All lines for people."""
        return "\n".join(event.text for event in self.events if isinstance(event, Log))

    def phases(self) -> list[Phase]:
        """Phases that the run itself entered."""
        return [event.phase for event in self.events if isinstance(event, PhaseChange)]


def write_rows(folder: Path, rows: list[dict[str, str]] | None = None) -> Path:
    """A JSON file of rows."""
    path = folder / "rows.json"
    path.write_text(json.dumps(ROWS if rows is None else rows), encoding="utf-8")
    return path


def make_config(
    model: Path | str, source: Path, *, adapter: Any = None, data: Any = None, sft: Any = None, **training: Any
) -> RunConfig:
    """A quick run: ten steps of four rows, neither samples nor validation unless asked for."""
    quick = {"max_steps": 10, "batch_size": 4, "learning_rate": 1e-2, "eval_steps": 0, "sample_steps": 0}
    return decode(
        {
            "method": "sft",
            "model": str(model),
            "data": {"source": str(source), "template": "instruction-response", "split": [0.8, 0.2]} | (data or {}),
            "adapter": {"rank": 4, "alpha": 8, "dropout": 0.0} | (adapter or {}),
            "training": quick | training,
            "sft": sft or {},
        }
    )


def execute(config: RunConfig, folder: Path, watch: Callable[[Event, threading.Event], None] | None = None) -> Ran:
    """Runs `config`; `watch` sees every event and may set the wish to stop."""
    folder.mkdir(parents=True, exist_ok=True)
    ran = Ran(folder)
    stop = threading.Event()

    def emit(event: Event) -> None:
        ran.events.append(event)
        if watch:
            watch(event, stop)

    ran.outcome = dispatch.execute(config, JobContext("test", folder, emit, stop))
    return ran


def without_dropout(model: Path, folder: Path) -> Path:
    """A copy of a saved model that is the same in training and evaluation mode."""
    folder.mkdir(parents=True)
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    settings = json.loads((folder / "config.json").read_text())
    dropouts = [name for name in settings if "dropout" in name or name.endswith("pdrop") or name == "layerdrop"]
    (folder / "config.json").write_text(json.dumps(settings | dict.fromkeys(dropouts, 0.0)))
    return folder


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of every weight by name."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
