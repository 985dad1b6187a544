"""How strongly an adapter acts, and how large what it learnt is.

A LoRA layer gives W·x + s·B·A·x (Hu et al. 2021, arXiv:2106.09685, section 4.1, s = α/r). Its strength multiplies s: at
0 nothing is left of the adapter, at 1 it is as it was trained, and above 1 it goes further than it was.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor

from playground.errors import ModelError
from playground.models.residence import Residence
from playground.models.shelf import Side

_NUMBER = re.compile(r"\.(\d+)\.")


class UpdateSize(NamedTuple):
    """What the adapter of one module adds to its weight."""

    module: str
    """Path of the module in the model."""
    layer: int | None
    """Number of the layer it belongs to, from 0; None for one outside of them."""
    kind: str
    """Last part of the path, as `q_proj`."""
    norm: float
    """‖s·B·A‖_F, the Frobenius norm."""
    weight_norm: float | None
    """‖W‖_F of the weight it is added to; None where that is quantised."""


@contextmanager
def at_strength(side: Side, strength: float) -> Iterator[None]:
    """While the block lasts, what the side's adapter adds counts `strength` times. To be held within a turn.

    Raises:
        ModelError: the side has no LoRA adapter, and the strength is not 1.
    """
    if strength == 1:
        yield
        return
    name = str(side.adapter)
    layers = adapted_layers(side)
    trained = [layer.scaling[name] for _, layer in layers]
    try:
        for (_, layer), scale in zip(layers, trained, strict=True):
            layer.scaling[name] = scale * strength
        yield
    finally:
        for (_, layer), scale in zip(layers, trained, strict=True):
            layer.scaling[name] = scale


def adapted_layers(side: Side) -> list[tuple[str, LoraLayer]]:
    """Path and layer of every module that the side's adapter is on.

    Raises:
        ModelError: there are none, because the run trained something else than a LoRA adapter.
    """
    found = [
        (path, module)
        for path, module in side.model.named_modules()
        if isinstance(module, LoraLayer) and side.adapter in module.scaling
    ]
    if not found:
        raise ModelError(
            "This run left no plain LoRA adapter whose strength could be set: it trained every weight, a soft prompt, "
            "or more than low-rank updates. Choose strength 1, or a LoRA run."
        )
    return found


def update_sizes(side: Side) -> list[UpdateSize]:
    """The size of what an adapter adds to each module, in the order of the model; no product B·A is ever made.

    Raises:
        ModelError: as `adapted_layers`.
    """
    return [_size(path, layer, str(side.adapter)) for path, layer in adapted_layers(side)]


@torch.no_grad()
def _size(path: str, layer: LoraLayer, adapter: str) -> UpdateSize:
    down, up = _factors(layer, adapter)
    number = _NUMBER.search(path)
    # Of the layer itself, not of what peft wraps around it.
    weight: Any = layer.get_base_layer().weight
    whole = float(torch.linalg.vector_norm(weight, dtype=torch.float32)) if weight.is_floating_point() else None
    size = abs(layer.scaling[adapter]) * product_norm(up, down)
    return UpdateSize(path, int(number[1]) if number else None, path.rsplit(".", 1)[-1], size, whole)


def _factors(layer: LoraLayer, adapter: str) -> tuple[Tensor, Tensor]:
    """A (rank, inputs) and B (outputs, rank); an embedding keeps them as bare parameters."""
    if adapter in layer.lora_A:
        return layer.lora_A[adapter].weight, layer.lora_B[adapter].weight
    return layer.lora_embedding_A[adapter], layer.lora_embedding_B[adapter]


def product_norm(up: Tensor, down: Tensor) -> float:
    """‖B·A‖_F from two rank × rank matrices: ‖B·A‖² = tr(AᵀBᵀB·A) = Σ (BᵀB) ∘ (A·Aᵀ).

    Args:
        up: B, (outputs, rank).
        down: A, (rank, inputs).
    """
    up, down = up.detach().cpu().double(), down.detach().cpu().double()
    squared = ((up.T @ up) * (down @ down.T)).sum()
    return float(squared.clamp(min=0).sqrt())


def run_sizes(server: Residence, run: str) -> list[UpdateSize]:
    """`update_sizes` of a run on the loaded model. Raises as `Shelf.tuned` and `adapted_layers`."""
    with server.turn() as resident:
        return update_sizes(resident.shelf.tuned(run, threading.Event()))
