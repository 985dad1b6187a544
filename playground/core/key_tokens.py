"""Loss that counts rows with key tokens more, as in the Hugging Face course, chapter 7.6 ("Training a causal language
model from scratch").

B rows of T tokens.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class KeyTokenLoss(NamedTuple):
    """What a batch costs."""

    total: Tensor
    """Scalar, with gradient: the mean over rows of weight times row loss."""
    weights: Tensor
    """(B,): α·(1 + occurrences of key tokens in the row)."""
    rows: Tensor
    """(B,), with gradient: mean negative log-likelihood of the row's tokens in the loss, in nats; 0 without any."""


def weights_of(ids: Tensor, real: Tensor, key_tokens: Sequence[int], alpha: float) -> Tensor:
    """Weights of rows: α·(1 + occurrences of key tokens). (B, T), (B, T) -> (B,).

    Args:
        real: true where a token is the row's own and not padding.
        key_tokens: ids; one that is named twice counts once.
    """
    keys = torch.tensor(sorted(set(key_tokens)), dtype=ids.dtype, device=ids.device)
    return alpha * (1.0 + (torch.isin(ids, keys) & real).sum(dim=-1))


def key_token_loss(log_probs: Tensor, in_loss: Tensor, weights: Tensor) -> KeyTokenLoss:
    """Mean over rows of weight times mean token loss, so that long rows count no more than short ones.

    Args:
        log_probs: (B, T−1) log-probability of each next token.
        in_loss: (B, T−1), true where it is in the loss.
        weights: (B,) of `weights_of`.
    """
    counted = in_loss.to(log_probs.dtype)
    rows = -(log_probs * counted).sum(dim=-1) / counted.sum(dim=-1).clamp(min=1)
    return KeyTokenLoss((weights * rows).mean(), weights, rows)
