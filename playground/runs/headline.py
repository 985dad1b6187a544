"""The one number of a run that says most of it: of a method that learns from rewards, its loss says little."""

from collections.abc import Mapping
from typing import NamedTuple

_RANKED = ("eval_rewards/accuracies", "rewards/accuracies")
_EARNED = ("eval_objective/scores", "objective/scores")
HEADLINES: dict[str, tuple[str, ...]] = {
    "sft": ("eval_label_accuracy", "eval_loss"),
    "reward": ("eval_accuracy", "accuracy"),
    "dpo": _RANKED,
    "kto": ("eval_rewards/margins", "rewards/margins"),
    "orpo": _RANKED,
    "ppo": _EARNED,
    "grpo": _EARNED,
    "rloo": _EARNED,
}
"""By method, metrics by TRL's names; the first that a run has is shown, held-out rows before training rows."""


class Headline(NamedTuple):
    """A metric and its last value."""

    metric: str
    value: float


def headline(method: str, metrics: Mapping[str, float | None]) -> Headline | None:
    """What a run of a method came to; None as long as it has nothing to show, or no finite number."""
    found = ((name, metrics.get(name)) for name in HEADLINES.get(method, ()))
    return next((Headline(name, value) for name, value in found if value is not None), None)
