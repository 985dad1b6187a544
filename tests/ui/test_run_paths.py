"""Runs in the plane of the laboratory: those that started from the policy at hand and were measured by its reward."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.config.codec import decode, encode
from playground.config.rewards import KeywordReward, RewardConfig, SentimentReward, TrainedReward
from playground.runs.events import Metric, Phase, PhaseChange, Resumed
from playground.runs.store import RunStore
from playground.ui.run_paths import MOST_POINTS, Policy, run_paths

TINY = Policy("Tiny", "")
SENTIMENT: RewardConfig = SentimentReward()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    made = RunStore(tmp_path)
    yield made
    made.close()


def run_of(store: RunStore, document: dict[str, Any], metrics: list[Metric | Resumed]) -> str:
    config = encode(decode(document))
    run = store.create("run", config, method=config["method"], model="m", name=document["method"], owner="")
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING), *metrics])
    return run


def told(step: int, prefix: str = "") -> Metric:
    return Metric(step, {f"{prefix}objective/kl": step / 10, f"{prefix}objective/scores": step / 100})


def ppo(reward: str = "sentiment", **others: Any) -> dict[str, Any]:
    return {"method": "ppo", "model": "tiny", "ppo": {"reward": {"kind": reward}}} | others


@pytest.mark.parametrize("method", ["ppo", "grpo", "rloo"])
def test_a_run_by_the_same_reward_stands_in_the_plane(method: str, store: RunStore) -> None:
    document = {"method": method, "model": "tiny", method: {"reward": {"kind": "sentiment"}}}
    run_of(store, document, [told(step) for step in range(1, 4)])
    [path] = run_paths(store, TINY, SENTIMENT)
    assert path == {
        "name": method,
        "points": [{"divergence": step / 10, "reward": step / 100, "label": str(step)} for step in (1, 2, 3)],
    }
    assert run_paths(store, TINY, KeywordReward(("a",))) == []
    assert run_paths(store, Policy("SmolLM2 135M Instruct", ""), SENTIMENT) == []
    assert run_paths(store, Policy("Tiny", "sft-abcdef"), SENTIMENT) == []


def test_a_run_stands_by_the_run_that_it_started_from(store: RunStore) -> None:
    run_of(store, ppo(model={"run": "sft-abcdef"}), [told(1), told(2)])
    assert run_paths(store, TINY, SENTIMENT) == []
    assert len(run_paths(store, Policy("Tiny", "sft-abcdef"), SENTIMENT)) == 1


def test_learning_from_pairs_counts_where_the_reward_was_its_judge(store: RunStore) -> None:
    judged = {"method": "dpo", "model": "tiny", "dpo": {"judge": "reward-abcdef"}}
    run_of(store, judged, [told(0, "eval_"), told(20, "eval_"), Metric(21, {"loss": 1.0})])
    run_of(store, {"method": "dpo", "model": "tiny"}, [told(0, "eval_"), told(20, "eval_")])
    [path] = run_paths(store, TINY, TrainedReward("reward-abcdef"))
    assert [point["label"] for point in path["points"]] == ["0", "20"]
    assert run_paths(store, TINY, TrainedReward("reward-others")) == []
    assert run_paths(store, TINY, SENTIMENT) == []


def test_long_runs_are_thinned_lost_attempts_forgotten_and_the_newest_two_shown(store: RunStore) -> None:
    run_of(store, ppo(), [told(1), told(2)])
    run_of(store, ppo(), [told(1)])  # a single point is no path
    run_of(store, ppo(), [told(1), told(2), Resumed(1), Metric(2, {"objective/kl": 9.0, "objective/scores": 8.0})])
    run_of(store, ppo(), [told(step) for step in range(1, 201)])
    long, resumed = run_paths(store, TINY, SENTIMENT)
    assert [point["reward"] for point in resumed["points"]] == [0.01, 8.0]
    labels = [int(point["label"]) for point in long["points"]]
    assert (labels[0], labels[-1]) == (1, 200)
    assert len(labels) <= MOST_POINTS
    assert labels == sorted(set(labels))
