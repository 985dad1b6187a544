"""Phi-3's template. Source: https://huggingface.co/microsoft/Phi-3-mini-4k-instruct."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.data.records import Message
from playground.data.rendered import Segment
from playground.data.writing.writer import Writer, end_of_sequence, ended, parted

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

END_OF_TURN = "<|end|>"


def _conversation(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[Segment, ...]:
    """`<|system|>`, `<|user|>` and `<|assistant|>` turns.

    The assistant's turns end with `<|end|>` where the tokenizer has such a token. Elsewhere it would be five or six
    ordinary tokens that the model writes out and the reader sees, so end-of-sequence takes its place.
    """
    system, turns = parted(messages)
    end = end_of_sequence(tokenizer)
    known = tokenizer.convert_tokens_to_ids(END_OF_TURN) not in (None, tokenizer.unk_token_id)
    turn_end = END_OF_TURN if known else end
    before = "".join(f"<|system|>\n{text}{END_OF_TURN}\n" for text in system)
    segments = []
    for turn in turns:
        if turn.role == "user":
            segments.append(Segment(f"{before}<|user|>\n{turn.content}{END_OF_TURN}\n<|assistant|>\n", False))
        else:
            segments.append(Segment(turn.content + turn_end, True))
        before = "\n"
    return ended(segments, end)


WRITER = Writer(_conversation)
