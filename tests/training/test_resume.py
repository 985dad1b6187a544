"""A run that is stopped or killed and goes on: its curve, samples and weights are those of one never cut off."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from playground.config.run import RunConfig
from playground.errors import DataError, RunError
from playground.runs import checkpoints
from playground.runs.context import JobContext
from playground.runs.events import Event, Metric, Progress, Resumed, Sample
from playground.training import dispatch
from playground.training.trainer import WatchedTrainer
from tests.training.runs import ROWS, Ran, make_config

SAME = ("loss", "eval_loss", "mean_token_accuracy", "entropy", "learning_rate", "grad_norm", "num_tokens", "epoch")
"""Metrics that do not depend on how fast it went."""
FULL = {"kind": "none"}
BUSY: dict[str, Any] = {
    "max_steps": 12,
    "batch_size": 2,
    "gradient_accumulation": 2,
    "schedule": "cosine",
    "warmup_steps": 3,
    "eval_steps": 2,
    "sample_steps": 3,
    "sample_tokens": 4,
    "weight_decay": 0.1,
}
"""Dropout in the adapter, an epoch of five steps of which the last is a short one, and everything turned on."""


class Crash(Exception):
    """Stands for the death of the process: nothing that comes after it is done."""


class History(Ran):
    """All attempts of one run, as the store would keep them."""

    def attempt(
        self, config: RunConfig, number: int, watch: Callable[[Event, threading.Event], None] | None = None
    ) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        stop = threading.Event()

        def emit(event: Event) -> None:
            if isinstance(event, Resumed):
                self.events = [
                    kept for kept in self.events if not isinstance(kept, (Metric, Sample)) or kept.step <= event.step
                ]
            self.events.append(event)
            if watch:
                watch(event, stop)

        self.outcome = dispatch.execute(config, JobContext("test", self.folder, emit, stop, number))

    def points(self) -> dict[str, list[tuple[int, float]]]:
        """Every comparable curve."""
        return {name: self.curve(name) for name in SAME}

    def answers(self) -> list[tuple[int, int, str]]:
        """Every sample, in order."""
        return [(sample.step, sample.index, sample.answer) for sample in self.samples()]

    def weights(self) -> dict[str, torch.Tensor]:
        """What it left behind."""
        files = [*self.folder.glob("adapter/*.safetensors"), *self.folder.glob("model/*.safetensors")]
        return load_file(files[0])


def stop_at(step: int) -> Callable[[Event, threading.Event], None]:
    """Asks to stop when so many steps are done."""

    def watch(event: Event, stop: threading.Event) -> None:
        if isinstance(event, Progress) and event.stage == "training" and event.done == step:
            stop.set()

    return watch


def crash_at(step: int) -> Callable[[Event, threading.Event], None]:
    """Dies as soon as the loss of a step is told."""

    def watch(event: Event, stop: threading.Event) -> None:
        if isinstance(event, Metric) and event.step == step and "loss" in event.values:
            raise Crash

    return watch


def same(one: History, other: History) -> None:
    """Fails unless both have the same curves, samples and weights, to the last bit."""
    assert one.points() == other.points()
    assert one.answers() == other.answers()
    ours, theirs = one.weights(), other.weights()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.fixture
def config(small_models: dict[str, Path], rows: Path) -> Callable[..., RunConfig]:
    """Makes a busy run; keywords are training settings, and `adapter`."""

    def make(**settings: Any) -> RunConfig:
        adapter = settings.pop("adapter", {"dropout": 0.2})
        family = settings.pop("family", "llama")
        return make_config(small_models[family], rows, adapter=adapter, **(BUSY | settings))

    return make


@pytest.mark.parametrize(
    ("settings", "step"),
    [
        pytest.param({"save_steps": 4}, 4, id="LoRA, with a step's validation and samples still to come"),
        pytest.param({}, 5, id="LoRA, at the end of an epoch, without save_steps"),
        pytest.param({"log_steps": 5}, 7, id="LoRA, between two points"),
        pytest.param({"adapter": FULL, "family": "gpt2", "save_steps": 3}, 6, id="every weight, with its own dropout"),
        pytest.param({"optimizer": "adafactor", "gradient_accumulation": 1}, 1, id="Adafactor, after one step"),
    ],
)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    config: Callable[..., RunConfig], settings: dict[str, Any], step: int, tmp_path: Path
) -> None:
    whole, resumed = History(tmp_path / "whole"), History(tmp_path / "resumed")
    whole.attempt(config(**settings), 1)
    resumed.attempt(config(**settings), 1, stop_at(step))
    assert checkpoints.sealed(resumed.folder)[0].step == step
    resumed.attempt(config(**settings), 2)
    if "log_steps" in settings:  # the point at which it stopped is one more than the whole run has
        resumed.events = [event for event in resumed.events if not (isinstance(event, Metric) and event.step == step)]
    same(resumed, whole)


@pytest.mark.parametrize("adapter", [{"dropout": 0.2}, FULL], ids=["LoRA", "every weight"])
def test_a_killed_run_goes_on_from_its_last_checkpoint(
    config: Callable[..., RunConfig], adapter: dict[str, Any], tmp_path: Path
) -> None:
    settings = {"save_steps": 3, "adapter": adapter}
    whole, resumed = History(tmp_path / "whole"), History(tmp_path / "resumed")
    whole.attempt(config(**settings), 1)
    with pytest.raises(Crash):
        resumed.attempt(config(**settings), 1, crash_at(8))
    with pytest.raises(Crash):
        resumed.attempt(config(**settings), 2, crash_at(11))
    resumed.attempt(config(**settings), 3)
    assert [event.step for event in resumed.events if isinstance(event, Resumed)] == [6, 9]
    same(resumed, whole)
    assert [found.step for found in checkpoints.sealed(resumed.folder)] == [12, 9]


def test_a_stop_within_a_step_leaves_nothing_of_its_first_half(
    config: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, resumed = History(tmp_path / "whole"), History(tmp_path / "resumed")
    whole.attempt(config(), 1)
    stops: list[threading.Event] = []
    calls: list[int] = []
    compute = WatchedTrainer.compute_loss

    def stop_in_the_first_half(self: WatchedTrainer, *args: Any, **kwargs: Any) -> Any:
        if self.model and self.model.training:
            calls.append(self.state.global_step)
        if len(calls) == 11:
            stops[0].set()
        return compute(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(WatchedTrainer, "compute_loss", stop_in_the_first_half)
        resumed.attempt(config(), 1, lambda _, stop: stops.append(stop))
    assert calls == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert resumed.outcome.steps == 5
    resumed.attempt(config(), 2)
    same(resumed, whole)


def test_a_stop_right_after_going_on_keeps_the_checkpoint(config: Callable[..., RunConfig], tmp_path: Path) -> None:
    whole, resumed = History(tmp_path / "whole"), History(tmp_path / "resumed")
    whole.attempt(config(), 1)
    resumed.attempt(config(), 1, stop_at(4))
    resumed.attempt(config(), 2, stop_at(4))
    assert resumed.outcome.steps == 4
    resumed.attempt(config(), 3, stop_at(5))
    resumed.attempt(config(), 4)
    same(resumed, whole)


def test_only_the_end_was_missing(config: Callable[..., RunConfig], tmp_path: Path) -> None:
    whole = History(tmp_path / "whole")
    whole.attempt(config(save_steps=5), 1)
    weights, points = whole.weights(), whole.points()
    shutil.rmtree(whole.folder / "adapter")
    whole.attempt(config(save_steps=5), 2)
    assert (whole.outcome.steps, whole.outcome.stopped) == (12, False)
    assert whole.points() == points
    assert all(torch.equal(weights[name], weight) for name, weight in whole.weights().items())


def test_a_run_that_never_began_begins(config: Callable[..., RunConfig], tmp_path: Path) -> None:
    whole, late = History(tmp_path / "whole"), History(tmp_path / "late")
    whole.attempt(config(max_steps=2), 1)
    late.attempt(config(max_steps=2), 2)
    same(late, whole)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("adapter_model.safetensors", cut),
        ("optimizer.pt", flip),
        ("optimizer.pt", Path.unlink),
        ("trainer_state.json", Path.unlink),
        ("seal.json", cut),
        ("seal.json", Path.unlink),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_it(
    finished: Path, file: str, damage: Callable[[Path], None], config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    run = History(tmp_path / "run")
    shutil.copytree(finished, run.folder)
    damage(run.folder / "checkpoints" / "checkpoint-4" / file)
    run.attempt(config(save_steps=2, max_steps=4), 2)
    assert [event.step for event in run.events if isinstance(event, Resumed)] == [2]
    assert "checkpoint-4; that of step 2 is used" in run.logs()
    assert [found.step for found in checkpoints.sealed(run.folder)] == [4, 2]


@pytest.fixture
def finished(config: Callable[..., RunConfig], tmp_path: Path) -> Path:
    """The folder of a run with checkpoints of steps 2 and 4."""
    run = History(tmp_path / "finished")
    run.attempt(config(save_steps=2, max_steps=4), 1)
    return run.folder


def test_where_no_checkpoint_is_whole_it_says_so(
    finished: Path, config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    for step in (2, 4):
        flip(finished / "checkpoints" / f"checkpoint-{step}" / "optimizer.pt")
    with pytest.raises(RunError, match=r"None of this run's checkpoints is whole \(checkpoint-4, checkpoint-2\)"):
        History(finished).attempt(config(save_steps=2, max_steps=4), 2)


def test_rows_that_changed_or_vanished_are_told(finished: Path, config: Callable[..., RunConfig], rows: Path) -> None:
    same_config = config(save_steps=2, max_steps=4)
    changed = [*ROWS[:-1], ROWS[-1] | {"output": "Something else."}]
    rows.write_text(json.dumps(changed))
    with pytest.raises(RunError, match="The rows are not those that this run was trained on up to step 4"):
        History(finished).attempt(same_config, 2)
    rows.unlink()
    with pytest.raises(DataError, match=r"rows\.json"):
        History(finished).attempt(same_config, 2)
    rows.write_text(json.dumps(ROWS))
    back = History(finished)
    back.attempt(same_config, 2)
    assert back.outcome.steps == 4


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("file", ["optimizer.pt", "scheduler.pt", "rng_state.pth"])
def test_a_checkpoint_cannot_run_code(
    file: str, finished: Path, config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    planted = finished / "checkpoints" / "checkpoint-4"
    torch.save(Bomb(tmp_path / "exploded"), planted / file)
    notes = json.loads((planted / "seal.json").read_text())["notes"] | {"last_step": 6}
    (planted / "seal.json").unlink()
    with checkpoints.writing(finished, 4, notes) as partial:
        planted.rename(partial / "checkpoint-4")
    with pytest.raises(Exception, match="Weights only load failed"):
        History(finished).attempt(config(save_steps=2, max_steps=6), 2)
    assert not (tmp_path / "exploded").exists()
