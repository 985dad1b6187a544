"""Log-probabilities of tokens straight from the states that predict them.

Written out, the logits of a batch of answers are its largest tensor by far, and learning holds three of them: the
logits, their log-softmax and its gradient. Here they are made and dropped a few rows at a time.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from playground.core.frozen_linear import Product

CELLS = 9 * 2**20
"""Cells of float32 to work in. Above 32 MB, for glibc gives such a block back to the system as soon as it is freed, and
keeps smaller ones between longer-lived tensors."""


class TokenScores(NamedTuple):
    """What a distribution says of N tokens."""

    logps: Tensor
    """(N,) log-probabilities, float32, with gradient towards the states."""
    entropy: Tensor | None
    """(N,) in nats, of the whole distribution, without gradient; None where it was not asked for."""


def token_scores(
    states: Tensor,
    weight: Tensor,
    tokens: Tensor,
    temperature: float,
    *,
    entropy: bool = False,
    product: Product = linear,
) -> TokenScores:
    """log-softmax(states · weightᵀ / temperature) at the tokens.

    Args:
        states: (N, width).
        weight: (vocabulary, width); no gradient is made for it.
        tokens: (N,) ids.
        product: how states · weightᵀ is computed.
    """
    found = _TokenScores.apply(states, weight, tokens, temperature, entropy, product)  # type: ignore[no-untyped-call]
    return TokenScores(*found)


class _TokenScores(torch.autograd.Function):
    """∂ log p(y) / ∂ state = (weight[y] - Σ p(v) weight[v]) / temperature does not depend on what comes later, so that
    it is made on the way forward, while the probabilities are at hand."""

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        tokens: Tensor,
        temperature: float,
        entropy: bool,
        product: Product,
    ) -> tuple[Tensor, Tensor | None]:
        learns = ctx.needs_input_grad[0]
        vocabulary = weight.shape[0]
        rows = min(len(states), max(1, CELLS // (2 * vocabulary)))
        scratch = torch.empty(rows, vocabulary, dtype=torch.float32, device=states.device)
        logps, entropies, directions = [], [], []
        for part, wanted in zip(torch.split(states, rows), torch.split(tokens, rows), strict=True):
            shares = scratch[: len(part)]
            logits = product(part.to(weight.dtype), weight, None).float()
            if temperature != 1:
                logits.div_(temperature)
            logits.sub_(logits.amax(dim=-1, keepdim=True))
            total = torch.exp(logits, out=shares).sum(dim=-1, keepdim=True)
            logps.append((logits.gather(-1, wanted.unsqueeze(-1)) - total.log()).squeeze(-1))
            if entropy:  # log Σ exp(z) - Σ p·z
                expected = (shares.unsqueeze(1) @ logits.unsqueeze(2)).squeeze(-1) / total
                entropies.append((total.log() - expected).squeeze(-1))
            if learns:
                mean = product(shares.div_(total).to(weight.dtype), weight.t(), None)
                directions.append((weight[wanted] - mean).float().div_(temperature))
        if learns:
            ctx.save_for_backward(torch.cat(directions))
            ctx.dtype = states.dtype
        if not entropy:
            return torch.cat(logps), None
        of_all = torch.cat(entropies)
        ctx.mark_non_differentiable(of_all)
        return torch.cat(logps), of_all

    @staticmethod
    def backward(ctx: Any, along: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
        (directions,) = ctx.saved_tensors
        return (directions * along.unsqueeze(-1)).to(ctx.dtype), None, None, None, None, None
