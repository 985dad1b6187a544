"""Settings of REINFORCE leave-one-out."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from playground.config.methods.answering import AnsweringSettings
from playground.config.settings import Range


@dataclass(frozen=True)
class RLOOSettings(AnsweringSettings):
    """REINFORCE leave-one-out (Ahmadian et al. 2024, arXiv:2402.14740): each prompt is answered several times, and an
    answer is measured against the mean of the others. No value function, whole answers instead of tokens."""

    section: ClassVar[str] = "rloo"
    words = "REINFORCE leave-one-out"
    in_sight = ("group_size", "max_new_tokens", "beta")

    group_size: Annotated[int, Range(2, 1024)] = 4
    """Answers to each prompt. `training.batch_size` × `gradient_accumulation` answers are drawn for a step, so it must
    be a multiple of this."""
    beta: Annotated[float, Range(0, 100)] = 0.05
    """Price of a nat of divergence from the reference, taken off an answer's reward; 0 has no reference."""
    clip_range: Annotated[float, Range(above=0, maximum=1)] = 0.2
    """ε: an answer's probability is driven at most to 1 ± ε times what it was when it was drawn."""
    update_epochs: Annotated[int, Range(1, 100)] = 1
    """Times that the answers of a step are learnt from; above 1 clipping begins to matter."""
    normalise: bool = False
    """Bring the advantages of a step to mean 0 and variance 1."""
