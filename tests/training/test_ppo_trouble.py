"""PPO runs in which something goes wrong: each ends with a sentence, and what was kept before is usable."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from playground.errors import Cancelled, DataError, PlaygroundError, RunError
from playground.rewards import length
from playground.rewards.reward import Bounds
from playground.runs import checkpoints
from playground.runs.events import Event, Log
from playground.training.methods.ppo.learner import Learner
from tests.training.ppo_runs import ppo_config
from tests.training.runs import execute, write_rows


class Odd:
    """A reward that goes wrong on its second call."""

    bounds = Bounds()

    def __init__(self, wrong: Any) -> None:
        self.wrong, self.calls = wrong, 0

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:  # noqa: ARG002
        self.calls += 1
        if self.calls < 3:  # what the reference has to offer, and the first update
            return [float(len(text)) for text in completions]
        if isinstance(self.wrong, Exception):
            raise self.wrong
        return [self.wrong] * len(completions)


def odd(monkeypatch: pytest.MonkeyPatch, wrong: Any) -> None:
    """Puts an odd reward in the place of `length`."""
    monkeypatch.setattr(length, "make", lambda *_: Odd(wrong))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (math.nan, "The reward failed at update 2: The reward of completion 1 is nan"),
        (ValueError("no such table"), "The reward failed at update 2 with ValueError: no such table"),
    ],
)
def test_a_reward_that_fails_ends_the_run_with_a_sentence_and_a_checkpoint(
    wrong: Any, says: str, small_models: dict[str, Path], prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd(monkeypatch, wrong)
    with pytest.raises(RunError, match=says):
        execute(ppo_config(small_models["llama"], prompts, save_steps=1), tmp_path)
    assert [found.step for found in checkpoints.sealed(tmp_path)] == [1]


def test_memory_that_runs_out_stays_what_it_is(
    small_models: dict[str, Path], prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd(monkeypatch, MemoryError())
    with pytest.raises(MemoryError):
        execute(ppo_config(small_models["llama"], prompts, save_steps=1), tmp_path)
    assert checkpoints.sealed(tmp_path)


def test_weights_that_are_no_numbers_end_the_run_with_a_sentence(
    small_models: dict[str, Path], prompts: Path, tmp_path: Path
) -> None:
    config = ppo_config(small_models["llama"], prompts, learning_rate=10, max_grad_norm=0, max_steps=30)
    with pytest.raises(PlaygroundError, match=r"learning.rate"):
        execute(config, tmp_path)


def test_prompts_that_leave_no_room_are_left_out_or_refused(small_models: dict[str, Path], tmp_path: Path) -> None:
    source = write_rows(tmp_path, [{"prompt": "film " * 100}, {"prompt": "The film"}])
    ran = execute(
        ppo_config(small_models["llama"], source, data={"split": [1.0, 0.0]}, max_steps=1, max_length=64),
        tmp_path / "one",
    )
    assert "1 of 2 rows are left out. 1 × (first: row 0): Its prompt is longer than the 56 tokens" in ran.logs()
    alone = write_rows(tmp_path, [{"prompt": "film " * 100}])
    with pytest.raises(DataError, match="None of the 1 rows gives a prompt"):
        execute(ppo_config(small_models["llama"], alone, max_steps=1, max_length=64), tmp_path / "two")
    with pytest.raises(DataError, match="leave no room for a prompt"):
        execute(ppo_config(small_models["llama"], source, ppo={"max_new_tokens": 600}, max_steps=1), tmp_path / "three")


def test_empty_answers_are_answers(
    small_models: dict[str, Path], prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Learner, "answer", _ending_at_once(Learner.answer))
    ran = execute(ppo_config(small_models["llama"], prompts), tmp_path)
    assert ran.values("length") == [1, 1, 1]
    assert ran.values("objective/scores") == [0, 0, 0]
    assert [row["answer"] for row in ran.snapshots("ppo.rollouts")[0].data["rows"]] == [""] * 6


def _ending_at_once(answer: Any) -> Any:
    def patched(learner: Any, prompts: Any, stream: int, interrupt: Any) -> Any:
        found = answer(learner, prompts, stream, interrupt)
        width = found.mask.shape[1]
        ids, attention = found.ids[:, : 1 - width or None].clone(), found.attention[:, : 1 - width or None]
        ids[:, -1] = learner.ends[0]
        return found._replace(
            ids=ids, attention=attention, mask=found.mask[:, :1], ended=torch.ones_like(found.ended)
        )  # fmt: skip

    return patched


def test_a_stop_before_the_first_step_leaves_nothing(
    small_models: dict[str, Path], prompts: Path, tmp_path: Path
) -> None:
    def watch(event: Event, stop: Any) -> None:
        if isinstance(event, Log):
            stop.set()

    with pytest.raises(Cancelled):
        execute(ppo_config(small_models["llama"], prompts), tmp_path, watch)
    assert not list(tmp_path.iterdir())
