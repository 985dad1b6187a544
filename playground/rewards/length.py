"""Length as a reward."""

from collections.abc import Sequence

from playground.config.rewards import LengthReward
from playground.rewards.reward import Bounds, Surroundings


class Length:
    """See `LengthReward`."""

    def __init__(self, settings: LengthReward) -> None:
        self.settings = settings

    @property
    def bounds(self) -> Bounds:
        """One-sided: lengths end at 0 on one side only."""
        best_at_zero = (self.settings.shape == "target") == (self.settings.slope > 0)
        return Bounds(high=0.0) if best_at_zero else Bounds(low=0.0)

    def __call__(self, prompts: Sequence[str], completions: Sequence[str]) -> list[float]:  # noqa: ARG002
        chosen = self.settings
        lengths = [len(text.split()) if chosen.unit == "words" else len(text) for text in completions]
        if chosen.shape == "target":
            # 0.0 is added so that the best is 0 and not -0.
            return [0.0 - chosen.slope * abs(length - chosen.target) for length in lengths]
        return [chosen.slope * length for length in lengths]


def make(settings: LengthReward, _: Surroundings) -> Length:
    """The reward of these settings."""
    return Length(settings)
