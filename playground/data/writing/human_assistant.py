"""Human / Assistant. Source: Anthropic's hh-rlhf, https://github.com/anthropics/hh-rlhf."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.data.records import Message
from playground.data.rendered import Segment
from playground.data.writing.writer import Writer, end_of_sequence, parted

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def _conversation(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """`Human:` and `Assistant:` turns; a system message stands in front of the first, and every answer ends."""
    system, turns = parted(messages)
    end = end_of_sequence(tokenizer)
    before = "".join(system)
    segments = []
    for turn in turns:
        if turn.role == "user":
            segments.append(Segment(f"{before}\n\nHuman: {turn.content}\n\nAssistant:", False))
        else:
            segments.append(Segment(f" {turn.content}{end}", True))
        before = ""
    return tuple(segments)


WRITER = Writer(_conversation)
