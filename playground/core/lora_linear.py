"""A frozen linear layer and the LoRA adapter on it as one function.

Step by step, the way peft goes, a layer's output is made three times over: by the layer, by the adapter, and as their
sum. Here the adapter is added into what the layer gave, and the gradient towards the states likewise. Products with
the few columns of an adapter are written so that these are rows of the result: MKL takes up to four times as long for
the same numbers the other way round (measured on an AMD processor with 248 rows and rank 8).

Where what goes into the layer is the product of a gate (SwiGLU: Shazeer 2020, arXiv:2002.05202), it is as large as the
two that it is made of, and made at once: those are kept for the gradient, and it is made again.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from playground.core.frozen_linear import Product

Gate = Callable[..., Tensor]
"""What goes into a layer, made of tensors of the same shape, each number of the numbers in its place."""


class Adapter(NamedTuple):
    """LoRA's two matrices and the factor before them (Hu et al. 2021, arXiv:2106.09685, section 4.1)."""

    down: Tensor
    """A, (rank, in)."""
    up: Tensor
    """B, (out, rank)."""
    scaling: float
    """α/r."""


def lora_linear(
    states: Tensor, weight: Tensor, bias: Tensor | None, adapter: Adapter, product: Product = linear
) -> Tensor:
    """states · (weight + s·B·A)ᵀ + bias, with gradients towards the states and the adapter.

    Args:
        states: (…, in), in the number format of everything else.
        weight: (out, in); no gradient is made for it.
        bias: (out,); no gradient is made for it.
        product: how the layer itself is computed.
    """
    return _of(None, (states,), weight, bias, adapter, product)


def gated_lora_linear(
    gate: Gate,
    parts: tuple[Tensor, ...],
    weight: Tensor,
    bias: Tensor | None,
    adapter: Adapter,
    product: Product = linear,
) -> Tensor:
    """As `lora_linear` of gate(*parts), of which the gradient keeps the parts alone."""
    return _of(gate, parts, weight, bias, adapter, product)


def _of(
    gate: Gate | None,
    parts: tuple[Tensor, ...],
    weight: Tensor,
    bias: Tensor | None,
    adapter: Adapter,
    product: Product,
) -> Tensor:
    if not torch.is_grad_enabled():
        states = parts[0] if gate is None else gate(*parts)
        return _forward(states, weight, bias, adapter, product)[0]
    found: Tensor = _LoraLinear.apply(gate, product, weight, bias, adapter.scaling, adapter.down, adapter.up, *parts)  # type: ignore[no-untyped-call]
    return found


def _forward(
    states: Tensor, weight: Tensor, bias: Tensor | None, adapter: Adapter, product: Product
) -> tuple[Tensor, Tensor]:
    """The output (…, out), and A · statesᵀ (rank, N)."""
    out = product(states, weight, bias)
    low = adapter.down @ states.flatten(0, -2).t()
    out.view(-1, out.shape[-1]).addmm_(low.t(), adapter.up.t(), alpha=adapter.scaling)
    return out, low


class _LoraLinear(torch.autograd.Function):
    """With g = ∂L/∂out and h = s·g·B: ∂L/∂states = g·W + h·A, ∂L/∂A = hᵀ·states and ∂L/∂B = s·gᵀ·(states·Aᵀ)."""

    @staticmethod
    def forward(
        ctx: Any,
        gate: Gate | None,
        product: Product,
        weight: Tensor,
        bias: Tensor | None,
        scaling: float,
        down: Tensor,
        up: Tensor,
        *parts: Tensor,
    ) -> Tensor:
        states = parts[0] if gate is None else gate(*parts)
        out, low = _forward(states, weight, bias, Adapter(down, up, scaling), product)
        ctx.save_for_backward(weight, down, up, low, *parts)
        ctx.gate, ctx.product, ctx.scaling = gate, product, scaling
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, along: Tensor) -> tuple[Any, ...]:
        weight, down, up, low, *parts = ctx.saved_tensors
        with torch.enable_grad():
            parts = [part.detach().requires_grad_() for part in parts] if ctx.gate else parts
            states = ctx.gate(*parts) if ctx.gate else parts[0]
        flat = along.flatten(0, -2)
        high = (up.t() @ flat.t()).mul_(ctx.scaling)  # (rank, N)
        to_down = high @ states.detach().flatten(0, -2)
        to_up = (low @ flat).mul_(ctx.scaling).t()
        to_parts: tuple[Tensor | None, ...] = (None,) * len(parts)
        if any(ctx.needs_input_grad[7:]):
            to_states = ctx.product(along, weight.t(), None)
            to_states.view(-1, to_states.shape[-1]).addmm_(high.t(), down)
            to_parts = torch.autograd.grad(states, parts, to_states) if ctx.gate else (to_states,)
        return (None, None, None, None, None, to_down, to_up, *to_parts)
