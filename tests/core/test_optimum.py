"""The KL-regularised optimum and Monte-Carlo means, against numbers worked out by hand."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.core.estimates import running, standard_error
from playground.core.optimum import best_of, bound_on_best_of, curve, optimum

LN2 = math.log(2)
rewards_drawn = st.lists(st.floats(-50, 50), min_size=2, max_size=30)


def test_two_samples_by_hand() -> None:
    """Rewards 0 and ln 3 at β = 1: weights 1/4 and 3/4; KL = 1/4 ln 1/2 + 3/4 ln 3/2; ESS = 1 / (1/16 + 9/16)."""
    found = optimum(torch.tensor([0.0, math.log(3)], dtype=torch.float64), 1.0)
    assert found.weights.tolist() == pytest.approx([0.25, 0.75], abs=1e-12)
    assert found.reward == pytest.approx(0.75 * math.log(3), abs=1e-12)
    assert found.divergence == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5), abs=1e-12)
    assert found.effective == pytest.approx(1.6, abs=1e-12)


def test_beta_divides_the_reward() -> None:
    """Rewards 0, 0 and 2 ln 2 at β = 2: exp gives 1, 1 and 2."""
    found = optimum(torch.tensor([0.0, 0.0, 2 * LN2], dtype=torch.float64), 2.0)
    assert found.weights.tolist() == pytest.approx([0.25, 0.25, 0.5], abs=1e-12)


def test_the_ends_of_beta_are_the_best_sample_and_the_reference() -> None:
    rewards = torch.tensor([1.0, 5.0, 3.0, 5.0])
    sharp, flat = optimum(rewards, 1e-3), optimum(rewards, 1e9)
    assert sharp.weights.tolist() == pytest.approx([0, 0.5, 0, 0.5], abs=1e-12)
    assert sharp.reward == pytest.approx(5)
    assert sharp.effective == pytest.approx(2)
    assert sharp.divergence == pytest.approx(LN2, abs=1e-12)  # half of four samples: ln 4/2
    assert flat.reward == pytest.approx(3.5, abs=1e-6)
    assert flat.divergence == pytest.approx(0, abs=1e-9)
    assert flat.effective == pytest.approx(4, abs=1e-6)


def test_equal_rewards_leave_the_reference_as_it_is() -> None:
    found = optimum(torch.full((5,), 7.0), 0.1)
    assert found.weights.tolist() == pytest.approx([0.2] * 5)
    assert found.reward == pytest.approx(7)
    assert found.divergence == pytest.approx(0, abs=1e-12)


@given(rewards_drawn, st.floats(0.05, 20))
def test_the_optimum_beats_every_other_policy_over_the_samples(values: list[float], beta: float) -> None:
    """J = E[r] - β KL of π* is β ln mean exp(r / β), and no reweighting has more of it."""
    rewards = torch.tensor(values, dtype=torch.float64)
    found = optimum(rewards, beta)
    worth = found.reward - beta * found.divergence
    exact = beta * (torch.logsumexp(rewards / beta, 0) - math.log(len(values)))
    assert worth == pytest.approx(float(exact), abs=1e-7)
    other = torch.softmax(torch.randn(len(values), generator=torch.Generator().manual_seed(0)).double(), 0)
    divergence = (other * (other * len(values)).log()).sum()
    assert float(other @ rewards - beta * divergence) <= worth + 1e-7


@given(rewards_drawn)
def test_reward_and_divergence_rise_as_beta_falls(values: list[float]) -> None:
    points = curve(torch.tensor(values, dtype=torch.float64), [100, 10, 1, 0.1, 0.01])
    for one, next_ in itertools.pairwise(points):
        assert next_[0] >= one[0] - 1e-9
        assert next_[1] >= one[1] - 1e-9


def test_the_best_of_two_by_hand() -> None:
    """Of 1, 2, 3 with replacement: the best is 1 in 1, 2 in 3 and 3 in 5 of 9 pairs."""
    found = best_of(torch.tensor([3.0, 1.0, 2.0]), 2)
    assert found.reward == pytest.approx((1 + 6 + 15) / 9, abs=1e-12)
    by_hand = sum(share * math.log(3 * share) for share in (1 / 9, 3 / 9, 5 / 9))
    assert found.divergence == pytest.approx(by_hand, abs=1e-12)
    assert found.bound == pytest.approx(LN2 - 0.5, abs=1e-12)


def test_equal_rewards_share_what_falls_on_them() -> None:
    """Of 0, 0, 1, 1: the best of two is 1 in 3/4, each of the two ones then having 3/8."""
    found = best_of(torch.tensor([0.0, 0.0, 1.0, 1.0]), 2)
    assert found.reward == pytest.approx(0.75, abs=1e-12)
    assert found.divergence == pytest.approx(2 * 0.125 * math.log(0.5) + 2 * 0.375 * math.log(1.5), abs=1e-12)
    same = best_of(torch.full((4,), 2.0), 8)
    assert same.reward == pytest.approx(2)
    assert same.divergence == pytest.approx(0, abs=1e-12)


def test_the_best_of_one_is_the_reference() -> None:
    found = best_of(torch.tensor([4.0, 0.0]), 1)
    assert (found.reward, found.divergence, found.bound) == (2, 0, 0)


@given(rewards_drawn, st.sampled_from([2, 4, 8, 64]))
def test_the_bound_is_never_below_and_the_curve_never_under_the_best_of(values: list[float], count: int) -> None:
    rewards = torch.tensor(values, dtype=torch.float64)
    found = best_of(rewards, count)
    assert found.divergence <= bound_on_best_of(count) + 1e-9
    # The curve's tangent of slope β bounds every policy's reward: r ≤ β KL + β ln mean exp(r / β).
    for beta in (0.3, 3, 30):
        ceiling = beta * (torch.logsumexp(rewards / beta, 0) - math.log(len(values)))
        assert found.reward <= beta * found.divergence + float(ceiling) + 1e-7


def test_a_running_mean_by_hand() -> None:
    """2, 4, 9: means 2, 3, 5; variances –, 2, 13; errors –, √(2/2), √(13/3)."""
    found = running(torch.tensor([2.0, 4.0, 9.0]))
    assert found.means.tolist() == pytest.approx([2, 3, 5])
    assert math.isnan(found.errors[0])
    assert found.errors[1:].tolist() == pytest.approx([1, math.sqrt(13 / 3)])


def test_large_values_do_not_lose_their_spread() -> None:
    assert standard_error(torch.tensor([1e9, 1e9 + 1, 1e9 + 2], dtype=torch.float64)) == pytest.approx(3**-0.5)


def test_one_sample_has_no_error() -> None:
    assert math.isnan(standard_error(torch.tensor([1.0])))
    assert math.isnan(standard_error(torch.tensor([])))
