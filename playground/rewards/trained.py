"""A reward model of ours as a reward."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from playground.config.rewards import TrainedReward
from playground.rewards.reward import Bounds
from playground.rewards.scoring import RewardModel


@dataclass(frozen=True)
class Trained:
    """See `TrainedReward`."""

    model: RewardModel
    settings: TrainedReward
    stop: threading.Event

    @property
    def bounds(self) -> Bounds:
        """A score may be anything."""
        return Bounds()

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:
        if self.settings.prompt == "question":
            # Rollouts ask one prompt many times.
            known = {prompt: self.model.rendered(prompt) for prompt in dict.fromkeys(prompts)}
            prompts = [known[prompt] for prompt in prompts]
        return self.model.score(prompts, completions, batch_size=self.settings.batch_size, stop=self.stop)
