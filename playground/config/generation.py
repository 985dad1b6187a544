"""How text is drawn from a model: the settings of Compare, Evaluate and the samples of a run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from playground.config.settings import Range, Settings


@dataclass(frozen=True)
class GenerationSettings(Settings):
    """Decoding of one answer. Temperature, the cuts and the seed act on `sampling` alone, the penalties always."""

    section: ClassVar[str] = "generation"

    strategy: Literal["greedy", "sampling", "beam"] = "greedy"
    """Greedy takes the likeliest token each time, sampling draws from the distribution, beam search keeps the best
    few partial answers."""
    max_new_tokens: Annotated[int, Range(1, 4096)] = 50
    """Longest answer, in tokens; it ends earlier at an end-of-sequence token."""
    temperature: Annotated[float, Range(0, 5)] = 1.0
    """Logits are divided by it before the softmax: below 1 sharpens, above 1 flattens, 0 is greedy."""
    top_k: Annotated[int, Range(0)] = 0
    """Only this many likeliest tokens stay; 0 keeps all."""
    top_p: Annotated[float, Range(0, 1)] = 1.0
    """The smallest set of likeliest tokens whose probabilities sum to at least this stays; 1 keeps all."""
    min_p: Annotated[float, Range(0, 1)] = 0.0
    """Tokens less likely than this share of the likeliest token's probability are cut; 0 keeps all."""
    typical_p: Annotated[float, Range(above=0, maximum=1)] = 1.0
    """The tokens whose surprise, -ln p, is nearest to the entropy stay, until their probabilities sum to at least this;
    the likeliest may go; 1 keeps all."""
    repetition_penalty: Annotated[float, Range(above=0, maximum=10)] = 1.0
    """Logits of tokens already in the text are divided by it where positive, multiplied where negative; 1 is off."""
    presence_penalty: Annotated[float, Range(-2, 2)] = 0.0
    """Taken off the logit of every token that is in the text already, prompt included; 0 is off."""
    frequency_penalty: Annotated[float, Range(-2, 2)] = 0.0
    """Taken off a token's logit once for each time it is in the text already, prompt included; 0 is off."""
    num_beams: Annotated[int, Range(1, 32)] = 5
    """Partial answers kept by beam search."""
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    """Start of the random numbers; the same seed gives the same answer, whatever else is in the batch."""

    def conflicts(self) -> Iterator[str]:
        if self.strategy == "beam" and self.num_beams < 2:
            yield f"generation.num_beams must be at least 2 for beam search; got {self.num_beams}."
