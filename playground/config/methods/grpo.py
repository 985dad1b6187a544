"""Settings of group relative policy optimisation."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from playground.config.methods.answering import AnsweringSettings
from playground.config.settings import Range


@dataclass(frozen=True)
class GRPOSettings(AnsweringSettings):
    """Group relative policy optimisation (Shao et al. 2024, arXiv:2402.03300): each prompt is answered several times,
    and an answer that earned more than its group's mean becomes likelier. Like PPO without a value function."""

    section: ClassVar[str] = "grpo"
    words = "group relative policy optimisation"
    in_sight = ("group_size", "max_new_tokens", "beta")

    group_size: Annotated[int, Range(2, 1024)] = 8
    """Answers to each prompt. `training.batch_size` × `gradient_accumulation` answers are drawn for a step, so it must
    be a multiple of this."""
    loss: Literal["grpo", "dr_grpo", "bnpo", "dapo"] = "grpo"
    """How tokens are averaged: within each answer (`grpo`), over a constant (`dr_grpo`, which does not favour long
    answers), or over all tokens of a batch (`bnpo`) or of a step (`dapo`)."""
    scale: Literal["group", "batch", "none"] = "group"
    """What advantages are divided by: the standard deviation within the group, within the batch, or nothing."""
    beta: Annotated[float, Range(0, 100)] = 0.04
    """Price of a nat per token of divergence from the reference, in the loss (k3); 0 has no reference."""
    clip_range: Annotated[float, Range(above=0, maximum=1)] = 0.2
    """ε: a token's probability is driven at most to 1 ± ε times what it was when it was drawn."""
    update_epochs: Annotated[int, Range(1, 100)] = 1
    """Times that the answers of a step are learnt from; above 1 clipping begins to matter."""
