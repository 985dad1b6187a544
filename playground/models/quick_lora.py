"""Layers with a LoRA adapter computed as one function with it; see `core/lora_linear.py`."""

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import Any

import torch
from peft.tuners import lora
from torch import Tensor

from playground.core.frozen_linear import packed, packed_linear
from playground.core.lora_linear import Adapter, gated_lora_linear, lora_linear
from playground.models.quick import prefers_onednn, product_of

GATED = "self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))"
"""What the gated feed-forward of Llama, Mistral, Qwen, Gemma, OLMo and their like does, in transformers' words."""


def quicken_adapter(model: torch.nn.Module) -> None:
    """Lets every linear layer with one plain adapter, and every gated feed-forward, compute what it computes in fewer
    and quicker steps that keep less for the gradient.

    Results are equal up to rounding. Whatever is special (several adapters, dropout that is on, DoRA, weights that
    learn, an adapter that is merged or switched off, autocast) goes peft's own way.

    Args:
        model: with all the adapters that it will have, and what learns chosen.
    """
    found = {module: _Joint(module) for module in model.modules() if type(module) is lora.Linear}
    for layer, joint in found.items():
        layer.forward = joint
    for block in model.modules():
        down = getattr(block, "down_proj", None)
        if down in found and _is_gated(type(block)):
            block.forward = functools.partial(_gated, block, found[down])


@contextlib.contextmanager
def folded(model: torch.nn.Module, rows: int) -> Iterator[None]:
    """While the block lasts, a model that was quickened answers with its adapter added into a copy of the weights, laid
    out for so many rows: quicker where one token of each is read at a time (`benchmarks/linear.py`).

    To be entered without gradients. Only in float32, since a half precision cannot hold what an adapter adds to a
    weight, and where oneDNN is the quicker one; elsewhere nothing happens. Takes the memory of the adapted weights.
    """
    forwards = [vars(layer).get("forward") for layer in model.modules()]
    joints = [forward for forward in forwards if isinstance(forward, _Joint)]
    try:
        if prefers_onednn():
            scratch = torch.empty(max((joint.cells for joint in joints), default=0))
            for joint in joints:
                joint.fold(rows, scratch)
            del scratch
        yield
    finally:
        for joint in joints:
            joint.unfold()


class _Joint:
    """A layer and its adapter; called as the layer is."""

    def __init__(self, layer: lora.Linear) -> None:
        self._layer = layer
        self._folded: Tensor | None = None
        self._active = list(layer.active_adapters)
        self._plain = self._active == list(layer.lora_A) and len(self._active) == 1 and self._is_plain(self._active[0])
        if self._plain:
            (name,) = self._active
            self._base: Any = layer.base_layer
            self._down, self._up, self._scaling = layer.lora_A[name], layer.lora_B[name], layer.scaling[name]
            self._drops = not isinstance(layer.lora_dropout[name], torch.nn.Identity)

    def __call__(self, states: Tensor, *rest: Any, **options: Any) -> Tensor:
        if self._folded is not None and not self._layer.disable_adapters:
            return packed_linear(states, self._folded, self._base.bias)
        adapter = None if rest or options else self.adapter(states)
        if adapter is None:
            found: Tensor = type(self._layer).forward(self._layer, states, *rest, **options)
            return found
        return lora_linear(states, *self.weights, adapter, product_of(self._base))

    @property
    def weights(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias of the layer itself."""
        return self._base.weight, self._base.bias

    def adapter(self, states: Tensor) -> Adapter | None:
        """What is added to the output for these states; None where it takes more than a plain adapter in the format of
        everything else."""
        layer = self._layer
        if (
            self._folded is not None
            or not self._plain
            or layer.disable_adapters
            or layer.merged_adapters
            or layer.active_adapters != self._active
        ):
            return None
        weight, down, up = self._base.weight, self._down.weight, self._up.weight
        if (self._drops and layer.training) or torch.is_autocast_enabled(states.device.type):
            return None
        if not states.dtype == weight.dtype == down.dtype == up.dtype:
            return None
        return Adapter(down, up, self._scaling)

    @property
    def cells(self) -> int:
        """Numbers in the weight that `fold` would copy."""
        found = self._to_fold()
        return found[0].numel() if found else 0

    def fold(self, rows: int, scratch: Tensor) -> None:
        """Answers from now on with the adapter added into a copy of the weight, where both are plain float32.

        Args:
            scratch: float32, at least `cells` of it; one for all layers, so that none leaves a hole behind.
        """
        found = self._to_fold()
        if found:
            weight, adapter = found
            whole = scratch[: weight.numel()].view(weight.shape)
            torch.addmm(weight, adapter.up, adapter.down, alpha=adapter.scaling, out=whole)
            self._folded = packed(whole, rows)

    def _to_fold(self) -> tuple[Tensor, Adapter] | None:
        """The layer's own weight and what is added to it, where both are plain and one can hold the other."""
        weight: Tensor | None = self._base.weight if self._plain else None
        if weight is None or weight.dtype != torch.float32 or weight.device.type != "cpu":
            return None
        adapter = self.adapter(weight)
        return None if adapter is None else (weight, adapter)

    def unfold(self) -> None:
        """Answers as before."""
        self._folded = None

    def gated(self, gate: Any, parts: tuple[Tensor, ...], adapter: Adapter) -> Tensor:
        """As called with gate(*parts)."""
        return gated_lora_linear(gate, parts, *self.weights, adapter, product_of(self._base))

    def _is_plain(self, name: str) -> bool:
        layer, base = self._layer, self._layer.base_layer
        biased = layer.lora_A[name].bias is not None or layer.lora_B[name].bias is not None
        learns = any(weight.requires_grad for weight in base.parameters())
        return type(base) is torch.nn.Linear and name not in layer.lora_variant and not biased and not learns


def _gated(block: Any, down: _Joint, states: Tensor) -> Tensor:
    adapter = down.adapter(states)
    if adapter is None:
        found: Tensor = type(block).forward(block, states)
        return found
    return down.gated(_gate(block.act_fn), (block.gate_proj(states), block.up_proj(states)), adapter)


def _gate(act: Any) -> Any:
    return lambda gate, up: act(gate) * up


def _is_gated(kind: type) -> bool:
    """Whether modules of this class compute `GATED` and nothing else."""
    if not kind.__module__.startswith("transformers.models."):
        return False
    try:
        lines = [line.strip() for line in inspect.getsource(kind.forward).splitlines()]  # type: ignore[attr-defined]
    except (OSError, TypeError):
        return False
    return lines[:1] == ["def forward(self, x):"] and lines[1:] in (
        [f"down_proj = {GATED}", "return down_proj"],
        [f"return {GATED}"],
    )
