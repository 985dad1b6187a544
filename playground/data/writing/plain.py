"""Prompts and answers as they stand, with nothing of a template's own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.data.records import Message, Record
from playground.data.rendered import Segment
from playground.data.writing.writer import Writer, end_of_sequence, instruction_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def _conversation(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """The turns as they stand, with nothing between them but the end of every answer."""
    end = end_of_sequence(tokenizer)
    segments = []
    before = ""
    for turn in messages:
        if turn.role == "assistant":
            segments += [Segment(before, False), Segment(turn.content + end, True)]
            before = ""
        else:
            before += turn.content
    return (*segments, Segment(before, False)) if before else tuple(segments)


def _prompt(record: Record) -> str | None:
    if record.kind == "label":
        return _lines(record.fields["text"], "")
    return instruction_prompt(record, _lines)


def _lines(instruction: str, further: str) -> str:
    """The texts, each on a line of its own; an empty one has none."""
    return "".join(f"{text}\n" for text in (instruction, further) if text)


WRITER = Writer(_conversation, _prompt)
