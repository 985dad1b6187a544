"""Linear layers computed by what is quickest on this processor."""

import functools
import platform
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import linear

from playground.core.frozen_linear import Product, frozen_linear, is_there

SMALLEST = 2**17
"""Cells of a weight below which making the call takes longer than it saves."""
MAKER = "AuthenticAMD"
"""Of the processors on which MKL is the slower one."""


def quicken(model: torch.nn.Module) -> None:
    """Lets the large linear layers of a model go by oneDNN where that is quicker, as long as they do not learn.

    Results are equal up to the rounding of float32. The choice depends on the processor alone and is never measured,
    so that a run that goes on gives what it would have given without a break.
    """
    for module in model.modules():
        if type(module) is torch.nn.Linear and product_of(module) is frozen_linear:
            module.forward = functools.partial(_forward, module)  # type: ignore[method-assign]


def product_of(layer: torch.nn.Linear) -> Product:
    """How the product with a layer's weight is quickest."""
    return frozen_linear if layer.weight.numel() >= SMALLEST and prefers_onednn() else linear


def prefers_onednn() -> bool:
    """Whether this processor is one on which MKL is the slower one, and oneDNN is there."""
    return _made_by_amd() and is_there()


def _forward(layer: torch.nn.Linear, states: Tensor) -> Tensor:
    return frozen_linear(states, layer.weight, layer.bias)


@functools.cache
def _made_by_amd() -> bool:
    if platform.machine() not in {"x86_64", "AMD64"}:
        return False
    try:
        return MAKER in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return MAKER in platform.processor()  # Windows names it there
