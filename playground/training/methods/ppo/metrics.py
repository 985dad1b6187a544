"""Numbers of one update, by the names that PPO implementations share (TRL's, and their ancestors')."""

from collections import defaultdict

import torch
from torch import Tensor

from playground.config.methods.ppo import PPOSettings
from playground.core.advantages import explained_variance, masked_mean, masked_variance
from playground.training.asking.judging import means_by_kind
from playground.training.methods.ppo.experience import Experience
from playground.training.methods.ppo.scoring import Scores
from playground.training.methods.ppo.update import Minibatch, Updated


def metrics(
    experience: Experience, scores: Scores, updated: Updated, settings: PPOSettings, beta: float
) -> dict[str, float]:
    """What is told of an update.

    `objective/…` are means over answers, of what was drawn before the update:

    - `kl`: Σ log(π/π_ref) over an answer's tokens, nats
    - `scores`: the reward, penalties for missing ends taken off; `raw_scores` without them, where there are any
    - `non_score_reward`: -β·KL, whether it is paid in the reward or in the loss; `rlhf_reward`: both together
    - `entropy`: -Σ log π over an answer's tokens, nats

    `policy/entropy_avg` is the entropy of the distribution at a token, nats. `policy/approxkl_avg`,
    `policy/clipfrac_avg`, `val/clipfrac_avg`, `loss/…_avg`, `loss` and `grad_norm` are means over minibatches;
    `val/ratio` and `val/ratio_var` mean and variance over tokens, each as it was last seen. `val/num_eos_tokens` counts
    answers that the policy ended, `ended` is their share, `length` the mean length in tokens, of all. `reward/KIND` is
    the mean of a part of a weighted sum before its weight. `beta` is β in this update, `kl_target` what it adapts to.
    """
    rollouts, readings = experience.rollouts, experience.readings
    mask = rollouts.mask
    divergence = torch.where(mask.bool(), readings.log_ratio, 0.0).sum(dim=1).mean()
    surprise = -torch.where(mask.bool(), readings.logps, 0.0).sum(dim=1).mean()
    price = -beta * divergence
    found: dict[str, Tensor | float] = {
        "objective/kl": divergence,
        "objective/scores": scores.total.mean(),
        **({"objective/raw_scores": scores.raw.mean()} if settings.missing_eos_penalty else {}),
        "objective/non_score_reward": price,
        "objective/rlhf_reward": scores.total.mean().cpu() + price.cpu(),
        "objective/entropy": surprise,
        "policy/entropy_avg": masked_mean(readings.entropy, mask),
        "val/ratio": masked_mean(updated.ratio, mask),
        "val/ratio_var": masked_variance(updated.ratio, mask),
        "val/var_explained": explained_variance(experience.returns, readings.values, mask),
        "val/num_eos_tokens": rollouts.ended.sum(),
        "ended": rollouts.ended.float().mean(),
        "length": rollouts.lengths.float().mean(),
        "beta": beta,
        **({} if settings.beta_target is None else {"kl_target": settings.beta_target}),
        **means_by_kind(settings.reward, scores.parts),
        **_means(updated.minibatches),
    }
    return {name: float(value) for name, value in found.items()}


def epoch_kls(minibatches: list[Minibatch]) -> list[float]:
    """Mean approximate divergence from the policy that drew the answers, nats per token, by epoch of an update."""
    epochs: dict[int, list[float]] = defaultdict(list)
    for one in minibatches:
        epochs[one.epoch].append(float(one.approximate_kl))
    return [sum(found) / len(found) for found in epochs.values()]


def _means(minibatches: list[Minibatch]) -> dict[str, Tensor]:
    if not minibatches:  # the first step already went too far
        return {"loss": torch.tensor(0.0)}
    names = {
        "loss": "loss",
        "loss/policy_avg": "policy",
        "loss/value_avg": "value",
        "policy/approxkl_avg": "approximate_kl",
        "policy/clipfrac_avg": "clip_fraction",
        "val/clipfrac_avg": "value_clip_fraction",
        "grad_norm": "grad_norm",
    }
    return {name: torch.stack([getattr(one, field) for one in minibatches]).mean() for name, field in names.items()}
