"""How a record becomes text, and which parts of the text the model is to learn.

A rendered record is a chain of segments: prompts and, in the loss, answers. The last answer ends with the tokenizer's
end-of-sequence token, exactly once, so that the model learns to stop. Nothing is trimmed: what stands in the record
stands in the text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.config.run import TEMPLATES
from playground.data.custom import fill, fill_prompt, is_custom
from playground.data.records import Message, Record
from playground.data.rendered import Pair, Rendered, Segment
from playground.data.writing.writer import Writer, end_of_sequence, writer_of
from playground.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = [
    "TEMPLATES",
    "NoAnswer",
    "Pair",
    "Rendered",
    "Segment",
    "check",
    "end_of_sequence",
    "render",
    "render_pair",
    "render_prompt",
    "render_question",
]


class NoAnswer(DataError):
    """A row that only asks cannot be learnt from."""


def render(record: Record, template: str, tokenizer: "PreTrainedTokenizerBase") -> Rendered:
    """The text that a model is trained on for this record; its last segment is the answer.

    A plain text is learnt whole, whatever the template. A preference is rendered with the answer that was chosen.

    Args:
        template: a name of `TEMPLATES`, or the text of a custom template (`DataSettings.template_text`).

    Raises:
        NoAnswer: the record is a prompt.
        DataError: the template has no place for what the record holds, such as a second turn.
        ModelError: the tokenizer lacks what the template needs.
        ConfigError: there is no such template, or it names fields that the record does not have.
    """
    if record.kind == "prompt":
        raise NoAnswer("The row is a prompt and has no answer to learn.")
    return Rendered(_segments(record, record.answer, template, tokenizer))


def render_question(record: Record, template: str, tokenizer: "PreTrainedTokenizerBase") -> Rendered:
    """What stands before the answer in `render`, also for a record that is only a prompt. Raises as `render`."""
    if record.kind != "prompt":
        return Rendered(render(record, template, tokenizer).prompt_segments)
    asked = record.messages or record.fields["prompt"]
    return Rendered((Segment(render_prompt(asked, template, tokenizer), False),))


def render_pair(record: Record, template: str, tokenizer: "PreTrainedTokenizerBase") -> Pair:
    """Both texts of a preference. Earlier answers in the prompt are read, not learnt.

    Raises:
        DataError: the record is no preference, or the template writes the prompt differently for the two answers.
        ModelError, ConfigError: as `render`.
    """
    if record.kind != "preference":
        raise DataError(f"A preference needs a chosen and a rejected answer; this row is of format {record.kind}.")
    chosen, rejected = (
        Rendered(_segments(record, answer, template, tokenizer)) for answer in (record.answer, record.rejected)
    )
    if chosen.prompt != rejected.prompt:
        raise DataError("The template writes the prompt differently for the two answers, so they cannot be compared.")
    prompt = tuple(Segment(segment.text, False) for segment in chosen.prompt_segments)
    return Pair(
        Rendered(prompt),
        Rendered((*prompt, Segment(chosen.answer, True))),
        Rendered((*prompt, Segment(rejected.answer, True))),
    )


def render_prompt(prompt: str | Sequence[Message], template: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The text that a model is given for a typed prompt, or for a conversation that ends with the user's turn.

    It equals `render(...).prompt` of a record that asks the same; with the template `plain` of a record that came as
    prompt and completion. Raises as `render`.
    """
    messages = [Message("user", prompt)] if isinstance(prompt, str) else list(prompt)
    if is_custom(template):
        if len(messages) > 1:
            raise DataError("A custom template has room for one question; use phi-3, human-assistant or chat.")
        return fill_prompt(template, messages[0].content)
    writer = _writer(template, tokenizer)
    return "".join(segment.text for segment in writer.conversation(messages, tokenizer))


def check(template: str, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raises what `render` would raise for every record: an unknown template, or a tokenizer that cannot serve it."""
    if not is_custom(template):
        _writer(template, tokenizer)
    end_of_sequence(tokenizer)


def _writer(template: str, tokenizer: "PreTrainedTokenizerBase") -> Writer:
    writer = writer_of(template)
    writer.check(tokenizer)
    return writer


def _segments(record: Record, answer: str, template: str, tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """The segments of a record with this text as its last answer."""
    end = end_of_sequence(tokenizer)
    answer = _without_end(answer, end)
    if is_custom(template):
        filled = fill(template, record, answer)
        # A label is a word of its own, and belongs to the space before it.
        space = " " if record.kind == "label" and not filled.prompt[-1:].isspace() else ""
        return _two(filled.prompt, space + filled.answer + end)
    writer = _writer(template, tokenizer)
    if record.kind == "text":
        return _two("", answer + end)
    prompt = writer.prompt(record)
    if prompt is not None:
        return _two(prompt, writer.before_answer + answer + end)
    question = [
        Message(turn.role, _without_end(turn.content, end)) if turn.role == "assistant" else turn
        for turn in _question(record)
    ]
    return writer.conversation([*question, Message("assistant", answer)], tokenizer)


def _two(prompt: str, answer: str) -> tuple[Segment, ...]:
    """Prompt and answer; the answer alone where nothing stands before it."""
    return (Segment(prompt, False), Segment(answer, True)) if prompt else (Segment(answer, True),)


def _question(record: Record) -> tuple[Message, ...]:
    """The turns before the answer."""
    fields = record.fields
    match record.kind:
        case "messages":
            return record.messages[:-1]
        case "preference":
            return record.messages
        case "completion":
            return (Message("user", fields["prompt"]),)
        case "instruction":
            return (Message("user", "\n\n".join(filter(None, (fields["instruction"], fields["input"])))),)
        case _:
            return (Message("user", fields["text"]),)


def _without_end(answer: str, end: str) -> str:
    """The answer without the end-of-sequence text that some data sets carry already."""
    while answer.rstrip().endswith(end):
        answer = answer.rstrip().removesuffix(end)
    return answer
