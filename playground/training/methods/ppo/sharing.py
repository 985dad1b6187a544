"""One backbone in memory for the policy and the reward models that stand on the same one."""

import torch

from playground.rewards.combined import Sum
from playground.rewards.reward_model import Trained


def share_backbone(policy: torch.nn.Module, reward: Sum) -> int:
    """Lets the reward models read the policy's own frozen weights wherever theirs are equal to the last bit.

    Adapters and heads stay everybody's own, so nothing is ever switched between the two.

    Returns:
        Bytes that were held twice and no longer are.
    """
    frozen = {_plain(name): weight for name, weight in policy.named_parameters() if not weight.requires_grad}
    freed = 0
    for part in reward.parts:
        if not isinstance(part.reward, Trained):
            continue
        for name, weight in part.reward.model.model.named_parameters():
            ours = frozen.get(_plain(name))
            if ours is not None and not weight.requires_grad and _equal(ours, weight):
                weight.data = ours.data
                freed += weight.nbytes
    return freed


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    alike = (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)
    return alike and one.data_ptr() != other.data_ptr() and torch.equal(one, other)


def _plain(name: str) -> str:
    """A weight's name without what an adapter puts around it."""
    return name.removeprefix("base_model.model.").replace(".base_layer.", ".")
