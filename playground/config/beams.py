"""How a beam search goes: the settings of the Distribution tab's tree, named as transformers' `generate` names them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from playground.config.settings import Range, Settings


@dataclass(frozen=True)
class BeamSettings(Settings):
    """One beam search. Its defaults for penalty and early stopping are those of `generate`."""

    section: ClassVar[str] = "beam"

    num_beams: Annotated[int, Range(1, 16)] = 4
    """Texts that are kept at every step; 1 is greedy search, which goes on with the likeliest token alone."""
    max_new_tokens: Annotated[int, Range(1, 128)] = 20
    """Steps of the search, one token each; a text that ends before leaves the search there."""
    length_penalty: Annotated[float, Range(-5, 5)] = 1.0
    """A finished text's score is its log-probability divided by its length to this power: 0 compares bare
    log-probabilities, which favours short texts, and more favours longer ones."""
    early_stopping: Literal["false", "true", "never"] = "false"
    """When to end before the last step: "true" as soon as there are as many finished texts as beams; "false" once the
    best open text, if it ended now, would not beat the worst of them; "never" only when its longest continuation could
    not either."""
    no_repeat_ngram_size: Annotated[int, Range(0, 20)] = 0
    """No run of this many tokens may come twice, prompt included; 0 lets everything repeat."""
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    """Start of the random numbers of the texts that are drawn for comparison; the search itself has none."""
