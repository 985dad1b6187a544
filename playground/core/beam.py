"""One step of a beam search on tensors: which tokens are considered, and what a text's score is.

The rule is that of transformers 5.23, `GenerationMixin._beam_search` and what it calls in `generation/utils.py`; each
function names its part there. Knows nothing of models.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Candidates(NamedTuple):
    """Continuations that one step considers, best first; each tensor is (count,)."""

    scores: Tensor
    """Log-probability of the whole continuation in nats, float32."""
    parents: Tensor
    """Row of the beam that each continues."""
    tokens: Tensor
    """Id of the token that each adds."""
    log_probabilities: Tensor
    """Of that token after its parent, in nats."""


def considered(beams: int, ends: int) -> int:
    """How many continuations a step looks at: twice as many as beams, and so many more for each further token that
    ends a text, so that `beams` open ones remain even if every beam's best continuations all end (`beams_to_keep`)."""
    return max(2, 1 + ends) * beams


def candidates(log_probabilities: Tensor, scores: Tensor, count: int) -> Candidates:
    """The `count` best continuations over all beams together (`_get_top_k_continuations`).

    Args:
        log_probabilities: (beams, vocab) of each beam's next token.
        scores: (beams,) log-probability of each beam so far.
    """
    total = (log_probabilities + scores.unsqueeze(-1)).flatten()
    best = torch.topk(total, count)
    vocabulary = log_probabilities.shape[-1]
    added = log_probabilities.flatten()[best.indices]
    return Candidates(best.values, best.indices // vocabulary, best.indices % vocabulary, added)


def normalised(score: float, length: int, penalty: float) -> float:
    """What finished texts are compared by: their log-probability over their length in new tokens, the end included, to
    the power of `penalty` (`_update_finished_beams`)."""
    return float(score / length**penalty)


def best_possible(score: float, length: int, longest: int, penalty: float, *, patient: bool) -> float:
    """The score that the best open text is taken to reach at most (`_check_early_stop_heuristic`).

    As if it ended where it is, at `length` tokens: an estimate, because with a penalty above 0 it may still gain. A
    `patient` search (early stopping "never") takes the greatest length there can be, and so a bound; a penalty of 0 or
    less can only make a longer text's score worse.
    """
    reached = longest if patient and penalty > 0 else length
    return normalised(score, reached, penalty)
