"""PPO towards a trained reward model: what it says, and whose weights it reads."""

import json
import threading
from pathlib import Path

import pytest
import torch

from playground.config.rewards import TrainedReward
from playground.rewards.registry import make_reward
from playground.rewards.reward_model import Trained
from playground.rewards.scoring import load_reward_model
from playground.training.methods.ppo.sharing import share_backbone
from tests.training.ppo_runs import PROMPTS, moved_actor, ppo_config
from tests.training.runs import execute, write_rows
from tests.training.test_reward import PAIRS, make_config, run_in_home

RUN = "reward-abc234"


@pytest.fixture
def reward_run(small_models: dict[str, Path], tmp_path: Path) -> str:
    """A reward model of this home, two steps old."""
    source = tmp_path / "pairs.json"
    source.write_text(json.dumps(PAIRS))
    run_in_home(make_config(small_models["llama"], source, max_steps=2), RUN)
    return RUN


def test_the_scores_are_the_reward_models_own(reward_run: str, small_models: dict[str, Path], tmp_path: Path) -> None:
    source = write_rows(tmp_path, PROMPTS)
    ppo = {"reward": {"kind": "reward_model", "run": reward_run}}
    ran = execute(ppo_config(small_models["llama"], source, ppo=ppo), tmp_path / "run")
    assert "The reward model stands on the policy's own frozen weights" in ran.logs()
    scorer = load_reward_model(reward_run, report=lambda _: None, stop=threading.Event())
    tables = [told.data for told in ran.snapshots("ppo.rollouts")]
    assert len(tables) == 3
    for table in tables:
        rows = table["rows"]
        found = scorer.score([row["prompt"] for row in rows], [row["answer"] for row in rows])
        assert [row["reward"] for row in rows] == pytest.approx(found, abs=1e-3)


def test_one_backbone_serves_both_and_neither_notices(reward_run: str, small_models: dict[str, Path]) -> None:
    actor, _ = moved_actor(small_models["llama"])
    reward = make_reward(TrainedReward(run=reward_run))
    texts = (["The film", "A user"], [" was good", " goes to the park"])
    alone = reward(*texts)
    ids = torch.arange(5, 17).view(2, 6)
    with torch.no_grad():
        read = actor.read(ids, torch.ones_like(ids), 3).logps
    freed = share_backbone(actor.model, reward)
    named = actor.model.named_parameters()
    frozen = [weight for name, weight in named if not weight.requires_grad and "lm_head" not in name]
    assert freed == sum(weight.nbytes for weight in frozen)
    part = reward.parts[0].reward
    assert isinstance(part, Trained)
    places = {weight.data_ptr() for weight in part.model.model.parameters()}
    assert all(weight.data_ptr() in places for weight in frozen)
    assert reward(*texts) == alone
    with torch.no_grad():
        assert torch.equal(actor.read(ids, torch.ones_like(ids), 3).logps, read)
    assert share_backbone(actor.model, reward) == 0


def test_another_backbone_stays_its_own(reward_run: str, small_models: dict[str, Path]) -> None:
    actor, _ = moved_actor(small_models["llama"])
    with torch.no_grad():
        for weight in actor.model.parameters():
            weight.add_(1e-3)
    assert share_backbone(actor.model, make_reward(TrainedReward(run=reward_run))) == 0
