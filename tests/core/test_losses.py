"""Losses of pairs against numbers worked out by hand, and what must hold for any numbers."""

import math
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.core.losses import (
    IGNORED,
    PreferenceLoss,
    dpo_loss,
    orpo_loss,
    reward_loss,
    sequence_logps,
    token_logps,
)
from playground.errors import PlaygroundError

LN2 = math.log(2)
numbers = st.lists(st.floats(-20, 20), min_size=3, max_size=3)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_bradley_terry_by_hand() -> None:
    # σ(ln 3) = 3/4 and σ(−ln 3) = 1/4.
    found = reward_loss(tensor(math.log(3), 1.0), tensor(0.0, 1.0 + math.log(3)))
    assert found.total.item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)
    assert found.accuracy.item() == 0.5
    assert found.margin.tolist() == pytest.approx([math.log(3), -math.log(3)])


def test_equal_scores_cost_a_coin_and_are_not_right() -> None:
    found = reward_loss(tensor(2.0), tensor(2.0))
    assert found.total.item() == pytest.approx(LN2)
    assert found.accuracy.item() == 0


def test_a_margin_asks_for_more_and_the_centre_pulls_to_zero() -> None:
    assert reward_loss(tensor(1.5), tensor(0.5), margin=tensor(1.0)).total.item() == pytest.approx(LN2)
    assert reward_loss(tensor(3.0), tensor(1.0), centre=0.01).total.item() == pytest.approx(
        -math.log(sigmoid(2)) + 0.01 * 16
    )


@given(numbers, numbers, st.floats(-50, 50))
def test_only_differences_count_and_sides_swap_the_margin(up: list[float], down: list[float], shift: float) -> None:
    chosen, rejected = tensor(*up), tensor(*down)
    plain, shifted = reward_loss(chosen, rejected), reward_loss(chosen + shift, rejected + shift)
    assert shifted.total.item() == pytest.approx(plain.total.item(), abs=1e-9)
    assert torch.equal(reward_loss(rejected, chosen).margin, -plain.margin)


def test_log_probabilities_are_of_the_answer_alone() -> None:
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [1.0, 1.0, 1.0]]]))
    labels = torch.tensor([[IGNORED, IGNORED, 2, 0]])
    assert token_logps(logits, labels)[0].tolist() == pytest.approx([0, math.log(0.7), math.log(0.3)])
    assert sequence_logps(logits, labels).item() == pytest.approx(math.log(0.7 * 0.3))


UP, DOWN, BETA, EPS = 3.0, -1.0, 0.5, 0.1
"""log(π/π_ref) of the two answers: βΔ is 2."""
BY_HAND: dict[PreferenceLoss, float] = {
    "sigmoid": -math.log(sigmoid(2)),
    "ipo": (3 / 2 + 1 / 4 - 1) ** 2,
    "hinge": 0.0,
    "robust": (-0.9 * math.log(sigmoid(2)) + 0.1 * math.log(sigmoid(-2))) / 0.8,
    "exo_pair": sigmoid(2) * math.log(sigmoid(2) / 0.9) + sigmoid(-2) * math.log(sigmoid(-2) / 0.1),
    "nca_pair": -math.log(sigmoid(1.5)) - 0.5 * math.log(sigmoid(-1.5)) - 0.5 * math.log(sigmoid(0.5)),
    "bco_pair": -math.log(sigmoid(1.5)) - math.log(sigmoid(0.5)),
    "sppo_hard": (3 - 1) ** 2 + (-1 + 1) ** 2,
    "apo_zero": 1 - sigmoid(1.5) + sigmoid(-0.5),
    "apo_down": sigmoid(1.5) + 1 - sigmoid(2),
}


@pytest.mark.parametrize("kind", get_args(PreferenceLoss))
def test_every_loss_of_dpo_by_hand(kind: PreferenceLoss) -> None:
    # Log-probabilities of −7 and −6 under the policy, −10 and −5 under the reference.
    smoothing = EPS if kind in ("robust", "exo_pair") else 0.0
    found = dpo_loss(
        tensor(-7.0), tensor(-6.0), tensor(-10.0), tensor(-5.0), beta=BETA, kind=kind, label_smoothing=smoothing,
        chosen_tokens=tensor(2.0), rejected_tokens=tensor(4.0),
    )  # fmt: skip
    assert found.total.item() == pytest.approx(BY_HAND[kind])
    assert (found.chosen_rewards.item(), found.rejected_rewards.item()) == (UP * BETA, DOWN * BETA)
    assert (found.margin.item(), found.accuracy.item()) == (2.0, 1.0)


@given(numbers, numbers, st.floats(0.01, 5))
def test_at_the_reference_dpo_costs_a_coin_and_rewards_nothing(up: list[float], down: list[float], beta: float) -> None:
    chosen, rejected = tensor(*up), tensor(*down)
    found = dpo_loss(chosen, rejected, chosen, rejected, beta=beta)
    assert found.total.item() == pytest.approx(LN2)
    assert not found.chosen_rewards.any()
    assert not found.rejected_rewards.any()


@given(numbers, numbers, numbers, numbers)
def test_swapping_the_sides_flips_the_margin(a: list[float], b: list[float], c: list[float], d: list[float]) -> None:
    there = dpo_loss(tensor(*a), tensor(*b), tensor(*c), tensor(*d), beta=0.1)
    back = dpo_loss(tensor(*b), tensor(*a), tensor(*d), tensor(*c), beta=0.1)
    assert torch.equal(back.margin, -there.margin)


def test_the_gradient_of_dpo_by_hand() -> None:
    # Rafailov et al. 2023, section 4: −β σ(r_r − r_c) on the preferred answer, the opposite on the rejected one.
    chosen, rejected = tensor(-7.0).requires_grad_(), tensor(-6.0).requires_grad_()
    dpo_loss(chosen, rejected, tensor(-10.0), tensor(-5.0), beta=BETA).total.backward()  # type: ignore[no-untyped-call]
    assert chosen.grad is not None
    assert rejected.grad is not None
    assert chosen.grad.item() == pytest.approx(-BETA * sigmoid(-2))
    assert rejected.grad.item() == pytest.approx(BETA * sigmoid(-2))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"beta": 0.0}, "beta must be above 0; got 0"),
        ({"label_smoothing": 0.5}, "below 0.5; got 0.5"),
        ({"kind": "exo_pair"}, "exo_pair needs a label_smoothing above 0"),
        ({"kind": "ipo"}, "needs the lengths"),
    ],
)
def test_what_no_loss_can_be_made_of(changed: dict[str, object], says: str) -> None:
    with pytest.raises(PlaygroundError, match=says):
        dpo_loss(*(tensor(0.0) for _ in range(4)), **{"beta": 0.1, **changed})  # type: ignore[arg-type]


def test_orpo_by_hand() -> None:
    # Two answers of two tokens: p of the preferred is 0.5 a token, of the rejected 0.25; odds 1 and 1/3.
    chosen, rejected = torch.tensor([2 * math.log(0.5)], requires_grad=True), torch.tensor([2 * math.log(0.25)])
    found = orpo_loss(chosen, rejected, torch.tensor([2]), torch.tensor([2]), weight=0.1)
    assert found.log_odds_ratio.item() == pytest.approx(math.log(3), abs=1e-6)
    assert found.likelihood.item() == pytest.approx(math.log(2), abs=1e-6)
    assert found.odds.item() == pytest.approx(math.log(4 / 3), abs=1e-6)  # −log σ(log 3) = log(1 + 1/3)
    assert found.total.item() == pytest.approx(math.log(2) + 0.1 * math.log(4 / 3), abs=1e-6)
    [gradient] = torch.autograd.grad(found.total, chosen)
    # By the paper's eq. 9: the odds part pulls by δ = σ(−log OR) = 1/4, times 1/(1 − p) = 2, over two tokens.
    assert gradient.item() == pytest.approx(-1 / 2 - 0.1 * (1 / 4) * 2 / 2, abs=1e-6)


def test_orpo_is_even_where_both_sides_are_and_finite_at_certainty() -> None:
    same = torch.tensor([-3.0, -8.0])
    found = orpo_loss(same, same, torch.tensor([3, 4]), torch.tensor([3, 4]), weight=1.0)
    assert found.log_odds_ratio.tolist() == [0, 0]
    assert found.odds.item() == pytest.approx(math.log(2))
    certain = torch.zeros(1, requires_grad=True)
    sure = orpo_loss(certain, torch.tensor([-1.0]), torch.tensor([1]), torch.tensor([1]), weight=1.0)
    assert math.isfinite(sure.total.item())
    assert torch.isfinite(torch.autograd.grad(sure.total, certain)[0]).all()
