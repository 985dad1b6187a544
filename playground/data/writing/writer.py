"""What every named template is, and what several of them share."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.config.run import CUSTOM, TEMPLATES
from playground.data.records import Message, Record
from playground.data.rendered import Segment
from playground.errors import ConfigError, DataError, ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def _nothing_needed(_: "PreTrainedTokenizerBase") -> None:
    """For a template that every tokenizer can serve."""


def _no_place(_: Record) -> None:
    """For a template that knows conversations only."""


@dataclass(frozen=True)
class Writer:
    """How one template writes."""

    conversation: Callable[[Sequence[Message], "PreTrainedTokenizerBase"], tuple[Segment, ...]]
    """Segments of a conversation. Where the last turn is the user's, they end where an answer would begin."""
    prompt: Callable[[Record], str | None] = _no_place
    """What stands before the answer of a row whose fields have places of their own; None where the row is written as
    a conversation. Raises `DataError` for a row of which the template makes nothing."""
    before_answer: str = ""
    """Between the prompt of such a row and its answer, learnt with the answer."""
    check: Callable[["PreTrainedTokenizerBase"], None] = _nothing_needed
    """Raises `ModelError` where a tokenizer lacks what the template needs."""


def writer_of(template: str) -> Writer:
    """The writer of a name of `TEMPLATES` but `custom`: `WRITER` of the module of that name.

    Raises:
        ConfigError: there is no such template.
    """
    if template == CUSTOM:
        raise ConfigError(["data.custom_template is needed where data.template is custom; it is empty."])
    if template not in TEMPLATES:
        raise ConfigError([f"data.template must be one of {', '.join(TEMPLATES)}; got {template!r}."])
    writer: Writer = importlib.import_module(f"playground.data.writing.{template.replace('-', '_')}").WRITER
    return writer


def with_places(prompt: Callable[[str, str], str]) -> Writer:
    """The writer of a template with one place for an instruction and one for an input: (instruction, input) -> prompt.

    A conversation is its system message and one question in the place of the instruction.
    """

    def conversation(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
        system, turns = parted(messages)
        if len(turns) > 2:
            raise DataError(
                f"The conversation has {(len(turns) + 1) // 2} exchanges and the template has room for one; "
                "use phi-3, human-assistant or chat."
            )
        asked = "\n\n".join([*system, turns[0].content])
        segments = [Segment(prompt(asked, ""), False)]
        if len(turns) == 2:
            segments.append(Segment(turns[1].content + end_of_sequence(tokenizer), True))
        return tuple(segments)

    return Writer(conversation, prompt=lambda record: instruction_prompt(record, prompt))


def instruction_prompt(record: Record, prompt: Callable[[str, str], str]) -> str | None:
    """The prompt of a row with an instruction; None of any other."""
    fields = record.fields
    return prompt(fields["instruction"], fields["input"]) if "instruction" in fields else None


def end_of_sequence(tokenizer: "PreTrainedTokenizerBase") -> str:
    """The text of the token that ends an answer."""
    token = tokenizer.eos_token
    if not isinstance(token, str):
        raise ModelError(
            "This model's tokenizer has no end-of-sequence token, so a tuned model could not learn to stop; "
            "choose a model whose tokenizer_config.json names an eos_token."
        )
    return token


def ended(segments: Sequence[Segment], end: str) -> tuple[Segment, ...]:
    """The segments, the last answer of which ends with the end-of-sequence text."""
    *others, last = segments
    if last.in_loss and not last.text.endswith(end):
        last = Segment(last.text + end, True)
    return (*others, last)


def parted(messages: Sequence[Message]) -> tuple[list[str], list[Message]]:
    """The text of the system message, if any, and the turns after it."""
    system = [message.content for message in messages if message.role == "system"]
    return system, [message for message in messages if message.role != "system"]
