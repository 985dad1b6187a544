"""Rewards as JSON: there and back, and every problem told at once."""

import importlib
from typing import Any

import pytest

from playground.config.generation import GenerationSettings
from playground.config.rewards import (
    KINDS,
    KeywordReward,
    LengthReward,
    SentimentReward,
    Term,
    WeightedSum,
    decode_reward,
    encode_reward,
    terms_of,
)
from playground.config.rollouts import RolloutSettings, SweepSettings
from playground.errors import ConfigError

KNOWN = ", ".join([*KINDS, "sum"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_goes_there_and_back_and_has_its_maker(kind: str) -> None:
    reward = decode_reward({"kind": kind})
    assert decode_reward(encode_reward(reward)) == reward
    assert callable(importlib.import_module(f"playground.rewards.{kind}").make)


def test_a_sum_goes_there_and_back() -> None:
    whole = WeightedSum((Term(0.5, LengthReward(target=7)), Term(-1.0, KeywordReward(("a", "b")))))
    assert decode_reward(encode_reward(whole)) == whole
    assert terms_of(whole) == whole.terms
    assert terms_of(SentimentReward()) == (Term(1.0, SentimentReward()),)


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        (3, ["A reward must be a JSON object with its kind; got 3."]),
        ({"kind": "luck"}, [f"reward.kind must be one of {KNOWN}; got 'luck'."]),
        (
            {"kind": "length", "target": -1, "goal": 3},
            ["reward.length.goal is not a setting; known are unit, shape, target, slope.",
             "reward.length.target must be at least 0; got -1."],
        ),
        ({"kind": "keyword", "keywords": [" "]}, ["reward.keyword.keywords needs at least one word; got none."]),
        ({"kind": "sum", "terms": []}, ["A weighted sum of rewards has 1 to 8 terms; got 0."]),
        (
            {"kind": "sum", "terms": [{"weight": "x", "reward": {"kind": "length"}}, {"weight": 1}]},
            ["Term 1: reward.term.weight must be a number; got 'x'.",
             "Term 2: it must be an object of weight and reward; got {'weight': 1}."],
        ),
        (
            {"kind": "sum", "terms": [{"reward": {"kind": "sum", "terms": []}}]},
            [f"Term 1: reward.kind must be one of {KNOWN}; got 'sum'."],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(document: Any, problems: list[str]) -> None:
    with pytest.raises(ConfigError) as found:
        decode_reward(document)
    assert list(found.value.problems) == problems


def test_temperatures_lie_at_equal_distances() -> None:
    assert SweepSettings(lowest=0.0, highest=2.0, points=5).temperatures == (0, 0.5, 1, 1.5, 2)
    with pytest.raises(ConfigError, match=r"sweep.highest must be above sweep.lowest, 1.0; got 1.0"):
        SweepSettings(lowest=1.0, highest=1.0)


def test_rollouts_have_a_limit_of_tokens() -> None:
    long = GenerationSettings(strategy="sampling", max_new_tokens=2048)
    assert RolloutSettings(count=64, generation=long).count == 64
    with pytest.raises(ConfigError, match=r"1,024 rollouts of 2,048 tokens are 2,097,152 tokens; at most 131,072"):
        RolloutSettings(count=1024, generation=long)
    with pytest.raises(ConfigError, match=r"drawn by sampling; got generation\.strategy 'greedy'"):
        RolloutSettings(generation=GenerationSettings())
