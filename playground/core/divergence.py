"""How far two next-token distributions are from each other, over the whole vocabulary."""

import torch
from torch import Tensor


def divergence(policy: Tensor, reference: Tensor) -> Tensor:
    """KL(π ‖ π_ref) in nats, never below 0. (..., vocabulary) logits of either -> (...).

    Where the text that led to a place was drawn from π, the sum over the places of an answer is an unbiased estimate
    of the divergence between whole answers, and a far steadier one than the answer's own log(π/π_ref): at each place
    the expectation is taken instead of sampled (Amini et al. 2025, arXiv:2504.10637, there called Rao-Blackwellised).
    """
    ours, theirs = _logps(policy), _logps(reference)
    chances = ours.exp()
    # What π never draws counts nothing, whatever the reference thinks of it.
    return (chances * (ours - theirs)).where(chances > 0, 0).sum(dim=-1).clamp(min=0)


def _logps(logits: Tensor) -> Tensor:
    """In float32 at least; what comes in float64 stays so."""
    return torch.log_softmax(logits if logits.dtype == torch.float64 else logits.float(), dim=-1)
