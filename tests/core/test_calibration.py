"""Calibration of pairs, worked out by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.core.calibration import Bin, pair_calibration


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def test_bins_and_error_by_hand() -> None:
    # Two winners believed in with 0.8, one of them right; one with 0.93, right; one pair without a winner.
    margins = torch.tensor([logit(0.8), -logit(0.8), logit(0.93), 0.0])
    found = pair_calibration(margins)
    for each, wanted in zip(found.bins, (Bin(0.5, 0.5, 1), Bin(0.8, 0.5, 2), Bin(0.93, 1.0, 1)), strict=True):
        assert each == pytest.approx(wanted, abs=1e-6)
    assert found.error == pytest.approx((1 * 0 + 2 * 0.3 + 1 * 0.07) / 4, abs=1e-6)


def test_certainty_has_a_bin_and_nothing_has_none() -> None:
    assert pair_calibration(torch.tensor([100.0])).bins == (Bin(1.0, 1.0, 1),)
    assert pair_calibration(torch.tensor([-100.0])).error == 1.0
    assert pair_calibration(torch.zeros(0)) == ((), 0.0)


@given(st.lists(st.integers(-80, 80).map(lambda tenths: tenths / 10), min_size=1, max_size=40))
def test_every_pair_is_in_one_bin(margins: list[float]) -> None:
    found = pair_calibration(torch.tensor(margins))
    assert sum(each.pairs for each in found.bins) == len(margins)
    right = sum(each.pairs * each.accuracy for each in found.bins)
    assert right == pytest.approx(sum(margin > 0 for margin in margins) + 0.5 * sum(margin == 0 for margin in margins))
    assert 0 <= found.error <= 1
