"""How far stated probabilities can be believed."""

from typing import NamedTuple

import torch
from torch import Tensor

BINS = 10


class Bin(NamedTuple):
    """Predictions of about the same confidence."""

    confidence: float
    """Their mean probability."""
    accuracy: float
    """Share of them that came true."""
    pairs: int


class Calibration(NamedTuple):
    """A reliability diagram and its summary."""

    bins: tuple[Bin, ...]
    """Those that hold something, from the least confident to the most."""
    error: float
    """Expected calibration error: mean distance of confidence and accuracy, weighted by the bins' counts (Naeini et
    al. 2015; Guo et al. 2017, arXiv:1706.04599)."""


def pair_calibration(margins: Tensor) -> Calibration:
    """Of a model that ranks pairs: it believes in its winner with σ(|Δ|), from one half to 1.

    Args:
        margins: (B,) score of the preferred answer less that of the rejected one. A pair with Δ = 0 has no winner and
            counts as half right.
    """
    margins = margins.detach().double()
    confidence = torch.sigmoid(margins.abs())
    right = (margins > 0).double() + 0.5 * (margins == 0).double()
    place = ((confidence - 0.5) * 2 * BINS).long().clamp(max=BINS - 1)
    bins = []
    for each in range(BINS):
        inside = place == each
        if count := int(inside.sum()):
            bins.append(Bin(float(confidence[inside].mean()), float(right[inside].mean()), count))
    total = max(1, len(margins))
    return Calibration(tuple(bins), sum(found.pairs / total * abs(found.confidence - found.accuracy) for found in bins))
