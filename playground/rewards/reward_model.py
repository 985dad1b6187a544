"""A reward model of ours as a reward."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from playground.config.rewards import TrainedReward
from playground.errors import ConfigError
from playground.rewards.reward import Bounds, Surroundings
from playground.rewards.scoring import RewardModel, reward_model_of


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


def make(settings: TrainedReward, around: Surroundings) -> Trained:
    """The reward of these settings, its model loaded.

    Raises:
        ConfigError: no run is named.
    """
    if not settings.run:
        raise ConfigError(["reward.reward_model.run is empty; choose a finished run of a reward model."])
    return Trained(reward_model_of(settings.run, report=around.report, stop=around.stop), settings, around.stop)
