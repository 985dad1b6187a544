"""A text and the question for its label, as the course has it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.data.records import Message, Record
from playground.data.rendered import Segment
from playground.data.writing.writer import Writer
from playground.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def _conversation(messages: Sequence[Message], _: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """A typed text; rows with labels are rendered from their fields."""
    if len(messages) > 1:
        raise DataError("The template classification takes one text, not a conversation.")
    return (Segment(_asked(messages[0].content), False),)


def _prompt(record: Record) -> str:
    if record.kind != "label":
        raise DataError(
            f"The template classification takes rows of text and label; this row is of format {record.kind}."
        )
    return _asked(record.fields["text"])


def _asked(text: str) -> str:
    return f"text : {text} Label :"


WRITER = Writer(_conversation, _prompt, before_answer=" ")
