"""Group relative policy optimisation: TRL's `GRPOTrainer` on PPO's prompts and rewards."""

from typing import Any, cast

import torch
from trl import GRPOConfig, GRPOTrainer

from playground.config.methods.grpo import GRPOSettings
from playground.config.run import RunConfig
from playground.runs.context import JobContext
from playground.training.groups import DIVERGENCE, GroupTrainer, train_in_groups
from playground.training.outcome import Outcome


class WatchedGRPOTrainer(GroupTrainer, GRPOTrainer):  # type: ignore[misc]  # trl carries no types
    """TRL's trainer with our watch on it."""

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self._looked = found[0].detach()
        return found

    def _compute_loss(self, model: torch.nn.Module, inputs: dict[str, Any]) -> Any:
        """TRL's, and the divergence of whole answers by the policy that drew them."""
        loss = super()._compute_loss(model, inputs)
        if (reference := inputs.get("ref_per_token_logps")) is not None:
            drew = inputs.get("old_per_token_logps")
            ratio = (self._looked if drew is None else drew) - reference
            divergence = torch.where(inputs["completion_mask"].bool(), ratio, 0.0).sum(dim=1).mean()
            self._metrics["train" if model.training else "eval"][DIVERGENCE].append(divergence.item())
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's; the divergence is told where answers were drawn, and not for those that are learnt from again."""
        for found in self._metrics.values():
            if not found.get("length"):
                found.pop(DIVERGENCE, None)
        super().log(logs, start_time)


def train(config: RunConfig, context: JobContext) -> Outcome:
    """As `train_in_groups`."""
    settings = cast("GRPOSettings", config.options)
    own = {"loss_type": settings.loss, "scale_rewards": settings.scale}
    return train_in_groups(config, context, WatchedGRPOTrainer, GRPOConfig, own)
