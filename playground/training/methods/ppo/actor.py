"""Policy, reference and value function on one frozen trunk.

The policy is the model with its LoRA adapter, the reference the same model with the adapter off, and the value function
one linear layer on the states from which the policy's logits are made. Where every weight is trained there is no trunk
left to share, and the reference is a copy.

The model stays in evaluation mode: dropout would make the policy that learns another than the one that drew.
"""

import contextlib
import copy
import functools
import inspect
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import torch
from peft import PeftModel
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from playground.core.token_scores import token_scores
from playground.models.quick import product_of
from playground.models.quick_lora import quicken_adapter

Entropy = Literal["no", "seen", "learnt"]
"""What is wanted of the entropy of the distributions that answers are drawn from."""


class Reading(NamedTuple):
    """What a model says of B answers of up to T tokens, token by token; all (B, T), anything behind an answer's end."""

    logps: Tensor
    """log π of each token, at the temperature of the run."""
    values: Tensor
    """What the value function expects before each token."""
    entropy: Tensor | None
    """In nats, of the distribution over the whole vocabulary; None where it was not asked for."""

    def rows(self, wanted: Tensor) -> "Reading":
        """Of some of the answers, by their numbers."""
        entropy = None if self.entropy is None else self.entropy[wanted]
        return Reading(self.logps[wanted], self.values[wanted], entropy)


class Actor:
    """The three of them."""

    def __init__(self, model: Any, *, temperature: float, compute: str, checkpointing: bool = False) -> None:
        """Takes a causal model whose trainable weights require gradients already.

        Args:
            model: with a LoRA adapter (a `PeftModel`), or one whose every weight is trained.
            temperature: logits are divided by it, as where answers are drawn.
            compute: number format of the matrix products, as in `Precision`.
            checkpointing: for its gradient a reading keeps what goes into each block, and makes the rest again.
        """
        self.model: PreTrainedModel | PeftModel = model
        self.model.eval()
        self.device = model.device
        self.temperature = temperature
        self.compute: torch.dtype = getattr(torch, compute)
        self._lean = True
        """Whether logits are the states times the output layer's weight, as far as has been seen."""
        self._copy = None if isinstance(model, PeftModel) else _frozen(model)
        quicken_adapter(model)
        if checkpointing:
            _recompute(model)
        width = model.get_output_embeddings().weight.shape[1]
        # Outside of the model, so that no adapter lands on it. At zero it expects nothing, and learns from there.
        self.value_head = torch.nn.Linear(width, 1, device=self.device)
        torch.nn.init.zeros_(self.value_head.weight)
        torch.nn.init.zeros_(self.value_head.bias)

    def trained(self) -> dict[str, torch.nn.Parameter]:
        """Everything that learns, by name."""
        found = {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}
        return found | {f"value_head.{name}": weight for name, weight in self.value_head.named_parameters()}

    def read(self, ids: Tensor, attention: Tensor, answer: int, *, entropy: Entropy = "no") -> Reading:
        """What the policy says of the last `answer` columns of `ids`, given what stands before each.

        Args:
            ids: (B, P + T), prompts padded on the left and answers on the right.
            attention: (B, P + T), 1 where there is a token.
            answer: T.
            entropy: "seen" gives it without gradient, "learnt" with.
        """
        return self._read(self.model, ids, attention, answer, entropy)

    @contextlib.contextmanager
    def reference(self) -> Iterator["Actor"]:
        """While the block lasts, this actor reads as the reference. To be entered without gradients, and seldom: it
        takes a walk over all modules."""
        model = self.model
        with contextlib.ExitStack() as stack:
            if self._copy is not None:
                self.model = self._copy
            else:
                # On its way out it lets adapters require gradients again as peft thinks fit: right for one alone.
                stack.enter_context(model.disable_adapter())  # type: ignore[operator]
            try:
                yield self
            finally:
                self.model = model

    def autocast(self) -> torch.autocast:
        """Matrix products in the run's number format."""
        return torch.autocast(self.device.type, self.compute, enabled=self.compute != torch.float32)

    def _read(self, model: Any, ids: Tensor, attention: Tensor, answer: int, entropy: Entropy) -> Reading:
        # The state at a token predicts the next one, so the last token of all predicts nothing that is asked for.
        given, seen, answers = ids[:, :-1], attention[:, :-1], ids[:, -answer:]
        lean = self._lean and entropy != "learnt" and _is_frozen_linear(model.get_output_embeddings())
        with self.autocast(), _states(model, alone=lean) as states:
            logits = model(
                input_ids=given,
                attention_mask=seen,
                use_cache=False,
                logits_to_keep=answer,
                **positions(model, seen),
            ).logits
        if lean and not torch.equal(logits, states[0]):
            # This model does something to its logits (caps or scales them) that must not be left out.
            self._lean = False
            return self._read(model, ids, attention, answer, entropy)
        values = self.value_head(states[0].float()).squeeze(-1)
        if lean:
            head = model.get_output_embeddings()
            found = token_scores(
                logits.flatten(0, 1), head.weight, answers.flatten(), self.temperature, entropy=entropy == "seen",
                product=product_of(head),
            )  # fmt: skip
            entropies = None if found.entropy is None else found.entropy.view_as(answers)
            return Reading(found.logps.view_as(answers), values, entropies)
        logits = logits.float() if self.temperature == 1 else logits.float() / self.temperature
        logps = -cross_entropy(logits.flatten(0, 1), answers.flatten(), reduction="none").view_as(answers)
        return Reading(logps, values, None if entropy == "no" else _entropy(logits))


def _recompute(model: torch.nn.Module) -> None:
    """Gradient checkpointing as transformers has it, which does it in training mode alone."""
    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.forward = functools.partial(_checkpointed, module.forward)


def _checkpointed(forward: Any, *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    # No random numbers are drawn in evaluation mode.
    return checkpoint(forward, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)


@contextlib.contextmanager
def _states(model: Any, *, alone: bool) -> Iterator[list[Tensor]]:
    """While the block lasts, whatever the output layer is given is put into the list; with `alone` the layer hands that
    on and makes no logits."""
    head = model.get_output_embeddings()
    found: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    forward = head.forward
    if alone:
        head.forward = _as_given
    try:
        yield found
    finally:
        hook.remove()
        head.forward = forward


def _as_given(states: Tensor) -> Tensor:
    return states


def _is_frozen_linear(head: Any) -> bool:
    """Whether an output layer is one matrix that does not learn, and nothing else."""
    plain: bool = type(head) is torch.nn.Linear and head.bias is None
    return plain and not head.weight.requires_grad


def positions(model: Any, attention: Tensor) -> dict[str, Tensor]:
    """`position_ids` for the models that take them: padding in front of a text must not move it."""
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    taken = _takes_positions(type(base))  # type: ignore[arg-type]  # a class can be hashed
    return {"position_ids": (attention.cumsum(1) - 1).clamp(min=0)} if taken else {}


@functools.cache
def _takes_positions(kind: type) -> bool:
    return "position_ids" in inspect.signature(kind.forward).parameters  # type: ignore[attr-defined]


def _entropy(logits: Tensor) -> Tensor:
    """(B, T, vocabulary) -> (B, T), in nats; row by row, because each row's copies are large."""
    found = []
    for row in logits:
        logps = row.log_softmax(dim=-1)
        found.append(-(logps.exp() * logps).sum(dim=-1))
    return torch.stack(found)


def _frozen(model: PreTrainedModel) -> PreTrainedModel:
    frozen = copy.deepcopy(model)
    frozen.requires_grad_(False)
    return frozen
