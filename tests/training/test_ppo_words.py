"""What PPO says in words, what it asks, and which settings it refuses."""

import json

import pytest

from playground.config import codec
from playground.config.methods.ppo import PPOSettings
from playground.config.rewards import WeightedSum
from playground.config.warnings import worded
from playground.errors import ConfigError
from playground.training.asking.prompts import Prompts
from playground.training.methods.ppo.trouble import Trouble

SETTINGS = PPOSettings()


def told(scores: list[float], divergences: list[float], lengths: list[float]) -> list[tuple[int, str]]:
    """(update, sentence) of a run with these curves, kept in JSON between any two updates."""
    trouble, found = Trouble(), []
    for number, (score, divergence, length) in enumerate(zip(scores, divergences, lengths, strict=True), 1):
        values = {"objective/scores": score, "objective/kl": divergence, "length": length}
        due = trouble.after(values, SETTINGS, 0.05)
        found += [(number, worded(one.key, {"step": str(number), **one.values})) for one in due]
        trouble = Trouble(**json.loads(json.dumps(trouble.state())))
    return found


def test_a_reward_that_rises_far_from_the_reference_is_told_once() -> None:
    rising, far = [0.1 * step for step in range(30)], [1.0 * step for step in range(30)]
    found = told(rising, far, [20.0] * 30)
    assert len(found) == 1
    # The mean of five updates passes ten nats at the thirteenth, whose divergences are 8 to 12: 10 is not above 10.
    assert found[0][0] == 14
    assert "the reward rises (from 0.2 to 1.1)" in found[0][1]
    assert "11 nats an answer" in found[0][1]
    assert "ppo.beta (now 0.05)" in found[0][1]


def test_far_away_without_a_rising_reward_and_near_with_one_are_no_trouble() -> None:
    steps = range(30)
    assert told([1.0] * 30, [float(step) for step in steps], [20.0] * 30) == []
    assert told([float(step) for step in steps], [9.0] * 30, [20.0] * 30) == []


def test_answers_that_collapse_are_told() -> None:
    found = told([0.0] * 20, [0.0] * 20, [20.0] * 8 + [3.0] * 12)
    assert [number for number, _ in found] == [13]
    assert "answers have collapsed from 20 to 3 tokens" in found[0][1]
    assert told([0.0] * 20, [0.0] * 20, [20.0] * 8 + [8.0] * 12) == []


ROWS = [[row] * 9 for row in range(5)]


def test_prompts_come_once_in_each_pass_in_an_order_of_the_seed() -> None:
    prompts = Prompts(ROWS, SETTINGS, seed=1)
    first, second = prompts.take(0, 5), prompts.take(5, 5)
    assert sorted(first) == sorted(second) == ROWS
    assert first != second
    assert Prompts(ROWS, SETTINGS, seed=1).take(3, 4) == (first + second)[3:7]
    assert Prompts(ROWS, SETTINGS, seed=2).take(0, 10) != first + second


def test_prompts_are_cut_to_every_length_of_the_range() -> None:
    settings = PPOSettings(prompt_min_tokens=2, prompt_max_tokens=4)
    prompts = Prompts(ROWS, settings, seed=0).take(0, 200)
    assert {len(prompt) for prompt in prompts} == {2, 3, 4}
    assert min(sum(len(prompt) == length for prompt in prompts) for length in (2, 3, 4)) > 40
    assert Prompts([[7]], settings, seed=0).take(0, 3) == [[7]] * 3


def test_prompts_are_told_from_others() -> None:
    known = Prompts(ROWS, SETTINGS, seed=0).fingerprint
    assert Prompts([[row] * 9 for row in range(5)], SETTINGS, seed=0).fingerprint == known
    assert Prompts(ROWS[::-1], SETTINGS, seed=0).fingerprint != known
    assert Prompts([[0] * 8, [0], *ROWS[1:]], SETTINGS, seed=0).fingerprint != known


def test_a_run_carries_its_reward_in_its_json() -> None:
    reward = {
        "kind": "sum",
        "terms": [{"weight": 2.0, "reward": {"kind": "length"}}, {"reward": {"kind": "sentiment"}}],
    }
    config = codec.decode({"method": "ppo", "ppo": {"reward": reward}})
    assert isinstance(config.options, PPOSettings)
    assert isinstance(config.options.reward, WeightedSum)
    assert [term.weight for term in config.options.reward.terms] == [2.0, 1.0]
    assert codec.loads(codec.dumps(config)) == config


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"reward": {"kind": "praise"}}, "reward.kind must be one of sentiment, length"),
        ({"reward": "sentiment"}, "A reward must be a JSON object with its kind"),
        ({"reward": {"kind": "length", "shape": "round"}}, "reward.length.shape must be one of target, slope"),
        ({"reward": None}, "A reward must be a JSON object"),
        ({"prompt_min_tokens": 2}, "are given together, or neither"),
        ({"prompt_min_tokens": 9, "prompt_max_tokens": 8}, "must be at most ppo.prompt_max_tokens, 8; got 9"),
        ({"beta": 0, "beta_target": 6}, "ppo.beta must be above 0"),
        ({"kl": "k1_loss"}, "ppo.kl must be one of k1_reward, k2_loss, k3_loss"),
        ({"temperature": 0}, "ppo.temperature must be above 0"),
    ],
)
def test_settings_that_no_run_can_have(given: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        codec.decode({"method": "ppo", "ppo": given})
