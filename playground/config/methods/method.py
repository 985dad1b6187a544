"""What the whole app asks of a method: its settings, and what must be known of it where no trainer can be loaded."""

from typing import ClassVar, NamedTuple

from playground.config.settings import Settings


class Footprint(NamedTuple):
    """What a row of the data takes in training, for the estimate of memory."""

    texts: int = 1
    """Texts that are read with gradients for it."""
    logits: bool = True
    """Whether next tokens are predicted, which takes a number for each entry of the vocabulary."""
    reference: bool = False
    """Whether the model as it was is needed, of which a copy is kept where every weight is trained."""


class MethodSettings(Settings):
    """Base of every method's own settings. What a method leaves as it is here holds of it."""

    words: ClassVar[str]
    """Its name, as a sentence has it."""
    paired: ClassVar[bool] = False
    """Whether its data must hold a preferred answer beside a rejected one."""
    scores: ClassVar[bool] = False
    """Whether what it leaves gives scores and writes no text."""
    soft_prompts: ClassVar[bool] = False
    """Whether a soft prompt can be what learns. It cannot where the model is compared with itself without its adapter,
    or scores with a head of its own."""
    in_sight: ClassVar[tuple[str, ...]] = ()
    """Settings that a form does not fold away; all of them where none is named."""
    headline: ClassVar[tuple[str, ...]] = ("eval_loss",)
    """Metrics by TRL's names, held-out rows before training rows: the first that a run has says most of it."""
    footprint: ClassVar[Footprint] = Footprint()
