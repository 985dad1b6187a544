"""A stop comes at any moment and leaves something usable, or nothing at all."""

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import Trainer
from trl import SFTTrainer

from playground.config.codec import dumps
from playground.config.run import RunRef
from playground.errors import Cancelled
from playground.models.loading import load
from playground.runs.events import Event, Log, Progress, Sample
from playground.training.trainer import WatchedTrainer
from tests.training.runs import Ran, execute, make_config


def stop_after(steps: int) -> Any:
    """Wishes for the end when so many steps are done."""

    def watch(event: Event, stop: threading.Event) -> None:
        if isinstance(event, Progress) and event.stage == "training" and event.done == steps:
            stop.set()

    return watch


def learnt(ran: Ran) -> bool:
    """Whether the saved adapter changes anything: LoRA's B is zero until the first step."""
    weights = load_file(ran.folder / "adapter" / "adapter_model.safetensors")
    return all(weight.any() for name, weight in weights.items() if "lora_B" in name)


def test_stop_ends_at_the_step_and_saves(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    config = make_config(small_models["llama"], rows, max_steps=50, save_steps=20, eval_steps=20, sample_steps=20)
    ran = execute(config, tmp_path / "run", stop_after(3))
    assert ran.outcome.stopped
    assert ran.outcome.steps == 3
    assert [step for step, _ in ran.curve("loss")] == [1, 2, 3]
    assert [step for step, _ in ran.curve("eval_loss")] == [0]
    assert learnt(ran)
    assert {path.name for path in ran.folder.iterdir()} <= {"adapter", "checkpoints", "steps"}


def test_stop_during_the_first_samples_still_takes_one_step(
    small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    def watch(event: Event, stop: threading.Event) -> None:
        if isinstance(event, Sample):
            stop.set()

    ran = execute(make_config(small_models["llama"], rows, sample_steps=2, eval_steps=2), tmp_path / "run", watch)
    assert ran.outcome.stopped
    assert ran.outcome.steps == 1
    assert learnt(ran)


def test_stop_during_the_validation_loss(
    small_models: dict[str, Path], rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops: list[threading.Event] = []
    measure = SFTTrainer.prediction_step
    batches: list[int] = []

    def measure_and_stop(self: Trainer, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == 4:
            stops[0].set()
            batches.append(1)
        return measure(self, *args, **kwargs)

    monkeypatch.setattr(SFTTrainer, "prediction_step", measure_and_stop)
    config = make_config(small_models["llama"], rows, batch_size=1, eval_steps=4)
    ran = execute(config, tmp_path / "run", lambda _, stop: stops.append(stop))
    assert len(batches) == 1
    assert ran.outcome.stopped
    assert ran.outcome.steps == 4
    assert [step for step, _ in ran.curve("eval_loss")] == [0]
    assert learnt(ran)


def test_stop_within_an_accumulated_step_drops_the_half_step(
    small_models: dict[str, Path], rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops: list[threading.Event] = []
    compute = WatchedTrainer.compute_loss
    calls: list[int] = []

    def compute_and_stop(self: WatchedTrainer, *args: Any, **kwargs: Any) -> Any:
        calls.append(self.state.global_step)
        if len(calls) == 6:
            stops[0].set()
        return compute(self, *args, **kwargs)

    monkeypatch.setattr(WatchedTrainer, "compute_loss", compute_and_stop)
    config = make_config(small_models["llama"], rows, batch_size=1, gradient_accumulation=4)
    ran = execute(config, tmp_path / "run", lambda _, stop: stops.append(stop))
    assert calls == [0, 0, 0, 0, 1, 1]
    assert ran.outcome.steps == 1
    assert ran.outcome.stopped
    assert learnt(ran)


def test_a_stop_in_the_last_step_comes_too_late(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    ran = execute(make_config(small_models["llama"], rows, max_steps=4), tmp_path / "run", stop_after(4))
    assert not ran.outcome.stopped
    assert ran.outcome.steps == 4


def test_a_stop_before_the_first_step_leaves_nothing(small_models: dict[str, Path], rows: Path, tmp_path: Path) -> None:
    def watch(event: Event, stop: threading.Event) -> None:
        if isinstance(event, Log) and "are trained" in event.text:
            stop.set()

    with pytest.raises(Cancelled):
        execute(make_config(small_models["llama"], rows), tmp_path / "run", watch)
    assert not (tmp_path / "run" / "adapter").exists()


def test_what_a_stop_saved_can_be_trained_on(small_models: dict[str, Path], rows: Path, own_home: Path) -> None:
    config = make_config(small_models["llama"], rows, max_steps=50)
    folder = own_home / "runs" / "stopped"
    ran = execute(config, folder, stop_after(5))
    (folder / "config.json").write_text(dumps(config))
    merged = load(RunRef("stopped"), report=lambda _: None, stop=threading.Event()).model
    base = load(str(small_models["llama"]), report=lambda _: None, stop=threading.Event()).model
    changed = {
        name
        for (name, ours), theirs in zip(merged.named_parameters(), base.parameters(), strict=True)
        if not torch.equal(ours, theirs)
    }
    assert changed == {f"model.layers.{i}.self_attn.{p}_proj.weight" for i in (0, 1) for p in "qv"}
    assert ran.outcome.stopped


def test_a_crash_while_saving_leaves_the_checkpoint_before(
    small_models: dict[str, Path], rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Trainer._save_optimizer_and_scheduler

    def break_at_eight(self: Trainer, output_dir: str) -> None:
        if self.state.global_step == 8:
            raise OSError(28, "No space left on device")
        save(self, output_dir)

    monkeypatch.setattr(Trainer, "_save_optimizer_and_scheduler", break_at_eight)
    with pytest.raises(OSError, match="No space left"):
        execute(make_config(small_models["llama"], rows, save_steps=4), tmp_path / "run")
    whole = tmp_path / "run" / "checkpoints" / "checkpoint-4"
    assert (whole / "trainer_state.json").exists()
    assert load_file(whole / "adapter_model.safetensors")
    assert not (tmp_path / "run" / "checkpoints" / "checkpoint-8").exists()
