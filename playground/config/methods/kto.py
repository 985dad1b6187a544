"""Settings of Kahneman–Tversky optimisation."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from playground.config.methods.method import Footprint, MethodSettings
from playground.config.settings import Range


@dataclass(frozen=True)
class KTOSettings(MethodSettings):
    """Kahneman–Tversky optimisation (Ethayarajh et al. 2024, arXiv:2402.01306): learns from single answers known to be
    good or bad, where DPO needs both to one prompt. Here both sides of a pair become rows of their own, so that
    `training.batch_size` counts answers."""

    section: ClassVar[str] = "kto"
    words = "Kahneman–Tversky optimisation"
    paired = True
    in_sight = ("beta",)
    headline = ("eval_rewards/margins", "rewards/margins")
    footprint = Footprint(reference=True)

    beta: Annotated[float, Range(above=0, maximum=100)] = 0.1
    """Strength of the pull towards the reference model: small lets the policy go far, large holds it close."""
    desirable_weight: Annotated[float, Range(0, 100)] = 1.0
    """Weight of good answers in the loss; raise it where they are fewer, so that both sides weigh about the same."""
    undesirable_weight: Annotated[float, Range(0, 100)] = 1.0
    """Weight of bad answers in the loss."""
    kl_prompts: Annotated[int, Range(0, 1024)] = 8
    """Held-out prompts that are answered at each evaluation, to measure how far the policy is from the reference; 0
    turns it off."""
    judge: str = ""
    """The finished run of a reward model that scores those answers, so that reward can be seen against divergence; the
    policy does not learn from it. Empty for none."""
