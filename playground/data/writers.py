"""The named templates: how each puts a conversation, or an instruction with its input, into segments of text.

Sources: Alpaca, https://github.com/tatsu-lab/stanford_alpaca (train.py); Phi-3,
https://huggingface.co/microsoft/Phi-3-mini-4k-instruct; Human / Assistant, Anthropic's hh-rlhf.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from playground.data.records import Message
from playground.data.rendered import Segment
from playground.errors import DataError, ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ALPACA_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
)
ALPACA = "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
PHI3_END = "<|end|>"

Writer = Callable[[Sequence[Message], "PreTrainedTokenizerBase"], tuple[Segment, ...]]
"""Segments of a conversation. Where the last turn is the user's, they end where an answer would begin."""


def end_of_sequence(tokenizer: "PreTrainedTokenizerBase") -> str:
    """The text of the token that ends an answer."""
    token = tokenizer.eos_token
    if not isinstance(token, str):
        raise ModelError(
            "This model's tokenizer has no end-of-sequence token, so a tuned model could not learn to stop; "
            "choose a model whose tokenizer_config.json names an eos_token."
        )
    return token


def _alpaca(instruction: str, further: str) -> str:
    return (ALPACA_WITH_INPUT if further else ALPACA) + _instruction_response(instruction, further)


def _instruction_response(instruction: str, further: str) -> str:
    block = f"### Input:\n{further}\n\n" if further else ""
    return f"### Instruction:\n{instruction}\n\n{block}### Response:\n"


def lines(instruction: str, further: str) -> str:
    """The texts, each on a line of its own; an empty one has none."""
    return "".join(f"{text}\n" for text in (instruction, further) if text)


FIELD_WRITERS: dict[str, Callable[[str, str], str]] = {
    "alpaca": _alpaca,
    "instruction-response": _instruction_response,
    "plain": lines,
}
"""Templates that have a place for an instruction and one for an input: (instruction, input) -> prompt."""


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


def _plain(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
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


def classification(text: str) -> str:
    """The prompt that asks for the label of a text, as the course has it."""
    return f"text : {text} Label :"


def _classify(messages: Sequence[Message], _: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """A typed text; rows with labels are rendered from their fields."""
    if len(messages) > 1:
        raise DataError("The template classification takes one text, not a conversation.")
    return (Segment(classification(messages[0].content), False),)


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


WRITERS: Mapping[str, Writer] = {
    "alpaca": _single_turn(_alpaca),
    "instruction-response": _single_turn(_instruction_response),
    "phi-3": _phi3,
    "human-assistant": _human_assistant,
    "chat": _chat,
    "plain": _plain,
    "classification": _classify,
}
"""The named templates: `TEMPLATES` without `custom`, whose text is a setting of its own."""
