"""How a record becomes text, and which parts of the text the model is to learn.

A rendered record is a chain of segments: prompts and, in the loss, answers. The last answer ends with the tokenizer's
end-of-sequence token, exactly once, so that the model learns to stop. Nothing is trimmed: what stands in the record
stands in the text.

Sources: Alpaca, https://github.com/tatsu-lab/stanford_alpaca (train.py); Phi-3,
https://huggingface.co/microsoft/Phi-3-mini-4k-instruct; Human / Assistant, Anthropic's hh-rlhf.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.data.records import Message, Record
from playground.errors import ConfigError, DataError, ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ALPACA_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
)
ALPACA = "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
PHI3_END = "<|end|>"


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


def render(record: Record, template: str, tokenizer: "PreTrainedTokenizerBase") -> Rendered:
    """The text that a model is trained on for this record; its last segment is the answer.

    Raises:
        DataError: the template has no place for what the record holds, such as a second turn.
        ModelError: the tokenizer lacks what the template needs.
        ConfigError: there is no such template.
    """
    write = _writer(template, tokenizer)
    end = end_of_sequence(tokenizer)
    messages = [
        Message(turn.role, _without_end(turn.content, end)) if turn.role == "assistant" else turn
        for turn in _messages(record)
    ]
    if record.kind == "instruction" and template in SINGLE_TURN:
        prompt = SINGLE_TURN[template](record.fields["instruction"], record.fields["input"])
        return Rendered((Segment(prompt, False), Segment(messages[-1].content + end, True)))
    return Rendered(write(messages, tokenizer))


def render_prompt(prompt: str | Sequence[Message], template: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The text that a model is given for a typed prompt, or for a conversation that ends with the user's turn.

    It equals `render(...).prompt` of a record that asks the same. Raises as `render`.
    """
    write = _writer(template, tokenizer)
    messages = [Message("user", prompt)] if isinstance(prompt, str) else list(prompt)
    return "".join(segment.text for segment in write(messages, tokenizer))


def check(template: str, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raises what `render` would raise for every record: an unknown template, or a tokenizer that cannot serve it."""
    _writer(template, tokenizer)
    end_of_sequence(tokenizer)


def end_of_sequence(tokenizer: "PreTrainedTokenizerBase") -> str:
    """The text of the token that ends an answer."""
    token = tokenizer.eos_token
    if not isinstance(token, str):
        raise ModelError(
            "This model's tokenizer has no end-of-sequence token, so a tuned model could not learn to stop; "
            "choose a model whose tokenizer_config.json names an eos_token."
        )
    return token


Writer = Callable[[Sequence[Message], "PreTrainedTokenizerBase"], tuple[Segment, ...]]
"""Segments of a conversation. Where the last turn is the user's, they end where an answer would begin."""


def _writer(template: str, tokenizer: "PreTrainedTokenizerBase") -> Writer:
    if template not in WRITERS:
        raise ConfigError([f"data.template must be one of {', '.join(TEMPLATES)}; got {template!r}."])
    if template == "chat" and not tokenizer.chat_template:
        others = ", ".join(name for name in TEMPLATES if name != "chat")
        raise ModelError(f"This model's tokenizer has no chat template; choose another data.template: {others}.")
    return WRITERS[template]


def _messages(record: Record) -> tuple[Message, ...]:
    match record.kind:
        case "messages":
            return record.messages
        case "completion":
            return (Message("user", record.fields["prompt"]), Message("assistant", record.answer))
        case "instruction":
            parts = [record.fields["instruction"], record.fields["input"]]
            return (Message("user", "\n\n".join(filter(None, parts))), Message("assistant", record.answer))


def _without_end(answer: str, end: str) -> str:
    """The answer without the end-of-sequence text that some data sets carry already."""
    while answer.rstrip().endswith(end):
        answer = answer.rstrip().removesuffix(end)
    return answer


def _alpaca(instruction: str, further: str) -> str:
    return (ALPACA_WITH_INPUT if further else ALPACA) + _instruction_response(instruction, further)


def _instruction_response(instruction: str, further: str) -> str:
    block = f"### Input:\n{further}\n\n" if further else ""
    return f"### Instruction:\n{instruction}\n\n{block}### Response:\n"


SINGLE_TURN: dict[str, Callable[[str, str], str]] = {
    "alpaca": _alpaca,
    "instruction-response": _instruction_response,
}
"""Templates with one place for an instruction, one for an input and one for an answer: (instruction, input) -> text."""


def _single_turn(prompt: Callable[[str, str], str]) -> Writer:
    def write(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
        system, turns = _parted(messages)
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

    return write


def _phi3(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """`<|system|>`, `<|user|>` and `<|assistant|>` turns.

    The assistant's turns end with `<|end|>` where the tokenizer has such a token. Elsewhere it would be five or six
    ordinary tokens that the model writes out and the reader sees, so end-of-sequence takes its place.
    """
    system, turns = _parted(messages)
    end = end_of_sequence(tokenizer)
    known = tokenizer.convert_tokens_to_ids(PHI3_END) not in (None, tokenizer.unk_token_id)
    turn_end = PHI3_END if known else end
    before = "".join(f"<|system|>\n{text}{PHI3_END}\n" for text in system)
    segments = []
    for turn in turns:
        if turn.role == "user":
            segments.append(Segment(f"{before}<|user|>\n{turn.content}{PHI3_END}\n<|assistant|>\n", False))
        else:
            segments.append(Segment(turn.content + turn_end, True))
        before = "\n"
    return _ended(segments, end)


def _human_assistant(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """`Human:` and `Assistant:` turns; a system message stands in front of the first, and every answer ends."""
    system, turns = _parted(messages)
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


def _chat(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """The tokenizer's own chat template, cut where answers begin and end.

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
            return _ended([Segment(prompt, False), Segment(turn.content, True)], end)
    return _ended(segments, end)


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


def _ended(segments: Sequence[Segment], end: str) -> tuple[Segment, ...]:
    *others, last = segments
    if last.in_loss and not last.text.endswith(end):
        last = Segment(last.text + end, True)
    return (*others, last)


def _parted(messages: Sequence[Message]) -> tuple[list[str], list[Message]]:
    """The text of the system message, if any, and the turns after it."""
    system = [message.content for message in messages if message.role == "system"]
    return system, [message for message in messages if message.role != "system"]


WRITERS: dict[str, Writer] = {
    "alpaca": _single_turn(_alpaca),
    "instruction-response": _single_turn(_instruction_response),
    "phi-3": _phi3,
    "human-assistant": _human_assistant,
    "chat": _chat,
}
TEMPLATES: tuple[str, ...] = tuple(WRITERS)
