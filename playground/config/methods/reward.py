"""Settings of reward modelling."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from playground.config.methods.method import Footprint, MethodSettings
from playground.config.settings import Range


@dataclass(frozen=True)
class RewardModelSettings(MethodSettings):
    """A reward model (Bradley and Terry 1952; Ouyang et al. 2022, arXiv:2203.02155): one score for a prompt and its
    answer, learnt from pairs so that the preferred answer scores higher."""

    section: ClassVar[str] = "reward"
    words = "reward modelling"
    paired = True
    scores = True
    headline = ("eval_accuracy", "accuracy")
    footprint = Footprint(texts=2, logits=False)

    center_rewards_coefficient: Annotated[float, Range(0, 10)] = 0.0
    """Weight of a penalty on the squared sum of both scores, which keeps them around zero (Eisenstein et al. 2023,
    arXiv:2312.09244); 0.01 is usual, 0 leaves scores where they fall."""
    margin_column: str = ""
    """Column of the data that says how much better each preferred answer is at least, as a number; the scores are then
    driven that far apart (Llama 2, Touvron et al. 2023, arXiv:2307.09288). Empty where there is none."""
