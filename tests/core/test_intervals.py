"""Intervals of shares: by Wilson, and where the cases come in groups."""

import pytest

from playground.core.intervals import wilson, wilson_in_groups


def test_single_cases_are_wilsons_own() -> None:
    groups = [(1.0, 1)] * 30 + [(0.0, 1)] * 18
    assert wilson_in_groups(groups) == pytest.approx(wilson(30 / 48, 48))


def test_groups_that_agree_within_are_worth_one_case_each() -> None:
    groups = [(5.0, 5)] * 6 + [(0.0, 5)] * 4
    assert wilson_in_groups(groups) == pytest.approx(wilson(0.6, 10))


def test_groups_that_are_all_alike_are_worth_their_cases() -> None:
    assert wilson_in_groups([(3.0, 5)] * 4) == pytest.approx(wilson(0.6, 20))


def test_ties_are_never_worth_more_than_a_case() -> None:
    assert wilson_in_groups([(0.5, 1)] * 9 + [(1.0, 1)]) == pytest.approx(wilson(0.55, 10))


def test_a_win_in_every_group_is_no_certainty() -> None:
    low, high = wilson_in_groups([(4.0, 4)] * 5)
    assert (low, high) == pytest.approx(wilson(1.0, 5))
    assert low < 0.6


def test_one_group_tells_next_to_nothing() -> None:
    low, high = wilson_in_groups([(7.0, 10)])
    assert low < 0.2
    assert high > 0.9
