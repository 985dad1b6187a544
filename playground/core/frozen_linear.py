"""A linear layer whose weight does not learn, by oneDNN.

On a CPU, PyTorch computes `linear` in float32 by MKL, which Intel makes for its own processors. PyTorch comes with
oneDNN too, and torch.compile calls it by the operator that is called here: on an AMD processor it takes about two
thirds of the time for a few rows, as they are written token by token, and nine tenths for many
(`benchmarks/results/linear.json`).
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""From states (…, in), weight (out, in) and bias (out,) to states · weightᵀ + bias: `frozen_linear` or `linear`."""


@functools.cache
def is_there() -> bool:
    """Whether this PyTorch has it. The operator is torch.compile's own, and may go from a later one."""
    built: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return built and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def frozen_linear(states: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """states · weightᵀ + bias, with a gradient towards the states alone.

    Whatever oneDNN is of no use for goes PyTorch's own way: other formats, other devices, a weight that learns.

    Args:
        states: (…, in).
        weight: (out, in).
        bias: (out,).
    """
    if not _suits(states) or not _suits(weight):
        return linear(states, weight, bias)
    if not torch.is_grad_enabled():
        return _product(states, weight, bias)
    if weight.requires_grad or (bias is not None and bias.requires_grad):
        return linear(states, weight, bias)
    found: Tensor = _FrozenLinear.apply(states, weight, bias)  # type: ignore[no-untyped-call]
    return found


def _suits(tensor: Tensor) -> bool:
    plain = tensor.dtype == torch.float32 and tensor.device.type == "cpu" and tensor.numel() > 0
    return plain and not torch.is_autocast_enabled("cpu")


class _FrozenLinear(torch.autograd.Function):
    """∂L/∂states = ∂L/∂out · weight."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(weight)
        return _product(states, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, along: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        return _product(along, weight.t(), None), None, None


def packed(weight: Tensor, rows: int) -> Tensor:
    """A weight laid out for products with about so many rows, for `packed_linear` alone: quicker for a few rows, and
    worth its making where some ten products follow."""
    found: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    return found


def packed_linear(states: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """As `linear`, of a weight that `packed` gave; without gradients, in float32 on a CPU."""
    return _product(states, weight, bias)


def _product(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    found: Tensor = torch.ops.mkldnn._linear_pointwise(states, weight, bias, "none", [], "")
    return found
