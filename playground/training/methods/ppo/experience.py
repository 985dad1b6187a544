"""Advantages: from answers, scores and readings to what each token is to learn. Pure functions of tensors."""

from typing import NamedTuple

import torch
from torch import Tensor

from playground.config.methods.ppo import PPOSettings
from playground.core.advantages import generalised_advantages, spread, token_rewards, whiten
from playground.core.policy_losses import Estimator
from playground.training.methods.ppo.actor import Actor, Entropy, Reading
from playground.training.methods.ppo.rollout import Rollouts


class Readings(NamedTuple):
    """What the models said of the answers before anything was learnt from them; all (B, T)."""

    logps: Tensor
    """log π_old."""
    reference: Tensor
    """log π_ref."""
    values: Tensor
    entropy: Tensor

    @property
    def log_ratio(self) -> Tensor:
        """log π_old - log π_ref of each token: k1 of the divergence."""
        return self.logps - self.reference


class Experience(NamedTuple):
    """Everything that an update learns from."""

    rollouts: Rollouts
    readings: Readings
    scores: Tensor
    """(B,)"""
    rewards: Tensor
    """(B, T)"""
    advantages: Tensor
    """(B, T), whitened where that is asked for."""
    scale: Tensor
    """Scalar: what whitening divided the advantages by; 1 without it."""
    returns: Tensor
    """(B, T)"""


class Look(NamedTuple):
    """What was said of the answers, and what can still be learnt from it."""

    readings: Readings
    live: Reading | None
    """The policy's reading with its gradient; None where the answers were read in several pieces."""


def look(actor: Actor, rollouts: Rollouts, rows_at_once: int, *, entropy_learns: bool = False) -> Look:
    """What policy, reference and value function say of the answers.

    Read in the same batches of the same width as in the update, so that before its first step every ratio is 1 to the
    last bits. Answers that fit in one batch are read only once: nothing has changed when the first step comes to them.
    """
    ids, attention, width = rollouts.ids, rollouts.attention, rollouts.mask.shape[1]
    parts = [slice(at, at + rows_at_once) for at in range(0, len(ids), rows_at_once)]
    once = len(parts) == 1
    with torch.no_grad(), actor.reference() as reference:
        theirs = [reference.read(ids[part], attention[part], width).logps for part in parts]
    entropy: Entropy = "learnt" if once and entropy_learns else "seen"
    with torch.set_grad_enabled(once):
        ours = [actor.read(ids[part], attention[part], width, entropy=entropy) for part in parts]
    readings = Readings(
        torch.cat([one.logps for one in ours]).detach(),
        torch.cat(theirs),
        torch.cat([one.values for one in ours]).detach(),
        torch.cat([one.entropy for one in ours if one.entropy is not None]).detach(),
    )
    return Look(readings, ours[0] if once else None)


def weigh(rollouts: Rollouts, readings: Readings, scores: Tensor, settings: PPOSettings, beta: float) -> Experience:
    """What each token earned, and how much more that is than was expected.

    Args:
        scores: (B,), of whole answers.
        beta: price of the divergence, now.
    """
    mask = rollouts.mask
    price = beta if penalty_in_loss(settings) is None else 0.0
    rewards = token_rewards(scores, readings.log_ratio, mask, price)
    found = generalised_advantages(rewards, readings.values, mask, gamma=settings.gamma, lam=settings.gae_lambda)
    advantages, scale = found.advantages, torch.ones_like(scores[0])
    if settings.whiten_advantages:
        advantages, scale = whiten(advantages, mask), spread(advantages, mask)
    return Experience(rollouts, readings, scores, rewards, advantages, scale, found.returns)


def penalty_in_loss(settings: PPOSettings) -> Estimator | None:
    """The estimator of the divergence that is a part of the loss; None where it is a part of the reward."""
    kinds: dict[str, Estimator | None] = {"k1_reward": None, "k2_loss": "k2", "k3_loss": "k3"}
    return kinds[settings.kl]
