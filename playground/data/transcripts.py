r"""Conversations written as one text, `\n\nHuman: … \n\nAssistant: …`, as Anthropic's hh-rlhf has them.

Source: https://huggingface.co/datasets/Anthropic/hh-rlhf
"""

import re

from playground.data.records import Message

_TURN = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")


def parse(text: str) -> list[Message]:
    r"""The turns, without the white space around them; none where the text does not begin with a turn.

    >>> parse("\n\nHuman: Hi\n\nAssistant: Hello.")
    [Message(role='user', content='Hi'), Message(role='assistant', content='Hello.')]
    """
    before, *rest = _TURN.split(text)
    if before.strip():
        return []
    return [
        Message("user" if name == "Human" else "assistant", content.strip())
        for name, content in zip(rest[::2], rest[1::2], strict=True)
    ]
