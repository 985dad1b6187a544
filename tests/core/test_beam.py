"""One step of a beam search, by hand."""

import math

import pytest
import torch

from playground.core import beam


def test_the_best_continuations_of_all_beams_together() -> None:
    first, second = torch.tensor([0.5, 0.3, 0.2]).log(), torch.tensor([0.1, 0.1, 0.8]).log()
    found = beam.candidates(torch.stack([first, second]), torch.tensor([0.4, 0.5]).log(), 4)
    # Second beam: 0.5 · 0.8 = 0.40; first: 0.4 · (0.5, 0.3, 0.2) = 0.20, 0.12, 0.08; the second's others have 0.05.
    torch.testing.assert_close(found.scores.exp(), torch.tensor([0.40, 0.20, 0.12, 0.08]))
    assert found.parents.tolist() == [1, 0, 0, 0]
    assert found.tokens.tolist() == [2, 0, 1, 2]
    torch.testing.assert_close(found.log_probabilities.exp(), torch.tensor([0.8, 0.5, 0.3, 0.2]))


@pytest.mark.parametrize(("beams", "ends", "count"), [(4, 0, 8), (4, 1, 8), (4, 2, 12), (1, 3, 4)])
def test_so_many_are_considered_that_enough_stay_open(beams: int, ends: int, count: int) -> None:
    assert beam.considered(beams, ends) == count


@pytest.mark.parametrize(("penalty", "score"), [(0, -6.0), (1, -1.5), (2, -0.375), (-1, -24.0)])
def test_a_score_is_divided_by_the_length_to_the_power_of_the_penalty(penalty: float, score: float) -> None:
    assert beam.normalised(-6.0, 4, penalty) == pytest.approx(score)


def test_only_a_patient_search_with_a_penalty_above_0_looks_to_the_end() -> None:
    assert beam.best_possible(-6.0, 3, 12, 1.0, patient=False) == -2.0
    assert beam.best_possible(-6.0, 3, 12, 1.0, patient=True) == -0.5
    assert beam.best_possible(-6.0, 3, 12, 0.0, patient=True) == -6.0
    assert beam.best_possible(-6.0, 4, 16, -0.5, patient=True) == pytest.approx(-6.0 * math.sqrt(4))
