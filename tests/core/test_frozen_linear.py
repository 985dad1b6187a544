"""The linear layer by oneDNN against PyTorch's own."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from playground.core import frozen_linear as module
from playground.core.frozen_linear import frozen_linear


def parts(*shape: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """States of this shape, and a weight and a bias for them."""
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(*shape, generator=generator).to(dtype)
    return states, torch.randn(40, shape[-1], generator=generator).to(dtype), torch.randn(40).to(dtype)


def test_this_pytorch_has_it() -> None:
    assert module.is_there()


@pytest.mark.parametrize("shape", [(24,), (1, 24), (8, 24), (3, 5, 24), (2, 3, 4, 24)])
@pytest.mark.parametrize("biased", [True, False])
def test_it_says_and_passes_on_what_pytorch_does(shape: tuple[int, ...], biased: bool) -> None:
    states, weight, bias = parts(*shape)
    given = bias if biased else None
    one, other = (states.clone().requires_grad_(True) for _ in range(2))
    found, expected = frozen_linear(one, weight, given), linear(other, weight, given)
    torch.testing.assert_close(found, expected)
    along = torch.randn_like(expected)
    found.backward(along)  # type: ignore[no-untyped-call]
    expected.backward(along)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(one.grad, other.grad)
    with torch.no_grad():
        torch.testing.assert_close(frozen_linear(states, weight, given), expected)


def test_states_that_are_no_block_of_memory_are_read_right() -> None:
    states, weight, _ = parts(6, 24)
    across = states.t().contiguous().t()
    torch.testing.assert_close(frozen_linear(across, weight), linear(states, weight))
    torch.testing.assert_close(frozen_linear(states[::2], weight), linear(states[::2], weight))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_formats_go_pytorchs_way(dtype: torch.dtype) -> None:
    states, weight, bias = parts(5, 24, dtype=dtype)
    assert torch.equal(frozen_linear(states, weight, bias), linear(states, weight, bias))


def test_autocast_still_takes_the_format_that_it_was_given() -> None:
    states, weight, bias = parts(5, 24)
    with torch.autocast("cpu", torch.bfloat16):
        assert frozen_linear(states, weight, bias).dtype is torch.bfloat16


def test_a_weight_that_learns_has_its_gradient() -> None:
    states, weight, bias = parts(5, 24)
    weight.requires_grad_(True)
    frozen_linear(states, weight, bias).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(weight.grad, states.sum(0).expand(40, -1))


def test_no_states_are_no_trouble() -> None:
    _, weight, bias = parts(5, 24)
    assert frozen_linear(torch.empty(0, 24), weight, bias).shape == (0, 40)
