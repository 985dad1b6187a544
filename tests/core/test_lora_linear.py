"""A layer and its adapter as one function, against the same written out."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear, silu

from playground.core.frozen_linear import Product, frozen_linear
from playground.core.lora_linear import Adapter, gated_lora_linear, lora_linear

IN, OUT, RANK, SCALING = 12, 20, 3, 1.7


def numbers(*shape: int, seed: int, learns: bool = False) -> Tensor:
    """Normal numbers in float64."""
    found = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return found.requires_grad_(learns)


def gate(one: Tensor, other: Tensor) -> Tensor:
    """SwiGLU's."""
    return silu(one) * other


@pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 3, 5)])
@pytest.mark.parametrize("biased", [True, False])
def test_all_gradients_are_the_true_ones(shape: tuple[int, ...], biased: bool) -> None:
    states, weight = numbers(*shape, IN, seed=0, learns=True), numbers(OUT, IN, seed=1)
    down, up = numbers(RANK, IN, seed=2, learns=True), numbers(OUT, RANK, seed=3, learns=True)
    bias = numbers(OUT, seed=4) if biased else None
    whole = linear(states, weight + SCALING * up @ down, bias)
    torch.testing.assert_close(lora_linear(states, weight, bias, Adapter(down, up, SCALING)), whole)
    with torch.no_grad():
        torch.testing.assert_close(lora_linear(states, weight, bias, Adapter(down, up, SCALING)), whole)
    assert torch.autograd.gradcheck(
        lambda states, down, up: lora_linear(states, weight, bias, Adapter(down, up, SCALING)), (states, down, up)
    )


def test_a_gate_is_made_again_with_the_same_gradients() -> None:
    parts = numbers(4, IN, seed=0, learns=True), numbers(4, IN, seed=5, learns=True)
    weight, down = numbers(OUT, IN, seed=1), numbers(RANK, IN, seed=2, learns=True)
    up = numbers(OUT, RANK, seed=3, learns=True)

    def of(one: Tensor, other: Tensor, down: Tensor, up: Tensor) -> Tensor:
        return gated_lora_linear(gate, (one, other), weight, None, Adapter(down, up, SCALING))

    torch.testing.assert_close(
        of(*parts, down, up), lora_linear(gate(*parts), weight, None, Adapter(down, up, SCALING))
    )
    assert torch.autograd.gradcheck(of, (*parts, down, up))
    sizes: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        of(*parts, down, up)
    assert sizes.count(4 * IN) == 2, "the two parts, and not what they make"


@pytest.mark.parametrize("product", [linear, frozen_linear])
def test_any_way_to_the_product_will_do(product: Product) -> None:
    states, weight = numbers(6, IN, seed=0).float().requires_grad_(True), numbers(OUT, IN, seed=1).float()
    down, up = numbers(RANK, IN, seed=2).float(), numbers(OUT, RANK, seed=3).float()
    found = lora_linear(states, weight, None, Adapter(down, up, SCALING), product)
    whole = linear(states, weight + SCALING * up @ down)
    torch.testing.assert_close(found, whole)
    along = torch.randn_like(whole)
    torch.testing.assert_close(*(torch.autograd.grad(out, states, along)[0] for out in (found, whole)))


def test_states_that_do_not_learn_have_no_gradient_made() -> None:
    states, weight, seen = numbers(6, IN, seed=0), numbers(OUT, IN, seed=1), []
    down, up = numbers(RANK, IN, seed=2, learns=True), numbers(OUT, RANK, seed=3, learns=True)

    def product(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        seen.append(weight.shape)
        return linear(states, weight, bias)

    lora_linear(states, weight, None, Adapter(down, up, SCALING), product).sum().backward()  # type: ignore[no-untyped-call]
    assert seen == [(OUT, IN)]
    torch.testing.assert_close(up.grad, SCALING * (states @ down.t()).sum(0).expand(OUT, -1))
