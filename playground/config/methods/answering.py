"""Settings of every method that lets the model answer and a reward judge."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from playground.config.methods.method import MethodSettings
from playground.config.rewards import RewardConfig, SentimentReward
from playground.config.settings import Range


@dataclass(frozen=True)
class AnsweringSettings(MethodSettings):
    """What is asked, how answers are drawn, and what makes one good."""

    headline = ("eval_objective/scores", "objective/scores")

    reward: RewardConfig = field(default_factory=SentimentReward)
    """What makes an answer good: one reward by its kind, or a weighted sum of several."""
    max_new_tokens: Annotated[int, Range(1, 4096)] = 32
    """Longest answer, in tokens; it ends earlier at an end-of-sequence token."""
    temperature: Annotated[float, Range(above=0, maximum=5)] = 1.0
    """Answers are drawn at this temperature, and it is the policy at this temperature that learns."""
    top_k: Annotated[int, Range(0)] = 0
    """Only this many likeliest tokens can be drawn; 0 keeps all. Cuts make the answers drawn others than the policy's
    own, which training does not know of."""
    top_p: Annotated[float, Range(above=0, maximum=1)] = 1.0
    """Only the likeliest tokens can be drawn whose probabilities sum to at least this; 1 keeps all, as training
    wants."""
    prompt_min_tokens: Annotated[int, Range(1, 4096)] | None = None
    """Prompts are cut to a random length of at least this many tokens, drawn anew each time; null takes them whole."""
    prompt_max_tokens: Annotated[int, Range(1, 4096)] | None = None
    """The most tokens that a cut prompt has; the course cuts to 2 to 8."""

    def conflicts(self) -> Iterator[str]:
        shortest, longest, name = self.prompt_min_tokens, self.prompt_max_tokens, self.section
        if (shortest is None) != (longest is None):
            yield f"{name}.prompt_min_tokens and {name}.prompt_max_tokens are given together, or neither."
        elif shortest is not None and longest is not None and shortest > longest:
            yield f"{name}.prompt_min_tokens must be at most {name}.prompt_max_tokens, {longest}; got {shortest}."
