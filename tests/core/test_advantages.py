"""Rewards of tokens and their advantages against numbers worked out by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.core.advantages import (
    adapted,
    explained_variance,
    generalised_advantages,
    masked_mean,
    masked_variance,
    token_rewards,
    whiten,
)


def tensor(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


MASK = tensor([1, 1, 1], [1, 1, 0])
REWARDS = tensor([1, 2, 3], [1, 2, 0])
VALUES = tensor([0.5, 1, 1.5], [2, 1, 0])


def test_gae_by_hand() -> None:
    # γ = 0.9, λ = 0.5, so γλ = 0.45.
    # Row 1: δ = 1 + 0.9·1 − 0.5, 2 + 0.9·1.5 − 1, 3 − 1.5 = 1.4, 2.35, 1.5
    #        A₃ = 1.5, A₂ = 2.35 + 0.45·1.5 = 3.025, A₁ = 1.4 + 0.45·3.025 = 2.76125
    # Row 2: δ = 1 + 0.9·1 − 2, 2 − 1 = −0.1, 1;  A₂ = 1, A₁ = −0.1 + 0.45 = 0.35
    found = generalised_advantages(REWARDS, VALUES, MASK, gamma=0.9, lam=0.5)
    expected = tensor([2.76125, 3.025, 1.5], [0.35, 1, 0])
    torch.testing.assert_close(found.advantages, expected)
    torch.testing.assert_close(found.returns, expected + VALUES)


def test_gae_at_its_ends() -> None:
    whole = generalised_advantages(REWARDS, VALUES, MASK, gamma=1, lam=1)
    torch.testing.assert_close(whole.returns, tensor([6, 5, 3], [3, 2, 0]))
    torch.testing.assert_close(whole.advantages, (tensor([6, 5, 3], [3, 2, 0]) - VALUES) * MASK)
    next_error = generalised_advantages(REWARDS, VALUES, MASK, gamma=1, lam=0)
    torch.testing.assert_close(next_error.advantages, tensor([1.5, 2.5, 1.5], [0, 1, 0]))


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_what_stands_behind_an_end_has_no_effect(one: float, other: float) -> None:
    behind = MASK == 0
    found = generalised_advantages(
        REWARDS.masked_fill(behind, one), VALUES.masked_fill(behind, other), MASK, gamma=0.9, lam=0.5
    )
    assert torch.equal(found.advantages, generalised_advantages(REWARDS, VALUES, MASK, gamma=0.9, lam=0.5).advantages)
    assert torch.equal(whiten(REWARDS.masked_fill(behind, one), MASK), whiten(REWARDS, MASK))
    rewards = token_rewards(torch.ones(2), REWARDS.masked_fill(behind, one), MASK, beta=0.1)
    assert torch.equal(rewards, token_rewards(torch.ones(2), REWARDS, MASK, beta=0.1))


def test_the_score_lands_on_the_last_token_and_the_penalty_on_all() -> None:
    found = token_rewards(torch.tensor([10.0, -4.0]), tensor([1, -2, 3], [4, 5, 6]), MASK, beta=0.5)
    torch.testing.assert_close(found, tensor([-0.5, 1, 8.5], [-2, -6.5, 0]))


def test_whitened_numbers_have_mean_0_and_variance_1_where_there_are_tokens() -> None:
    found = whiten(REWARDS, MASK)
    assert masked_mean(found, MASK).item() == pytest.approx(0, abs=1e-7)
    assert masked_variance(found, MASK).item() == pytest.approx(1, abs=1e-6)
    assert found[1, 2] == 0
    # Of 1, 2, 3, 1, 2: mean 1.8, variance 0.56.
    assert found[0, 2].item() == pytest.approx(1.2 / 0.56**0.5)
    assert not whiten(torch.full_like(MASK, 3.0), MASK).any()


def test_parts_of_a_batch_add_up_to_its_mean() -> None:
    parts = [masked_mean(REWARDS[row : row + 1], MASK[row : row + 1], MASK.sum()) for row in range(2)]
    assert sum(parts).item() == pytest.approx(masked_mean(REWARDS, MASK).item())  # type: ignore[union-attr]
    assert sum(parts).item() == pytest.approx(9 / 5)  # type: ignore[union-attr]


def test_explained_variance() -> None:
    returns = tensor([1, 2, 3], [6, 0, 0])
    mask = tensor([1, 1, 1], [1, 0, 0])
    assert explained_variance(returns, returns, mask).item() == pytest.approx(1)
    assert explained_variance(returns, torch.full_like(returns, 7.0), mask).item() == pytest.approx(0)
    # Errors 0, 0, 0, 4 have variance 3 and the returns 3.5.
    assert explained_variance(returns, tensor([1, 2, 3], [2, 9, 9]), mask).item() == pytest.approx(1 - 3 / 3.5)


def test_beta_moves_towards_its_target_and_never_by_much() -> None:
    assert adapted(0.1, 6.6, target=6, horizon=1000, answers=100) == pytest.approx(0.1 * 1.01)
    assert adapted(0.1, 60, target=6, horizon=1000, answers=100) == pytest.approx(0.1 * 1.02)
    assert adapted(0.1, 0, target=6, horizon=1000, answers=100) == pytest.approx(0.1 * 0.98)
    assert adapted(0.1, 6, target=6, horizon=1000, answers=100) == 0.1
