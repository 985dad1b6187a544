"""How strong models are, by the votes between them: the model of Bradley and Terry (1952).

A model of strength θ is preferred to one of strength φ with probability 1 / (1 + exp(φ - θ)). A tie counts as half a
win of each. The strengths are those of maximum likelihood, found by Newton's method: the logarithm of the likelihood
is concave (Hunter 2004). A model that never lost would be infinitely strong, and two groups that never met could not be
compared, so each model is given one tie against an average one on top of its votes; Caron and Doucet (2012) give such
priors as gamma distributions.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR = 1.0
"""Ties against an average model that each model is given."""
RESAMPLES = 1000
SEED = 12345
ELO = 400 / np.log(10)
"""Elo points of one nat: 400 points are odds of ten to one."""
AVERAGE = 1000.0
"""Elo points of a model of average strength."""
_STEPS = 100
_FURTHEST = 2.0
"""Nats that one of Newton's steps may go: far from the optimum the curvature is nearly 0."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Meeting:
    """What came of one pair of answers: all votes on it."""

    first: int
    """Place of a model in the list of models, as is `second`."""
    second: int
    won: float
    """Votes for the first; a tie is half a one for each."""
    lost: float


@dataclass(frozen=True)
class Strengths:
    """Of all models, in the order of their list."""

    points: tuple[float, ...]
    """Elo points, 1000 on average."""
    intervals: tuple[tuple[float, float], ...]
    """95 % intervals of the points."""
    sure: Mapping[tuple[int, int], bool]
    """Of two models, the one with the lower place first: whether the interval of their difference leaves out 0."""


def points(wins: Floats, *, prior: float = PRIOR) -> Floats:
    """Elo points of maximum likelihood.

    Args:
        wins: (..., models, models), how often the row's model was preferred to the column's, ties as halves.
        prior: ties against an average model for each; 0 is plain maximum likelihood, which has no finite answer where
            a model never won or never lost.

    Returns:
        (..., models), with mean 1000.
    """
    games = wins + np.swapaxes(wins, -1, -2)
    count = wins.shape[-1]
    theta = np.zeros(wins.shape[:-1])
    diagonal = np.arange(count)
    for _ in range(_STEPS):
        expected = _logistic(theta[..., :, None] - theta[..., None, :])
        alone = _logistic(theta)
        slope = (wins - games * expected).sum(-1) + prior * (0.5 - alone)
        bend = games * expected * (1 - expected)
        curvature = -bend
        curvature[..., diagonal, diagonal] += bend.sum(-1) + prior * alone * (1 - alone)
        # Without a prior all may be shifted together: the smallest norm is taken, whose mean is 0.
        inverse = np.linalg.inv(curvature) if prior else np.linalg.pinv(curvature, hermitian=True)
        step = (inverse @ slope[..., None])[..., 0]
        step = np.clip(step, -_FURTHEST, _FURTHEST)
        theta = theta + step
        if np.abs(step).max(initial=0) < 1e-10:
            break
    return np.asarray(AVERAGE + ELO * (theta - theta.mean(-1, keepdims=True)), dtype=np.float64)


def strengths(models: int, meetings: Sequence[Meeting], *, resamples: int = RESAMPLES) -> Strengths:
    """Strengths with intervals by the bootstrap: pairs of answers are drawn with replacement, with all votes on each,
    since people who read the same two answers do not judge independently.

    Among what is drawn from is also one vote each way for every two models that met, in the spirit of Agresti and Coull
    (1998): else two votes for one model and none for the other would seem to be certainty.

    Args:
        models: how many there are; each has a place from 0.
    """
    if not meetings:
        average = (AVERAGE,) * models
        return Strengths(average, tuple(zip(average, average, strict=True)), dict.fromkeys(couples(models), False))
    found = points(table(models, meetings))
    met = sorted({(meeting.first, meeting.second) for meeting in meetings})
    pool = [*meetings, *(Meeting(*two, *votes) for two in met for votes in ((1, 0), (0, 1)))]
    several = np.stack([table(models, [meeting]) for meeting in pool])
    # (resamples, pool): how often each pair of answers is drawn.
    even = np.full(len(pool), 1 / len(pool))
    drawn = np.random.default_rng(SEED).multinomial(len(pool), even, size=resamples).astype(np.float64)
    resampled = points(np.tensordot(drawn, several, axes=1))
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    sure = {}
    for one, other in couples(models):
        ends = np.quantile(resampled[:, one] - resampled[:, other], [0.025, 0.975])
        sure[one, other] = bool(ends[0] > 0 or ends[1] < 0)
    intervals = tuple((float(one), float(other)) for one, other in zip(low, high, strict=True))
    return Strengths(tuple(map(float, found)), intervals, sure)


def couples(models: int) -> list[tuple[int, int]]:
    """Places of every two models, the lower one first."""
    return list(itertools.combinations(range(models), 2))


def table(models: int, meetings: Sequence[Meeting]) -> Floats:
    """(models, models): how often the row's model was preferred to the column's."""
    wins = np.zeros((models, models))
    for meeting in meetings:
        wins[meeting.first, meeting.second] += meeting.won
        wins[meeting.second, meeting.first] += meeting.lost
    return wins


def _logistic(values: Floats) -> Floats:
    # By tanh, which cannot overflow.
    return np.asarray(0.5 * (1 + np.tanh(values / 2)), dtype=np.float64)
