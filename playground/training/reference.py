"""The model that a policy started from and is held to: the policy with its adapter off, or a copy kept aside."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel


class Reference:
    """π_ref of a policy."""

    def __init__(self, policy: PeftModel | PreTrainedModel, copy: PreTrainedModel | None) -> None:
        """`copy` is the policy as it was at the start, where every weight of it is trained."""
        self._policy = policy
        self._copy = copy

    @contextmanager
    def model(self) -> Iterator[Any]:
        """The reference, to be called like the policy itself; without gradients."""
        with torch.no_grad():
            if self._copy is not None:
                yield self._copy
            elif isinstance(self._policy, PeftModel):
                with self._policy.disable_adapter():
                    yield self._policy
            else:
                raise TypeError("A policy without an adapter needs a copy of itself as reference.")


def without_dropout(model: PreTrainedModel) -> None:
    """Makes the model compute the same in training as in evaluation, so that log π − log π_ref is no noise.

    An adapter put on afterwards keeps its own dropout. Modules hold their rate as a number of a name of their own, such
    as OPT's `dropout` and `layerdrop`, or have a module for it.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name, value in vars(module).items():
            if isinstance(value, float) and ("dropout" in name or name == "layerdrop"):
                setattr(module, name, 0.0)
