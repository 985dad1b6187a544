"""The text of a record in segments: what is read, and what is learnt."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """A stretch of text that is either learnt or only read."""

    text: str
    in_loss: bool


@dataclass(frozen=True)
class Rendered:
    """The text of one record, in segments."""

    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(segment.text for segment in self.segments)

    @property
    def prompt_segments(self) -> tuple[Segment, ...]:
        """What stands before the last answer; everything where there is none."""
        return self.segments[:-1] if self.segments and self.segments[-1].in_loss else self.segments

    @property
    def prompt(self) -> str:
        """The text before the last answer: what the model is given at inference."""
        return "".join(segment.text for segment in self.prompt_segments)

    @property
    def answer(self) -> str:
        """The last answer with its end-of-sequence token; empty where there is none."""
        return "".join(segment.text for segment in self.segments[len(self.prompt_segments) :])


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt."""

    prompt: Rendered
    chosen: Rendered
    """The prompt and the answer that was liked more, the answer alone in the loss."""
    rejected: Rendered
