"""How sure one may be of scores and of their difference from the base's.

BLEU and chrF are resampled by sacrebleu's own paired bootstrap (Koehn 2004), means and perplexity by the same formulas:
rows are drawn with replacement as often as there are, every model the same ones, and everything is scored anew each
time. Distinct-n counts what occurs once, which drawing rows twice would hide: it is jackknifed instead (Efron and Stein
1981), one row left out at a time.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest, Result

from playground.core.intervals import Z

RESAMPLES = 1000
SEED = 12345
"""sacrebleu's own, so that its command line gives the same figures."""
NOISE = 0.05
"""A p-value from which on a difference is called one that may be noise."""
LARGEST = 700.0
"""Nats per token whose exponential is still a number."""

Array = NDArray[np.float64]


class Estimate(NamedTuple):
    """One metric of one model."""

    value: float
    interval: tuple[float, float]
    """Low and high end of the 95 % interval."""
    p: float | None
    """How often chance alone would give a difference from the base as large, two-sided; None for the base itself, and
    where the two cannot be compared."""

    @property
    def may_be_noise(self) -> bool:
        """Whether the difference from the base is not one to build on."""
        return self.p is not None and self.p >= NOISE


def corpus(systems: Sequence[Sequence[str]], references: Sequence[str]) -> dict[str, list[Estimate]]:
    """BLEU and chrF, 0-100, of every model on the same references, the base first."""
    named = [(str(place), list(texts)) for place, texts in enumerate(systems)]
    test = PairedTest(named, {"bleu": BLEU(), "chrf": CHRF()}, [list(references)], test_type="bs", n_samples=RESAMPLES)
    _, found = test()
    return {name: _of_sacrebleu(found[theirs]) for name, theirs in (("bleu", "BLEU"), ("chrf", "chrF2"))}


def means(values: Sequence[Sequence[float]]) -> list[Estimate]:
    """A metric that is a mean over rows: a line per model, the base first; a value per row, in the same order."""
    array = np.array(values, dtype=np.float64)
    drawn = _draws(array.shape[1]) @ array.T / array.shape[1]
    return _bootstrapped(array.mean(axis=1), drawn)


def perplexities(nats: Sequence[Sequence[float]], tokens: Sequence[Sequence[int]]) -> list[Estimate]:
    """exp of the mean −log p of all tokens, so that long rows weigh more: a line per model, the base first.

    Models that split the references into other tokens than the base have no p: their perplexities do not compare.
    """
    sums, counts = np.array(nats, dtype=np.float64), np.array(tokens, dtype=np.float64)
    draws = _draws(sums.shape[1])
    found = _bootstrapped(
        _perplexity(sums.sum(axis=1), counts.sum(axis=1)), _perplexity(draws @ sums.T, draws @ counts.T)
    )
    return [
        one if list(own) == list(tokens[0]) else one._replace(p=None) for one, own in zip(found, tokens, strict=True)
    ]


def jackknifed(shares: Sequence[float], without: Sequence[Sequence[float]]) -> list[Estimate]:
    """A share of the whole set, 0-1, and what it is without each row: a line per model, the base first."""
    left, rows = np.array(without, dtype=np.float64), len(without[0])
    errors = _jackknife_error(left, rows)
    apart = _jackknife_error(left - left[0], rows)
    found = []
    for place, (share, error) in enumerate(zip(shares, errors, strict=True)):
        interval = max(0.0, share - Z * float(error)), min(1.0, share + Z * float(error))
        p = None if place == 0 else _normal_p(abs(share - shares[0]), float(apart[place]))
        found.append(Estimate(share, interval, p))
    return found


def _draws(rows: int) -> Array:
    """How often each row is in each resample: (resamples, rows)."""
    generator = np.random.default_rng(SEED)
    drawn = generator.choice(rows, size=(RESAMPLES, rows), replace=True)
    return np.stack([np.bincount(one, minlength=rows) for one in drawn]).astype(np.float64)


def _perplexity(nats: Array, tokens: Array) -> Array:
    return np.asarray(np.exp(np.minimum(nats / np.maximum(tokens, 1), LARGEST)))


def _bootstrapped(values: Array, drawn: Array) -> list[Estimate]:
    """`values` (models,) and what they are in each resample (resamples, models)."""
    found = []
    for place, value in enumerate(values):
        difference = abs(float(value - values[0]))
        p = _p_value(np.abs(drawn[:, place] - drawn[:, 0]), difference) if place else None
        found.append(Estimate(float(value), _interval(drawn[:, place]), p))
    return found


def _p_value(differences: Array, real: float) -> float:
    """sacrebleu's: the share of resampled differences that are further from their mean than the real one from 0."""
    if real == 0:
        return 1.0
    return (int(np.sum(differences - differences.mean() > real)) + 1) / (len(differences) + 1)


def _interval(scores: Array) -> tuple[float, float]:
    """The ends themselves: a share near 0 has no interval that is even on both sides."""
    low, high = np.quantile(scores, [0.025, 0.975])
    return float(low), float(high)


def _jackknife_error(left: Array, rows: int) -> Array:
    """Standard errors (models,) of what one row less gives (models, rows); of a single row nothing can be said."""
    if rows < 2:
        return np.full(len(left), np.inf)
    spread = ((left - left.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return np.asarray(np.sqrt((rows - 1) / rows * spread))


def _normal_p(difference: float, error: float) -> float:
    if difference == 0:
        return 1.0
    return math.erfc(difference / error / math.sqrt(2)) if error > 0 else 0.0


def _of_sacrebleu(results: Sequence[Result]) -> list[Estimate]:
    base = results[0]
    found = [Estimate(_score(base), _within(base), None)]
    # Of two equal scores sacrebleu says that they differ for sure, since no resample differs more than they.
    found += [
        Estimate(_score(one), _within(one), 1.0 if one.score == base.score else float(one.p_value))
        for one in results[1:]
    ]
    return found


def _score(result: Result) -> float:
    return min(100.0, float(result.score))  # exp(log 1 / 4 · 4) may exceed 1 in the last digit


def _within(result: Result) -> tuple[float, float]:
    return max(0.0, float(result.mean - result.ci)), min(100.0, float(result.mean + result.ci))
