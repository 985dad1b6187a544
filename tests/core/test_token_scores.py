"""Log-probabilities made piece by piece, against the whole table of logits."""

import pytest
import torch
from torch import Tensor

from playground.core import sampling, token_scores

VOCABULARY, WIDTH, TOKENS = 50, 7, 11
Parts = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    """States, weight and tokens, that are taken three at a time."""
    monkeypatch.setattr(token_scores, "CELLS", 6 * VOCABULARY + 1)
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(VOCABULARY, WIDTH, generator=generator)
    tokens = torch.randint(VOCABULARY, (TOKENS,), generator=generator)
    return torch.randn(TOKENS, WIDTH, generator=generator), weight, tokens


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_they_are_those_of_the_whole_table(parts: Parts, temperature: float) -> None:
    states, weight, tokens = parts
    found = token_scores.token_scores(states, weight, tokens, temperature, entropy=True)
    logps = (states @ weight.t() / temperature).log_softmax(-1)
    torch.testing.assert_close(found.logps, logps.gather(-1, tokens.unsqueeze(-1)).squeeze(-1))
    assert found.entropy is not None
    torch.testing.assert_close(found.entropy, sampling.entropy(logps.exp()))
    assert token_scores.token_scores(states, weight, tokens, temperature).entropy is None


def test_the_gradient_is_the_true_one(parts: Parts) -> None:
    states, weight, tokens = (part.double() if part.is_floating_point() else part for part in parts)
    states.requires_grad_(True)

    def logps(some: Tensor) -> Tensor:
        return token_scores.token_scores(some, weight, tokens, 0.7, entropy=True).logps.double()

    weights = torch.linspace(-1, 2, TOKENS, dtype=torch.float64)
    (found,) = torch.autograd.grad((logps(states) * weights).sum(), states)
    expected = states.detach().clone().requires_grad_(True)
    whole = (expected @ weight.t() / 0.7).log_softmax(-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    (wanted,) = torch.autograd.grad((whole * weights).sum(), expected)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
