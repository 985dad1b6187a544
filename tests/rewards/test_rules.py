"""Rewards by rule and lexicon against values worked out by hand, and what a broken reward does."""

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.config.rewards import decode_reward
from playground.errors import ConfigError, PlaygroundError
from playground.rewards.registry import make_reward
from playground.rewards.reward import Bounds, scored

EVIL = "a" * 40 + "b"


def rewards(document: dict[str, Any], *completions: str, prompt: str = "") -> list[float]:
    return scored(make_reward(decode_reward(document)), [prompt] * len(completions), completions)


@pytest.mark.parametrize(
    ("settings", "text", "value"),
    [
        ({"target": 3, "slope": 0.5}, "one two  three\n four", -0.5),
        ({"target": 3, "slope": 0.5}, "one two three", 0),
        ({"target": 3, "slope": 0.5}, "", -1.5),
        ({"shape": "slope", "slope": 2}, "one two", 4),
        ({"shape": "slope", "slope": -1, "unit": "characters"}, "a b", -3),
        ({"target": 5, "slope": 1, "unit": "characters"}, "한국어", -2),
    ],
)
def test_length(settings: dict[str, Any], text: str, value: float) -> None:
    found = rewards({"kind": "length", **settings}, text)
    assert found == [pytest.approx(value)]
    assert math.copysign(1, found[0]) == (-1 if value < 0 else 1)  # never -0


@pytest.mark.parametrize(
    ("settings", "text", "value"),
    [
        ({}, "A good, GREAT day", 2 / 3),
        ({}, "goodness", 0),
        ({"whole_words": False}, "goodness", 1 / 3),
        ({"ignore_case": False}, "Good", 0),
        ({"counts": "any"}, "so happy", 1),
        ({"counts": "any"}, "so sad", 0),
        ({"counts": "times"}, "good good happy", 3),
        ({"keywords": ["C++", " a.b ", ""]}, "C++ and a.b but not axb", 1),
        ({"keywords": ["좋아"], "whole_words": False}, "정말 좋아요", 1),
        ({"keywords": ["same", "same "]}, "same", 1),
    ],
)
def test_keywords(settings: dict[str, Any], text: str, value: float) -> None:
    assert rewards({"kind": "keyword", **settings}, text) == [pytest.approx(value)]


@pytest.mark.parametrize(
    ("settings", "text", "value"),
    [
        ({}, "the 3 little pigs", 1),
        ({}, "no number", 0),
        ({"counts": "times"}, "1, 22 and 333", 3),
        ({"counts": "whole"}, " 42\n", 1),
        ({"counts": "whole"}, "42 pigs", 0),
        ({"pattern": "yes", "ignore_case": True}, "YES", 1),
        ({"pattern": "yes"}, "YES", 0),
    ],
)
def test_patterns(settings: dict[str, Any], text: str, value: float) -> None:
    assert rewards({"kind": "pattern", **settings}, text) == [value]


@pytest.mark.parametrize("counts", ["found", "times", "whole"])
def test_a_pattern_that_never_ends_is_given_up(counts: str) -> None:
    started = time.monotonic()
    with pytest.raises(PlaygroundError, match=r"was given up after 0\.5 s on a text of 41 characters"):
        rewards({"kind": "pattern", "pattern": "(a|aa)+$", "counts": counts}, EVIL)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", "is not a regular expression: missing )"),
        ("", "is empty"),
        ("x" * 301, "has 301 characters"),
        ("(?:a{1000}){1000}", "repeats more than 100,000 times"),
    ],
)
def test_bad_patterns_are_refused_before_anything_is_drawn(pattern: str, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"reward\.pattern\.pattern {words}".replace(")", r"\)")):
        decode_reward({"kind": "pattern", "pattern": pattern})


def test_sentiment() -> None:
    good, bad, none = rewards({"kind": "sentiment"}, "I love this great film!", "It was awful.", "")
    assert good > 0.8
    assert bad < -0.4
    assert none == 0
    shares = [rewards({"kind": "sentiment", "score": score}, "a great film")[0] for score in ("positive", "negative")]
    assert shares[0] > 0.5
    assert shares[1] == 0


def test_sentiment_can_read_the_prompt_too() -> None:
    one, other = (
        rewards({"kind": "sentiment", "reads": reads}, " and long.", prompt="The film was awful")[0]
        for reads in ("completion", "both")
    )
    assert one == 0
    assert other < -0.4


def test_a_sum_weighs_its_terms() -> None:
    terms = [
        {"weight": 2, "reward": {"kind": "keyword", "keywords": ["good"]}},
        {"weight": -0.5, "reward": {"kind": "length", "shape": "slope", "slope": 1}},
    ]
    found = make_reward(decode_reward({"kind": "sum", "terms": terms}))
    assert found(["", ""], ["good day", "bad"]) == [2 - 1, -0.5]
    assert found.each(["", ""], ["good day", "bad"]) == [[1, 0], [2, 1]]
    assert found.bounds == Bounds(-math.inf, 2)


KINDS: list[dict[str, Any]] = [
    {"kind": "sentiment"},
    {"kind": "sentiment", "score": "negative"},
    {"kind": "length"},
    {"kind": "length", "slope": -2},
    {"kind": "length", "shape": "slope"},
    {"kind": "length", "shape": "slope", "slope": -2},
    {"kind": "keyword"},
    {"kind": "keyword", "counts": "times"},
    {"kind": "pattern"},
    {"kind": "pattern", "counts": "times"},
    {"kind": "sum", "terms": [{"weight": -3, "reward": {"kind": "keyword"}}]},
]


@given(st.sampled_from(KINDS), st.text(max_size=60))
def test_every_reward_stays_within_its_bounds(document: dict[str, Any], text: str) -> None:
    found = make_reward(decode_reward(document))
    value = scored(found, [""], [text])[0]
    assert found.bounds.low <= value <= found.bounds.high


class Broken:
    """Says what it is told to say."""

    bounds = Bounds()

    def __init__(self, *values: float) -> None:
        self.values = list(values)

    def __call__(self, prompts: object, completions: object) -> list[float]:  # noqa: ARG002
        return self.values


def test_a_reward_that_is_no_number_is_told_by_its_completion() -> None:
    with pytest.raises(PlaygroundError, match=r"completion 2 is nan.*it reads 'two'"):
        scored(Broken(1.0, math.nan), ["", ""], ["one", "two"])
    with pytest.raises(PlaygroundError, match="gave 1 numbers for 2 completions"):
        scored(Broken(1.0), ["", ""], ["one", "two"])
