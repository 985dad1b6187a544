"""What proximal policy optimisation (PPO, Schulman et al. 2017, arXiv:1707.06347) minimises, in pure torch.

B answers of up to T tokens; all that comes in is (B, T) unless said otherwise, a mask is 1 where there is a token of
the answer and 0 behind its end. Means are over tokens; `count`, as in `advantages.masked_mean`, is the number of tokens
of the whole minibatch where these rows are a part of it.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from playground.core.advantages import masked_mean

Estimator = Literal["k1", "k2", "k3"]


class PolicyLoss(NamedTuple):
    """What the policy's tokens cost; scalars are means over tokens."""

    total: Tensor
    """Scalar, with gradient."""
    ratio: Tensor
    """(B, T) π(token) / π_old(token), without gradient, as is all below."""
    clip_fraction: Tensor
    """Share of tokens whose gradient the clip has taken away."""
    approximate_kl: Tensor
    """½ (log ratio)²: about how far, in nats per token, the policy is from the one that drew the answers."""


class ValueLoss(NamedTuple):
    """What the value function's errors cost; scalars are means over tokens."""

    total: Tensor
    """Scalar, with gradient."""
    clip_fraction: Tensor
    """Share of tokens whose gradient the clip has taken away."""


def policy_loss(
    logps: Tensor, old_logps: Tensor, advantages: Tensor, mask: Tensor, *, clip: float, count: Tensor | None = None
) -> PolicyLoss:
    """The clipped surrogate objective, its sign turned round so that it is to be minimised.

    Args:
        logps: log-probabilities of the tokens under the policy, with gradient.
        old_logps: the same under the policy that drew them.
        advantages: how much better than expected each token was.
        clip: ε; a token whose ratio has left 1 ± ε to the side that its advantage drives it to is not driven further.
    """
    # Behind the end there may be any numbers; exp must not overflow there, as 0 · inf in the gradient is NaN.
    log_ratio = torch.where(mask.bool(), logps - old_logps, 0.0)
    ratio = log_ratio.exp()
    free, held = -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)
    # Schulman et al. 2017, eq. 7: the pessimistic of the two; max because we minimise.
    total = masked_mean(torch.maximum(free, held), mask, count)
    with torch.no_grad():
        clipped = masked_mean((held > free).float(), mask, count)
        divergence = masked_mean(kl_estimate(log_ratio, "k2"), mask, count)
    return PolicyLoss(total, ratio.detach(), clipped, divergence)


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, *, clip: float, count: Tensor | None = None
) -> ValueLoss:
    """Half the squared error, pessimistic about moves of more than `clip` away from the old values.

    Args:
        values: what the value function says now, with gradient.
        old_values: what it said when the answers were drawn.
        returns: what came.
    """
    values = torch.where(mask.bool(), values, 0.0)  # for the gradient, as above
    held = old_values + (values - old_values).clamp(-clip, clip)
    free_error, held_error = (values - returns).square(), (held - returns).square()
    total = 0.5 * masked_mean(torch.maximum(free_error, held_error), mask, count)
    with torch.no_grad():
        clipped = masked_mean((held_error > free_error).float(), mask, count)
    return ValueLoss(total, clipped)


def kl_estimate(log_ratio: Tensor, estimator: Estimator) -> Tensor:
    """Estimates of KL(π ‖ π_ref) in nats, one per token drawn from π; any shape.

    Schulman 2020 (joschu.net/blog/kl-approx.html): k1 = log(π/π_ref) is unbiased and may be negative, k2 = ½ k1² is
    biased and has little variance, k3 = π_ref/π - 1 + k1 is unbiased and never negative.

    As an estimate of the divergence any of them will do. To be driven by, only some: k1 as a part of the reward, k2 as
    a loss (its gradient k1 · ∇log π is that of the divergence, in expectation), k3 as a loss nearly so, as long as the
    policy stays near. The other pairings hold the policy to something else, or not at all.

    Args:
        log_ratio: log π(token) - log π_ref(token).
    """
    match estimator:
        case "k1":
            return log_ratio
        case "k2":
            return 0.5 * log_ratio.square()
        case "k3":
            return torch.expm1(-log_ratio) + log_ratio
