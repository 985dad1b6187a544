"""From rewards to advantages: what each token of an answer was worth, beyond what was expected of it.

B answers of up to T tokens; values, rewards and masks are (B, T), a mask is 1 where there is a token of the answer and
0 behind its end. Nothing behind an end has any effect, whatever numbers stand there, and results are 0 there.
"""

from typing import NamedTuple

import torch
from torch import Tensor

LARGEST_ERROR = 0.2
"""Most that one update of `adapted` takes the divergence to be off its target, as a share of it."""


class Advantages(NamedTuple):
    """What the value function is to learn, and what the policy is to be driven by."""

    advantages: Tensor
    """(B, T): how much better each token turned out than was expected before it."""
    returns: Tensor
    """(B, T): advantages + values, the target of the value function."""


def masked_mean(values: Tensor, mask: Tensor, count: Tensor | float | None = None) -> Tensor:
    """Mean over the tokens that are there. (B, T) -> scalar.

    Args:
        count: what the sum is divided by, where these are a part of a larger batch; else the tokens in `mask`. The sum
            over all parts is then the mean of the whole, however its rows are shared out.
    """
    total = torch.where(mask.bool(), values, 0.0).sum()
    return total / (mask.sum() if count is None else count)


def masked_variance(values: Tensor, mask: Tensor) -> Tensor:
    """Variance over the tokens that are there, with n and not n - 1 below. (B, T) -> scalar."""
    return masked_mean((values - masked_mean(values, mask)).square(), mask)


def spread(values: Tensor, mask: Tensor) -> Tensor:
    """Standard deviation over the tokens that are there, above 0 by a hair. (B, T) -> scalar."""
    return (masked_variance(values, mask) + 1e-8).sqrt()


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Mean 0 and variance 1 over the tokens that are there; the scale of rewards then no longer scales the steps."""
    return torch.where(mask.bool(), (values - masked_mean(values, mask)) / spread(values, mask), 0.0)


def token_rewards(scores: Tensor, divergence: Tensor, mask: Tensor, beta: float) -> Tensor:
    """The reward of each token: -β times its divergence, and the answer's score on its last token (Ziegler et al. 2019,
    arXiv:1909.08593; Ouyang et al. 2022, arXiv:2203.02155).

    Args:
        scores: (B,), one per answer.
        divergence: (B, T), log π(token) - log π_ref(token): the estimator k1, the only one whose penalty in the reward
            has the gradient of the KL divergence in expectation.
        beta: its price; 0 where the divergence is penalised in the loss instead.
    """
    rewards = torch.where(mask.bool(), -beta * divergence, 0.0)
    last = (mask.sum(dim=1, dtype=torch.long) - 1).clamp(min=0).unsqueeze(1)
    return rewards.scatter_add(1, last, scores.to(rewards.dtype).unsqueeze(1))


def generalised_advantages(rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float) -> Advantages:
    """Generalised advantage estimation (Schulman et al. 2016, arXiv:1506.02438, eq. 16).

    With the errors δ_t = r_t + γ V_{t+1} - V_t, where V is 0 behind the last token, A_t = Σ_l (γλ)^l δ_{t+l}: at λ = 0
    the next error alone, at λ = γ = 1 all that was still to come less V_t.

    Args:
        gamma: γ, how much a reward loses with each token it is away.
        lam: λ, from 0 (trusts the value function) to 1 (trusts the rewards that came).
    """
    there = mask.bool()
    values, rewards = torch.where(there, values, 0.0), torch.where(there, rewards, 0.0)
    following = torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], dim=1)
    errors = rewards + gamma * following - values
    advantages = torch.zeros_like(values)
    running = torch.zeros_like(values[:, 0])
    for t in range(values.shape[1] - 1, -1, -1):
        # Behind the end all errors are 0 and so is the sum, which therefore begins at the last token.
        running = errors[:, t] + gamma * lam * running
        advantages[:, t] = running
    return Advantages(advantages, advantages + values)


def explained_variance(returns: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Share of the returns' variance that the values foresaw: 1 all, 0 no more than a constant does. Scalar."""
    return 1 - masked_variance(returns - values, mask) / masked_variance(returns, mask).clamp(min=1e-12)


def adapted(beta: float, divergence: float, *, target: float, horizon: float, answers: int) -> float:
    """β for the next update, raised where the divergence of the last one was above its target and lowered where it was
    below (Ziegler et al. 2019, section 2.2).

    Args:
        divergence: of whole answers from the reference, in nats.
        horizon: answers after which β is e^0.2 = 1.22 times what it was at most; the lower, the faster it moves.
        answers: how many the last update saw.
    """
    error = min(max(divergence / target - 1, -LARGEST_ERROR), LARGEST_ERROR)
    return beta * (1 + error * answers / horizon)
