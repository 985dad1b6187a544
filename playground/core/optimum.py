"""The best policy for a reward that must stay near a reference, seen through samples of the reference.

Of all policies, π*(y) = π_ref(y) · exp(r(y) / β) / Z maximises E[r] - β · KL(π ‖ π_ref) (Ziebart et al. 2008; Rafailov
et al. 2023, arXiv:2305.18290, eq. 4). With samples y_1 … y_N drawn from π_ref, π* gives each of them the weight
exp(r_i / β) / Σ_j exp(r_j / β), by self-normalised importance sampling; without reward each weighs 1 / N. Both
estimates below are exact for a reference that draws each sample with probability 1 / N, and none of them can see a
text that was not drawn: no divergence above ln N, no reward above the best sample's.

Rewards are (n,), of any real type, in whatever unit the reward has; divergences are in nats.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Optimum(NamedTuple):
    """π* for one β."""

    weights: Tensor
    """(n,) float64, sums to 1."""
    reward: float
    """Expected reward under π*."""
    divergence: float
    """KL(π* ‖ π_ref) in nats: Σ w ln(n w), from 0 to ln n."""
    effective: float
    """Effective sample size 1 / Σ w² (Kong 1992): as many equally weighted samples would be as uncertain; 1 to n."""


class BestOf(NamedTuple):
    """The policy that draws several samples and answers with the best of them."""

    draws: int
    reward: float
    divergence: float
    """KL from the reference in nats, over the samples that there are."""
    bound: float
    """ln draws - (draws - 1) / draws, never below the true divergence (Beirami et al. 2024, arXiv:2401.01879)."""


def optimum(rewards: Tensor, beta: float) -> Optimum:
    """π* over the samples for one β above 0; a small β pulls towards the best sample, a large one to π_ref."""
    scores = rewards.double() / beta
    logs = scores.log_softmax(dim=0)
    weights = logs.exp()
    reward = float(weights @ rewards.double())
    # Σ w (ln w + ln n); a weight that underflows to 0 adds nothing.
    divergence = float(torch.where(weights > 0, weights * (logs + math.log(len(rewards))), 0.0).sum())
    return Optimum(weights, reward, max(0.0, divergence), float(1 / weights.square().sum()))


def curve(rewards: Tensor, betas: Sequence[float]) -> list[tuple[float, float]]:
    """(divergence, expected reward) of π* for each β: no policy over these samples lies above it."""
    found = [optimum(rewards, beta) for beta in betas]
    return [(one.divergence, one.reward) for one in found]


def best_of(rewards: Tensor, draws: int) -> BestOf:
    """What the best of `draws` texts is worth, exactly, where they are drawn with replacement from the samples.

    The best of them is at most r with probability F(r)^draws, F being the share of samples at most r; equals share
    what falls on them.
    """
    values, at, numbers = torch.unique(rewards.double(), return_inverse=True, return_counts=True)
    below = numbers.double().cumsum(0) / len(rewards)
    mass = (below**draws).diff(prepend=torch.zeros(1, dtype=torch.float64))
    weights = (mass / numbers)[at]
    divergence = torch.where(weights > 0, weights * (weights * len(rewards)).log(), 0.0).sum()
    return BestOf(draws, float(mass @ values), max(0.0, float(divergence)), bound_on_best_of(draws))


def bound_on_best_of(draws: int) -> float:
    """ln draws - (draws - 1) / draws, in nats."""
    return math.log(draws) - (draws - 1) / draws
