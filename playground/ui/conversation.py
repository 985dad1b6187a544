"""A conversation as a model reads it: in which words, and how much of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from playground.data.records import Message
from playground.data.templates import render_prompt
from playground.errors import PlaygroundError
from playground.ui.prompts import answered_text, typed_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Form = Literal["model", "run", "plain"]
"""The model's own chat template, the run's, or turns of Human and Assistant where neither has room for several."""
TURNS = frozenset({"human-assistant", "phi-3"})
"""Templates of runs that write more than one turn, without a chat template of the model."""
PLAIN = "human-assistant"
MOST_MESSAGES = 400
LONGEST_MESSAGE = 20_000


class Conversed(NamedTuple):
    """A conversation up to the place where the model answers."""

    ids: list[int]
    form: Form
    dropped: int
    """Messages at the beginning that the context had no room for."""


def conversed(
    messages: Sequence[Message],
    template: str,
    tokenizer: "PreTrainedTokenizerBase",
    room: int,
    *,
    as_trained: bool = False,
) -> Conversed:
    """The newest messages that fit into `room` tokens, whole exchanges; always the last one, however long.

    Args:
        messages: of user and assistant in turn, the last one the user's.
        template: `DataSettings.template_text` of the run.
        as_trained: in the run's words, whatever template the model brings.

    Raises:
        PlaygroundError: the template refuses them.
    """
    form = form_of(template, tokenizer, as_trained=as_trained)
    dropped = 0
    while True:
        ids = _ids(messages[dropped:], template if form == "run" else PLAIN, form, tokenizer)
        if len(ids) <= room or len(messages) - dropped < 3:
            return Conversed(ids, form, dropped)
        dropped += 2


def form_of(template: str, tokenizer: "PreTrainedTokenizerBase", *, as_trained: bool = False) -> Form:
    """In whose words a conversation is written."""
    if as_trained:
        return "run"
    if tokenizer.chat_template:
        return "model"
    return "run" if template in TURNS else "plain"


def _ids(messages: Sequence[Message], template: str, form: Form, tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    from playground.models.prompting import conversation_ids

    if form == "model":
        return conversation_ids(tokenizer, [(message.role, message.content) for message in messages])
    if template in TURNS:
        return typed_ids(render_prompt(messages, template, tokenizer), "", tokenizer)
    # A template for one question: what was said stands before it, each exchange as a row that was learnt.
    questions, answers = messages[::2], messages[1::2]
    before = [
        answered_text(asked.content, said.content, template, tokenizer)
        for asked, said in zip(questions, answers, strict=False)
    ]
    return typed_ids("".join([*before, render_prompt(questions[-1].content, template, tokenizer)]), "", tokenizer)


def messages_of(given: object) -> list[Message]:
    """A conversation out of the page, where anything may stand.

    Raises:
        PlaygroundError: it is none.
    """
    if not isinstance(given, list) or not given or len(given) > MOST_MESSAGES:
        raise PlaygroundError(f"A conversation has 1 to {MOST_MESSAGES} messages; begin a new one.")
    found = [_message(one, "assistant" if place % 2 else "user") for place, one in enumerate(given)]
    if len(found) % 2 == 0:
        raise PlaygroundError("A conversation that is to be answered ends with a message of the user.")
    return found


def _message(given: object, role: Literal["user", "assistant"]) -> Message:
    words = given.get("content") if isinstance(given, dict) and given.get("role") == role else None
    if not isinstance(words, str):
        raise PlaygroundError("A conversation is of messages by user and assistant in turn, each with its words.")
    if role == "user" and not words.strip():
        raise PlaygroundError("The message is empty; type something.")
    if len(words) > LONGEST_MESSAGE:
        raise PlaygroundError(f"A message has at most {LONGEST_MESSAGE:,} characters; got {len(words):,}.")
    return Message(role, words)
