"""What judges write, and what is made of it."""

import pytest

from playground.config import codec
from playground.config.judging import JudgeSettings
from playground.errors import ConfigError
from playground.judging.verdicts import Agreement, Preference, agreed, agreement, preference_in, score_in


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("85", 85), (" 100\n", 100), ("0.", 0), ("Score: 90", 90), ("**Score:** 72/100", 72), ("I give it 60%.", 60),
        ("Rating: 40 out of 100", 40), ("The score is 15, since 2 of 3 facts are wrong.", 15), ("88.0", 88),
        ("", None), ("very good", None), ("120", None), ("between 40 and 60", None), ("-5", None), ("7.5", None),
        ("1,000", None), ("A4", None), ("8/10", None), ("80 80", 80),
    ],
)  # fmt: skip
def test_a_score_is_read_or_there_is_none(reply: str, score: float | None) -> None:
    assert score_in(reply) == score


@pytest.mark.parametrize(
    ("reply", "preference"),
    [
        ("A", "first"), ("b.", "second"), ("(C)", "tie"), ("[[B]]", "second"), ("Tie.", "tie"), ("It is a tie", "tie"),
        ("The better answer is A.", "first"), ("Both are fine, but the winner: **B**", "second"),
        ("", None), ("A or B", None), ("I like a cat", None), ("Answer A is worse than answer B", None), ("D", None),
        ("A\nB", None),
    ],
)  # fmt: skip
def test_a_preference_is_read_or_there_is_none(reply: str, preference: Preference | None) -> None:
    assert preference_in(reply) == preference


def test_only_what_both_orders_say_is_a_win() -> None:
    assert agreed("first", "second") == "first"
    assert agreed("second", "first") == "second"
    assert agreed("first", "first") == "tie"  # the letter was preferred, not the answer
    assert agreed("first", "tie") == agreed("tie", "tie") == "tie"
    assert agreed("first", None) is None
    assert agreed(None, "tie") is None


def test_kappa_is_cohens() -> None:
    # 10 pairs: both A 4, both B 3, A/B 2, B/A 1. Chance: (6·5 + 4·5) / 100 = 0.5; κ = (0.7 − 0.5) / 0.5.
    letters: dict[str, Preference] = {"A": "first", "B": "second"}
    one, other = ([letters[letter] for letter in said] for said in ("AAAABBBAAB", "AAAABBBBBA"))
    found = agreement(one, other)
    assert found is not None
    assert (found.pairs, found.share) == (10, 0.7)
    assert found.kappa == pytest.approx(0.4)
    assert agreement(["tie"] * 3, ["tie"] * 3) == Agreement(3, 1.0, None)
    assert agreement([], []) is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"score_prompt": "Rate {reference}"}, "score_prompt needs {answer}"),
        ({"pair_prompt": "{first} or what?"}, "pair_prompt needs {second}"),
        ({"score_prompt": "{answer} {secret}"}, "mean nothing here: {secret}"),
        ({"score_prompt": "{answer.__class__} {answer}"}, "mean nothing here: {answer.__class__}"),
        ({"score_prompt": "{answer!r}"}, "mean nothing here"),
        ({"score_prompt": "{answer} {"}, "cannot be read"),
        ({"pair_prompt": "x" * 20_001 + "{first}{second}"}, "may have 20,000 letters"),
        ({"way": "guess"}, "one of score, pair"),
        ({"max_new_tokens": 0}, "at least 1"),
    ],
)
def test_prompts_are_checked_before_anything_is_asked(changed: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("{", r"\{")):
        codec.decode_section(JudgeSettings, changed)
    assert JudgeSettings(score_prompt="{{json}} {answer}").score_prompt
