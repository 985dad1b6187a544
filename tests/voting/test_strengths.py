"""Strengths against odds by hand, and against a search that knows nothing of Newton."""

import itertools
import math

import numpy as np
import pytest

from playground.voting.strengths import Meeting, points, strengths


def wins_of(*rows: list[float]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    return np.array(rows, dtype=np.float64)


def test_of_two_models_the_odds_are_the_wins() -> None:
    # 9 wins against 3: odds of 3, and 400 · lg 3 = 190.85 Elo points apart, evenly around 1000.
    found = points(wins_of([0, 9], [3, 0]), prior=0)
    assert found[0] - found[1] == pytest.approx(400 * math.log10(3))
    assert found.mean() == pytest.approx(1000)


def test_a_tie_is_half_a_win_of_each() -> None:
    one = strengths(2, [Meeting(0, 1, 1, 0)] * 3 + [Meeting(0, 1, 0.5, 0.5)] * 2, resamples=10)
    other = strengths(2, [Meeting(0, 1, 1, 0)] * 4 + [Meeting(0, 1, 0, 1)], resamples=10)
    assert one.points == pytest.approx(other.points)


def test_three_models_are_where_a_search_of_the_whole_grid_finds_them() -> None:
    wins = wins_of([0, 7, 4], [2, 0, 6], [3, 1, 0])
    best, where = -math.inf, (0.0, 0.0)
    grid = np.arange(-1.5, 1.5001, 0.01)
    for a, b in itertools.product(grid, grid):
        theta = (a, b, -a - b)
        likelihood = sum(
            wins[i, j] * -math.log1p(math.exp(theta[j] - theta[i])) for i in range(3) for j in range(3) if i != j
        )
        likelihood += sum(0.5 * -math.log1p(math.exp(sign * one)) for one in theta for sign in (1, -1))
        best, where = max((best, where), (likelihood, (a, b)))
    # The prior's average model stands at 0, so the mean need not be 0 exactly: within a step of the grid it is.
    found = (points(wins) - 1000) / (400 / math.log(10))
    assert found[:2] == pytest.approx(where, abs=0.02)


def test_who_never_lost_is_strong_and_not_infinitely_so() -> None:
    found = points(wins_of([0, 8, 5], [0, 0, 3], [0, 2, 0]))
    assert np.isfinite(found).all()
    assert found[0] > found[1] > found[2]
    # One tie each against an average model: wins 8.5 of 8 against 1, by symmetry σ(2θ)·8 + σ(θ) = 8.5.
    one, other = (points(wins_of([0, 8], [0, 0])) - 1000) / (400 / math.log(10))
    assert one == pytest.approx(-other)
    assert 8 / (1 + math.exp(-2 * one)) + 1 / (1 + math.exp(-one)) == pytest.approx(8.5)
    many = points(wins_of([0, 100_000], [0, 0]))
    assert np.isfinite(many).all()
    assert many[0] > found[0]


def test_groups_that_never_met_can_be_placed_too() -> None:
    found = points(wins_of([0, 3, 0, 0], [1, 0, 0, 0], [0, 0, 0, 3], [0, 0, 1, 0]))
    assert found[0] == pytest.approx(found[2])
    assert found[1] == pytest.approx(found[3])


def test_without_votes_all_are_average() -> None:
    found = strengths(3, [], resamples=20)
    assert found.points == pytest.approx((1000, 1000, 1000))
    assert not any(found.sure.values())


@pytest.mark.parametrize(
    ("won", "lost", "sure"), [(2, 0, False), (3, 1, False), (7, 5, False), (12, 0, True), (40, 15, True)]
)
def test_few_votes_are_called_noise(won: int, lost: int, sure: bool) -> None:
    found = strengths(2, [Meeting(0, 1, 1, 0)] * won + [Meeting(0, 1, 0, 1)] * lost)
    assert found.sure[0, 1] is sure
    low, high = found.intervals[0]
    assert low < found.points[0] < high


def test_many_votes_on_one_pair_are_not_many_pairs() -> None:
    """Thirty people who all prefer the same answer say little about other answers."""
    together = strengths(2, [Meeting(0, 1, 30, 0), Meeting(0, 1, 0, 10)])
    apart = strengths(2, [Meeting(0, 1, 1, 0)] * 30 + [Meeting(0, 1, 0, 1)] * 10)
    assert not together.sure[0, 1]
    assert apart.sure[0, 1]
    assert together.intervals[0][1] - together.intervals[0][0] > apart.intervals[0][1] - apart.intervals[0][0]
