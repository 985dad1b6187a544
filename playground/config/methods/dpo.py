"""Settings of direct preference optimisation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from playground.config.methods.method import Footprint, MethodSettings
from playground.config.settings import Range

SMOOTHED = ("robust", "exo_pair")
"""The losses that take some preferences to be wrong."""


@dataclass(frozen=True)
class DPOSettings(MethodSettings):
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290): raises the probability of preferred
    answers over rejected ones, held to a reference by β, without a reward model. The reference is the model that the
    run starts from."""

    section: ClassVar[str] = "dpo"
    words = "direct preference optimisation"
    paired = True
    in_sight = ("beta", "loss")
    headline = ("eval_rewards/accuracies", "rewards/accuracies")
    footprint = Footprint(texts=2, reference=True)

    beta: Annotated[float, Range(above=0, maximum=100)] = 0.1
    """Strength of the pull towards the reference model: small lets the policy go far, large holds it close."""
    loss: Literal[
        "sigmoid", "ipo", "hinge", "robust", "exo_pair", "nca_pair", "bco_pair", "sppo_hard", "apo_zero", "apo_down"
    ] = "sigmoid"
    """What is asked of a pair's implicit rewards β·log(π/π_ref). `sigmoid` is DPO itself; the others cap the margin
    (`ipo`, `hinge`), allow for wrong preferences (`robust`, `exo_pair`), or treat each answer by itself (the rest)."""
    label_smoothing: Annotated[float, Range(0, 0.49)] = 0.0
    """ε, the share of preferences taken to be the wrong way round; of the losses `robust` and `exo_pair` alone."""
    nll: Annotated[float, Range(0, 100)] = 0.0
    """Weight of the preferred answers' mean negative log-likelihood per token, added to the loss (Pang et al. 2024,
    arXiv:2404.19733): it keeps them from becoming less likely. 0 leaves it out; 1 is usual."""
    kl_prompts: Annotated[int, Range(0, 1024)] = 8
    """Held-out prompts that are answered at each evaluation, to measure how far the policy is from the reference; 0
    turns it off."""
    judge: str = ""
    """The finished run of a reward model that scores those answers, so that reward can be seen against divergence; the
    policy does not learn from it. Empty for none."""

    def conflicts(self) -> Iterator[str]:
        if self.label_smoothing and self.loss not in SMOOTHED:
            yield (
                f"dpo.label_smoothing is of the losses {' and '.join(SMOOTHED)} alone, and dpo.loss is {self.loss}; "
                "set it to 0, or take one of them."
            )
        if self.loss == "exo_pair" and not self.label_smoothing:
            yield "dpo.loss exo_pair needs a dpo.label_smoothing above 0, such as 0.001; got 0."
