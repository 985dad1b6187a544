"""Update: several passes over the answers in minibatches, each one step of the optimiser."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from playground.config.methods.ppo import PPOSettings
from playground.config.run import TrainingSettings
from playground.core.advantages import masked_mean
from playground.core.policy_losses import PolicyLoss, ValueLoss, kl_estimate, policy_loss, value_loss
from playground.errors import RunError
from playground.training.methods.ppo.actor import Actor, Entropy, Reading
from playground.training.methods.ppo.experience import Experience, penalty_in_loss


class Minibatch(NamedTuple):
    """One step of the optimiser; scalars without gradient, means over the minibatch's tokens."""

    epoch: int
    loss: Tensor
    """Everything together, as it was minimised."""
    policy: Tensor
    value: Tensor
    approximate_kl: Tensor
    clip_fraction: Tensor
    value_clip_fraction: Tensor
    grad_norm: Tensor
    """Before clipping."""


class Loss(NamedTuple):
    """What is minimised, and its two main parts."""

    total: Tensor
    """Scalar, with gradient."""
    policy: PolicyLoss
    value: ValueLoss


class Updated(NamedTuple):
    """What an update did."""

    minibatches: list[Minibatch]
    ratio: Tensor
    """(B, T): π / π_old of each token where it was last looked at, right before the step that it was a part of."""
    ended_early: bool
    """Whether the policy had gone so far that the rest was left out."""


class Optimisation(NamedTuple):
    """What steps are taken with."""

    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    """Does nothing but in float16, whose small gradients would vanish."""


def update(
    actor: Actor,
    optimisation: Optimisation,
    experience: Experience,
    live: Reading | None,
    settings: PPOSettings,
    training: TrainingSettings,
    beta: float,
    number: int,
    generator: torch.Generator,
    alive: Callable[[], None],
) -> Updated:
    """Learns from the experience.

    Args:
        live: the policy's reading of all answers with its gradient, which the first step then learns from; see `look`.
        beta: price of the divergence, where it is a part of the loss.
        number: of this update, for what is said where it fails.
        generator: shuffles the rows, on the CPU.
        alive: called after every forward and backward pass.

    Raises:
        RunError: a loss or its gradient is not a finite number; the weights are as they were before that step.
    """
    ratio = torch.ones_like(experience.advantages)
    done: list[Minibatch] = []
    size = training.batch_size * training.gradient_accumulation
    for epoch in range(settings.update_epochs):
        for rows in _minibatches(ratio, size, generator):
            optimisation.optimizer.zero_grad()
            sums = _gradients(
                actor, optimisation, experience, live, rows, settings, training.batch_size, beta, ratio, alive
            )
            live = None
            if not torch.isfinite(sums.sum()):
                raise RunError(
                    f"The loss became {sums[0].item()} at step {number}; lower training.learning_rate (now "
                    f"{training.learning_rate:g}), or use training.precision float32."
                )
            if settings.max_update_kl is not None and sums[3] > settings.max_update_kl:
                return Updated(done, ratio, ended_early=True)
            norm = _norm(actor, optimisation, training.max_grad_norm)
            # In float16 the scaler leaves out a step whose gradients the format could not hold, and tries smaller ones.
            if not optimisation.scaler.is_enabled() and not torch.isfinite(norm):
                raise RunError(
                    f"The gradient became {norm.item()} at step {number}; lower training.learning_rate (now "
                    f"{training.learning_rate:g}), or use training.precision float32."
                )
            optimisation.scaler.step(optimisation.optimizer)
            optimisation.scaler.update()
            done.append(Minibatch(epoch, *torch.cat([sums, norm.reshape(1)]).unbind()))
    return Updated(done, ratio, ended_early=False)


def _minibatches(ratio: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers, each once, `size` at a time."""
    order = torch.randperm(len(ratio), generator=generator).to(ratio.device)
    yield from torch.split(order, size)


def _gradients(
    actor: Actor,
    optimisation: Optimisation,
    experience: Experience,
    live: Reading | None,
    rows: Tensor,
    settings: PPOSettings,
    rows_at_once: int,
    beta: float,
    ratio: Tensor,
    alive: Callable[[], None],
) -> Tensor:
    """Adds up the gradients of a minibatch and gives the numbers of `Minibatch` from `loss` to `value_clip_fraction`.

    Each part of the minibatch counts by its tokens, so that the gradient does not depend on how it is parted.
    """
    rollouts = experience.rollouts
    width, count = rollouts.mask.shape[1], rollouts.mask[rows].sum()
    sums = torch.zeros(6, device=ratio.device)
    entropy: Entropy = "learnt" if settings.entropy_coefficient > 0 else "no"
    for part in torch.split(rows, rows_at_once):
        if live is not None:
            now = live.rows(part)
        else:
            now = actor.read(rollouts.ids[part], rollouts.attention[part], width, entropy=entropy)
        found = loss_of(now, experience, part, settings, beta, count)
        optimisation.scaler.scale(found.total).backward()  # type: ignore[no-untyped-call]
        ratio[part] = found.policy.ratio
        sums += torch.stack([
            found.total.detach(), found.policy.total.detach(), found.value.total.detach(),
            found.policy.approximate_kl, found.policy.clip_fraction, found.value.clip_fraction,
        ])  # fmt: skip
        alive()
    return sums


def loss_of(
    now: Reading, experience: Experience, rows: Tensor, settings: PPOSettings, beta: float, count: Tensor
) -> Loss:
    """What some of the answers cost: the policy's loss, c_V times that of the value function, less a bonus for entropy,
    and the price of the divergence where it is not in the reward.

    Args:
        now: what the models say of these answers, with gradient.
        rows: which answers of the experience they are.
        count: tokens of the whole minibatch, by which all means are taken.
    """
    mask, old = experience.rollouts.mask[rows], experience.readings
    policy = policy_loss(
        now.logps, old.logps[rows], experience.advantages[rows], mask, clip=settings.clip_range, count=count
    )
    value = value_loss(
        now.values, old.values[rows], experience.returns[rows], mask, clip=settings.value_clip_range, count=count
    )
    total = policy.total + settings.value_coefficient * value.total
    if settings.entropy_coefficient > 0 and now.entropy is not None:
        total = total - settings.entropy_coefficient * masked_mean(now.entropy, mask, count)
    estimator = penalty_in_loss(settings)
    if estimator is not None:
        log_ratio = torch.where(mask.bool(), now.logps - old.reference[rows], 0.0)
        price = beta / experience.scale  # a nat costs as much reward as before the advantages were whitened
        total = total + price * masked_mean(kl_estimate(log_ratio, estimator), mask, count)
    return Loss(total, policy, value)


def _norm(actor: Actor, optimisation: Optimisation, most: float) -> Tensor:
    """The norm of the gradients, which are clipped to `most` afterwards; 0 leaves them as they are."""
    optimisation.scaler.unscale_(optimisation.optimizer)
    norm: Tensor = clip_grad_norm_(actor.trained().values(), most or float("inf"))
    return norm
