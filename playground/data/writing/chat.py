"""The tokenizer's own chat template."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.config.run import TEMPLATES
from playground.data.records import Message
from playground.data.rendered import Segment
from playground.data.writing.writer import Writer, end_of_sequence, ended
from playground.errors import DataError, ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def _conversation(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """The chat template, cut where answers begin and end.

    An answer is what the template adds between the generation prompt and the end of its turn. Some templates write an
    earlier turn differently from the last one (they leave out its reasoning): such a turn stays out of the loss.
    """
    end = end_of_sequence(tokenizer)
    if messages[-1].role != "assistant":
        return (Segment(_apply(messages, tokenizer, answer_next=True), False),)
    whole = _apply(messages, tokenizer)
    segments: list[Segment] = []
    done = 0
    for place, turn in enumerate(messages):
        if turn.role != "assistant":
            continue
        prompt = _apply(messages[:place], tokenizer, answer_next=True)
        # Many templates write a line break after the last end of turn; nobody needs to learn it.
        text = _apply(messages[: place + 1], tokenizer).rstrip()
        if whole.startswith(text) and text.startswith(prompt) and len(text) > len(prompt):
            segments += [Segment(whole[done : len(prompt)], False), Segment(text[len(prompt) :], True)]
            done = len(text)
        elif place == len(messages) - 1:
            # The generation prompt is not how the template writes a finished turn; what inference sees goes first.
            return ended([Segment(prompt, False), Segment(turn.content, True)], end)
    return ended(segments, end)


def _apply(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase", *, answer_next: bool = False) -> str:
    from jinja2 import TemplateError

    try:
        text = tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in messages],
            tokenize=False,
            add_generation_prompt=answer_next,
            enable_thinking=False,  # Qwen3 and its like: answers here are plain; other templates do not look at it
        )
    except TemplateError as error:
        raise DataError(f"The model's chat template refuses the conversation: {error}.") from error
    return str(text)


def _check(tokenizer: "PreTrainedTokenizerBase") -> None:
    if not tokenizer.chat_template:
        others = ", ".join(name for name in TEMPLATES if name != "chat")
        raise ModelError(f"This model's tokenizer has no chat template; choose another data.template: {others}.")


WRITER = Writer(_conversation, check=_check)
