"""A PPO run that is stopped or dies, in whichever stage, and goes on: as if it had never been cut off."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.config.run import RunConfig
from playground.errors import RunError
from playground.runs import checkpoints
from playground.runs.events import Event, Progress, Snapshot
from playground.training.methods.ppo import learner
from playground.training.methods.ppo.learner import Learner
from tests.training.ppo_runs import PROMPTS, ppo_config
from tests.training.runs import write_rows
from tests.training.test_resume import Crash, History, crash_at, same

CURVES = (
    "loss", "objective/kl", "objective/scores", "policy/approxkl_avg", "val/ratio", "val/var_explained", "beta",
    "length", "learning_rate", "grad_norm", "num_tokens", "epoch", "eval_objective/scores",
)  # fmt: skip


class Updates(History):
    """All attempts of one PPO run."""

    def points(self) -> dict[str, list[tuple[int, float]]]:
        """Every comparable curve."""
        return {name: self.curve(name) for name in CURVES}


@pytest.fixture(scope="module")
def config(small_models: dict[str, Path], prompts: Path) -> RunConfig:
    """Five updates with everything that an update may depend on: β that adapts, lengths, a schedule, two epochs."""
    return ppo_config(
        small_models["llama"], prompts, max_steps=5, save_steps=2, eval_steps=3, sample_steps=2, sample_tokens=3,
        schedule="cosine", warmup_steps=2, weight_decay=0.1,
        ppo={
            "beta_target": 0.5, "beta_horizon": 50, "prompt_min_tokens": 2, "prompt_max_tokens": 5, "update_epochs": 2,
            "max_new_tokens": 6,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Updates:
    """The run that nobody disturbs."""
    found = Updates(tmp_path_factory.mktemp("whole"))
    found.attempt(config, 1)
    return found


def shown(updates: Updates) -> list[tuple[int, str]]:
    """Which figures were told of which step, by the attempts that counted in the end."""
    last = {(event.step, event.name): None for event in updates.events if isinstance(event, Snapshot)}
    return sorted(last)


def test_the_same_seed_gives_the_same_run(config: RunConfig, whole: Updates, tmp_path: Path) -> None:
    again = Updates(tmp_path)
    again.attempt(config, 1)
    same(again, whole)


def test_a_run_that_dies_goes_on_from_its_checkpoint(config: RunConfig, whole: Updates, tmp_path: Path) -> None:
    cut = Updates(tmp_path)
    with pytest.raises(Crash):
        cut.attempt(config, 1, crash_at(3))
    cut.attempt(config, 2)
    same(cut, whole)
    assert shown(cut) == shown(whole)
    assert "Goes on from the checkpoint of step 2." in cut.logs()


STAGES: dict[str, Callable[[pytest.MonkeyPatch, threading.Event], None]] = {
    "rollout": lambda monkeypatch, stop: _before(monkeypatch, "roll_out", stop, 4),
    "score": lambda monkeypatch, stop: _before(monkeypatch, "score", stop),
    "advantages": lambda monkeypatch, stop: _before(monkeypatch, "look", stop),
    "update": lambda monkeypatch, stop: _before(monkeypatch, "update", stop),
}


def _before(monkeypatch: pytest.MonkeyPatch, stage: str, stop: threading.Event, call: int = 3) -> None:
    """Asks to stop as this stage begins for the third time, or another."""
    original: Any = getattr(learner, stage)
    calls = 0

    def asked(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            stop.set()
        return original(*args, **kwargs)

    monkeypatch.setattr(learner, stage, asked)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stop_in_any_stage_saves_and_goes_on(
    stage: str, config: RunConfig, whole: Updates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Updates(tmp_path)
    known: list[threading.Event] = []

    def watch(event: Event, stop: threading.Event) -> None:
        if not known:
            known.append(stop)
            STAGES[stage](monkeypatch, stop)

    cut.attempt(config, 1, watch)
    monkeypatch.undo()
    assert cut.outcome.stopped
    # A rollout or a score that was begun is dropped; learning is brought to the end of its update. Answers of the
    # reference and held-out ones are rolled out before the first step too.
    assert cut.outcome.steps == {"rollout": 1, "score": 2, "advantages": 2, "update": 3}[stage]
    assert checkpoints.sealed(cut.folder)[0].step == cut.outcome.steps
    assert (cut.folder / "adapter" / "adapter_model.safetensors").is_file()
    cut.attempt(config, 2)
    assert cut.outcome.steps == 5
    same(cut, whole)


def test_other_prompts_than_before_are_refused(config: RunConfig, tmp_path: Path) -> None:
    cut = Updates(tmp_path)

    def watch(event: Event, stop: threading.Event) -> None:
        if isinstance(event, Progress) and event.stage == "training" and event.done == 1:
            stop.set()

    cut.attempt(config, 1, watch)
    source = write_rows(tmp_path, PROMPTS[:-4])
    other = ppo_config(str(config.model), source, max_steps=5)
    with pytest.raises(RunError, match="The rows are not those"):
        cut.attempt(other, 2)


def test_only_the_end_was_missing(config: RunConfig, whole: Updates, tmp_path: Path) -> None:
    cut = Updates(tmp_path)

    def refuse(*_: Any, **__: Any) -> None:
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("playground.training.methods.ppo.trainer.save_result", refuse)
        with pytest.raises(Crash):
            cut.attempt(config, 1)
    drawn: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "step", lambda *_, **__: drawn.append(1))
        cut.attempt(config, 2)
    assert not drawn
    assert cut.outcome.steps == 5
    same(cut, whole)
