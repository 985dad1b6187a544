"""What a mean over samples says of an expectation, and how sure one may be. Knows nothing of models or rewards."""

from typing import NamedTuple

import torch
from torch import Tensor


class Running(NamedTuple):
    """The mean of the first n samples, for n = 1, 2, …; both (n,) float64."""

    means: Tensor
    errors: Tensor
    """Standard error of each mean, s / √n with s² = Σ (x - mean)² / (n - 1); NaN for the first, which has none."""


def running(values: Tensor) -> Running:
    """How a Monte-Carlo estimate settles. (n,) -> two of (n,).

    By Welford's recurrence (1962), because differences of large sums of squares lose all digits.
    """
    means, errors = torch.empty(len(values), dtype=torch.float64), torch.empty(len(values), dtype=torch.float64)
    mean = squares = 0.0
    for index, value in enumerate(values.double().tolist()):
        count = index + 1
        before = mean
        mean += (value - mean) / count
        squares += (value - before) * (value - mean)
        means[index] = mean
        errors[index] = (squares / (count * (count - 1))) ** 0.5 if count > 1 else torch.nan
    return Running(means, errors)


def standard_error(values: Tensor) -> float:
    """Standard error of the mean of all samples; NaN for fewer than two. (n,) -> scalar."""
    return float(running(values).errors[-1]) if len(values) else float("nan")
