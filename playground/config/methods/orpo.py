"""Settings of odds ratio preference optimisation."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from playground.config.methods.method import Footprint, MethodSettings
from playground.config.settings import Range


@dataclass(frozen=True)
class ORPOSettings(MethodSettings):
    """Odds ratio preference optimisation (Hong et al. 2024, arXiv:2403.07691): learns to write the preferred answers as
    SFT does and, in the same step, raises their odds over the rejected ones. It has no reference to be held to, so it
    needs no SFT run before it."""

    section: ClassVar[str] = "orpo"
    words = "odds ratio preference optimisation"
    paired = True
    in_sight = ("beta",)
    headline = ("eval_rewards/accuracies", "rewards/accuracies")
    footprint = Footprint(texts=2, reference=True)

    beta: Annotated[float, Range(above=0, maximum=100)] = 0.1
    """Weight of the odds ratio beside the likelihood: λ of the paper, β in most programs."""
    kl_prompts: Annotated[int, Range(0, 1024)] = 8
    """Held-out prompts that are answered at each evaluation, to measure how far the policy is from the model that it
    started from; 0 turns it off."""
    judge: str = ""
    """The finished run of a reward model that scores those answers, so that reward can be seen against divergence; the
    policy does not learn from it. Empty for none."""
