"""The paired bootstrap: sacrebleu's for BLEU and chrF, the same formulas for means, and sense at the edges."""

import math
import random
import re
import subprocess
import sys
from pathlib import Path
from statistics import NormalDist

import pytest

from playground.evaluation.diversity import distinct
from playground.evaluation.significance import NOISE, corpus, jackknifed, means, perplexities

WORDS = "the film was a joy from its first minute to the last and nobody in the room wanted to go home".split()
REFERENCES = [" ".join(WORDS[start : start + 8]) for start in range(len(WORDS) - 8)] * 3
BASE = [" ".join(reversed(reference.split())) for reference in REFERENCES]
TUNED = [reference.replace("the", "a") for reference in REFERENCES]


def test_bleu_and_chrf_are_what_sacrebleu_prints(tmp_path: Path) -> None:
    for name, lines in (("ref", REFERENCES), ("base", BASE), ("tuned", TUNED)):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", "ref", "-i", "base", "tuned", "-m", "bleu", "chrf", "--paired-bs"]
    ended = subprocess.run(
        [*command, "--format", "text"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    found = corpus([BASE, BASE, TUNED], REFERENCES)
    for name in ("bleu", "chrf"):
        base, same, tuned = found[name]
        assert tuned.interval[0] > base.interval[1]
        assert not tuned.may_be_noise
        assert same == base._replace(p=1.0)
        # Who else is compared changes nothing.
        assert corpus([BASE, TUNED], REFERENCES)[name] == [base, tuned]
        middle, half = sum(tuned.interval) / 2, (tuned.interval[1] - tuned.interval[0]) / 2
        printed = [float(number) for number in _numbers(ended.stdout)]
        assert any(number == pytest.approx(middle, abs=0.06) for number in printed), (middle, ended.stdout)
        assert any(number == pytest.approx(half, abs=0.06) for number in printed), (half, ended.stdout)


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+\.\d+", text)


def test_two_equal_sides_do_not_differ() -> None:
    assert {name: own[1].p for name, own in corpus([TUNED, TUNED], REFERENCES).items()} == {"bleu": 1, "chrf": 1}
    assert means([[1, 0, 1], [1, 0, 1]])[1].p == 1
    assert means([[1, 0, 1], [1, 0, 1]])[0].p is None


def test_means_by_size_of_the_difference() -> None:
    assert means([[0.0, 1.0] * 20, [1.0, 0.0, 0.0, 1.0] * 10])[1].may_be_noise
    one_better = means([[0.0] * 40, [0.0] * 39 + [1.0]])[1].p
    assert one_better is not None
    assert one_better > NOISE
    base, large = means([[0.0] * 40, [1.0] * 30 + [0.0] * 10])
    assert large.p is not None
    assert large.p < 0.01
    assert base.interval == pytest.approx((0, 0))
    # The bootstrap of a share of 0.75 among 40 has a standard error of √(0.75 · 0.25 / 40) = 0.068.
    assert large.interval == pytest.approx((0.75 - 1.96 * 0.068, 0.75 + 1.96 * 0.068), abs=0.03)


def test_perplexity_is_resampled_by_rows_and_weighed_by_tokens() -> None:
    tokens = [[1, 9] * 20] * 2
    base, tuned = perplexities([[2.0, 9.0] * 20, [1.0, 4.5] * 20], tokens)
    assert base.value == pytest.approx(math.exp(11 / 10))
    assert tuned.value == pytest.approx(math.exp(5.5 / 10))
    assert tuned.p is not None
    assert tuned.p < 0.01
    for found in (base, tuned):
        assert found.interval[0] < found.value < found.interval[1]
    # All rows alike: whichever are drawn, it is the same.
    [sure] = perplexities([[3.0] * 8], [[2] * 8])
    assert sure.interval == pytest.approx((sure.value, sure.value))


def test_distinct_by_hand_and_its_jackknife() -> None:
    # Words: a b a | a c | b; different: a, b, c of 6. Without each: 3 of 3 words is (a, c, b), a b of 4, a b c of 5.
    found = distinct(["A b, a.", "a c", "b"], 1)
    assert found.share == pytest.approx(3 / 6)
    assert found.without == pytest.approx((3 / 3, 2 / 4, 3 / 5))
    # Pairs: "a b", "b a", "a c", and none in the last answer.
    assert distinct(["A b, a.", "a c", "b"], 2).share == 1.0
    assert distinct(["", "…"], 1) == (0.0, (0.0, 0.0))
    one, other = jackknifed([found.share, 0.9], [found.without, [0.9, 0.9, 0.9]])
    mean = (1 + 0.5 + 0.6) / 3
    error = math.sqrt(2 / 3 * ((1 - mean) ** 2 + (0.5 - mean) ** 2 + (0.6 - mean) ** 2))
    assert one.interval == pytest.approx((max(0, 0.5 - 1.959964 * error), min(1, 0.5 + 1.959964 * error)))
    # The other does not move, so that their difference is as unsure as the first: z = 0.4 / error.
    assert other.p == pytest.approx(2 * (1 - NormalDist().cdf(0.4 / error)))
    assert jackknifed([0.5, 0.7], [[0.5], [0.7]])[1].may_be_noise, "one row says nothing"


def test_a_share_covers_the_truth_about_as_often_as_it_says() -> None:
    generator, covered = random.Random(3), 0
    for _ in range(60):
        values = [float(generator.random() < 0.4) for _ in range(80)]
        low, high = means([values])[0].interval
        covered += low <= 0.4 <= high
    assert 52 <= covered <= 60
