"""PPO's losses against numbers and gradients worked out by hand, and where they lead if followed to the end."""

import math

import pytest
import torch
from torch import Tensor

from playground.core.advantages import masked_mean, token_rewards
from playground.core.policy_losses import Estimator, kl_estimate, policy_loss, value_loss

ONE = torch.ones(1, 1, dtype=torch.float64)


def tensor(*row: float) -> Tensor:
    return torch.tensor([row], dtype=torch.float64)


@pytest.mark.parametrize(
    ("advantage", "ratio", "moves"),
    [
        (2.0, 1.3, False),
        (2.0, 0.7, True),
        (2.0, 1.1, True),
        (-2.0, 0.7, False),
        (-2.0, 1.3, True),
        (-2.0, 0.9, True),
        (2.0, 1.0, True),
    ],
)
def test_the_gradient_is_zero_on_the_clipped_side_alone(advantage: float, ratio: float, moves: bool) -> None:
    logps = tensor(math.log(ratio)).requires_grad_()
    found = policy_loss(logps, tensor(0.0), tensor(advantage), ONE, clip=0.2)
    found.total.backward()  # type: ignore[no-untyped-call]
    assert logps.grad is not None
    # d(−A·ratio)/d log π = −A·ratio.
    assert logps.grad.item() == pytest.approx(-advantage * ratio if moves else 0)
    assert found.clip_fraction.item() == (0 if moves else 1)
    assert found.ratio.item() == pytest.approx(ratio)


def test_the_policy_loss_by_hand() -> None:
    # Ratios 1.5, 0.5, 1; A = 1, 1, −2 and a fourth token that is not there: min(1.5, 1.2) + 0.5 − 2 = −0.3.
    logps, mask = tensor(math.log(1.5), math.log(0.5), 0.0, 800.0), tensor(1, 1, 1, 0)
    found = policy_loss(logps, torch.zeros_like(logps), tensor(1, 1, -2, 9), mask, clip=0.2)
    assert found.total.item() == pytest.approx(0.3 / 3)
    assert found.clip_fraction.item() == pytest.approx(1 / 3)
    assert found.approximate_kl.item() == pytest.approx((math.log(1.5) ** 2 + math.log(0.5) ** 2) / 6)


@pytest.mark.parametrize(
    ("value", "target", "moves"),
    [
        (1.5, 3.0, False),  # too far up already, and the return is above still
        (0.5, -1.0, False),
        (1.5, 1.2, True),  # too far, but the return is behind
        (1.1, 3.0, True),
    ],
)
def test_the_value_function_is_held_near_where_it_was(value: float, target: float, moves: bool) -> None:
    values = tensor(value).requires_grad_()
    found = value_loss(values, tensor(1.0), tensor(target), ONE, clip=0.2)
    found.total.backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    assert values.grad.item() == pytest.approx(value - target if moves else 0)
    assert found.clip_fraction.item() == (0 if moves else 1)


def test_the_value_loss_by_hand() -> None:
    # 2 against 3: held at 1.2, so ½·1.8²; 1 against 1.5: ½·0.5².
    found = value_loss(tensor(2, 1), tensor(1, 1), tensor(3, 1.5), tensor(1, 1), clip=0.2)
    assert found.total.item() == pytest.approx((0.5 * 1.8**2 + 0.5 * 0.5**2) / 2)


def test_what_stands_behind_an_end_gets_no_gradient_and_gives_no_nan() -> None:
    logps = tensor(0.1, 1000.0).requires_grad_()
    values = tensor(0.1, math.inf).requires_grad_()
    mask = tensor(1, 0)
    policy = policy_loss(logps, tensor(0, 0), tensor(1, math.nan), mask, clip=0.2).total
    value = value_loss(values, tensor(0, 0), tensor(1, math.nan), mask, clip=0.2).total
    (policy + value).backward()  # type: ignore[no-untyped-call]
    assert logps.grad is not None
    assert values.grad is not None
    assert logps.grad[0, 1] == 0
    assert values.grad[0, 1] == 0
    assert math.isfinite((policy + value).item())


def test_parts_of_a_minibatch_have_the_gradient_of_the_whole() -> None:
    torch.manual_seed(0)
    logps, old, advantages, returns = torch.randn(4, 3, 5, dtype=torch.float64).unbind()
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0]])
    gradients = []
    for parts in ([slice(0, 3)], [slice(0, 1), slice(1, 3)]):
        free = logps.clone().requires_grad_()
        for part in parts:
            count = mask.sum()
            total = policy_loss(free[part], old[part], advantages[part], mask[part], clip=0.2, count=count).total
            total += value_loss(free[part], old[part], returns[part], mask[part], clip=0.2, count=count).total
            total.backward()  # type: ignore[no-untyped-call]
        gradients.append(free.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


def test_estimators_by_hand() -> None:
    log_ratio = tensor(math.log(2), -math.log(2), 0)
    assert kl_estimate(log_ratio, "k1").tolist()[0] == pytest.approx([math.log(2), -math.log(2), 0])
    assert kl_estimate(log_ratio, "k2").tolist()[0] == pytest.approx([math.log(2) ** 2 / 2] * 2 + [0])
    assert kl_estimate(log_ratio, "k3").tolist()[0] == pytest.approx([math.log(2) - 0.5, 1 - math.log(2), 0])


REFERENCE = torch.tensor([0.4, 0.25, 0.15, 0.1, 0.06, 0.04], dtype=torch.float64)
REWARD = torch.tensor([0.0, 0.2, 1.0, -0.5, 0.7, 0.4], dtype=torch.float64)
BETA = 1.0


def learnt(estimator: Estimator, place: str) -> float:
    """Total variation distance from the optimum of a policy over six tokens that followed the exact expected gradient
    to its end, with the divergence held against it in the reward or in the loss."""
    logits = REFERENCE.log().clone().requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.03)
    for _ in range(800):
        logps = logits.log_softmax(0)
        expected = logps.detach().exp() * len(logps)
        penalty = kl_estimate((logps - REFERENCE.log()).detach(), estimator)
        # Each token as an answer of one token, weighted as often as the policy would draw it.
        beta = BETA if place == "reward" else 0.0
        rewards = token_rewards(REWARD, penalty.unsqueeze(1), torch.ones(6, 1), beta).squeeze(1)
        found = policy_loss(
            logps[None], logps.detach()[None], (expected * rewards)[None], torch.ones(1, 6), clip=0.2
        ).total
        if place == "loss":
            found = found + BETA * masked_mean(
                (expected * kl_estimate(logps - REFERENCE.log(), estimator))[None], torch.ones(1, 6)
            )
        optimiser.zero_grad()
        found.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    optimum = (REFERENCE.log() + REWARD / BETA).softmax(0)
    return float((logits.detach().softmax(0) - optimum).abs().sum()) / 2


@pytest.mark.parametrize(("estimator", "place"), [("k1", "reward"), ("k2", "loss")])
def test_sound_pairings_end_at_the_optimum(estimator: Estimator, place: str) -> None:
    assert learnt(estimator, place) < 1e-3


def test_k3_as_a_loss_ends_near_the_optimum() -> None:
    assert 1e-3 < learnt("k3", "loss") < 0.1


@pytest.mark.parametrize(("estimator", "place"), [("k2", "reward"), ("k3", "reward"), ("k1", "loss")])
def test_the_other_pairings_do_not_which_is_why_they_are_not_offered(estimator: Estimator, place: str) -> None:
    assert learnt(estimator, place) > 0.3
