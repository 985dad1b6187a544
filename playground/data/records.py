"""Rows as the playground knows them: an instruction, a completion or a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Format = Literal["instruction", "completion", "messages"]
FORMATS: tuple[Format, ...] = ("instruction", "completion", "messages")

Role = Literal["system", "user", "assistant"]

QUESTION_LENGTH = 200


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Record:
    """One usable row. Its texts stand as in the source, white space included."""

    row: int
    """Place in the source, from 0."""
    kind: Format
    fields: Mapping[str, str] = field(default_factory=dict)
    """`instruction`, `input`, `output`, or `prompt`, `completion`; empty for a conversation."""
    messages: tuple[Message, ...] = ()
    """The turns of a conversation, the last one an answer; empty for the other formats."""

    @property
    def answer(self) -> str:
        """The reference answer: the output, the completion, or the assistant's last turn."""
        match self.kind:
            case "instruction":
                return self.fields["output"]
            case "completion":
                return self.fields["completion"]
            case "messages":
                return self.messages[-1].content

    @property
    def question(self) -> str:
        """What is asked, on one line of at most 200 characters, for tables and lists."""
        match self.kind:
            case "instruction":
                text = f"{self.fields['instruction']} {self.fields['input']}"
            case "completion":
                text = self.fields["prompt"]
            case "messages":
                text = next(message.content for message in reversed(self.messages) if message.role == "user")
        line = " ".join(text.split())
        return line if len(line) <= QUESTION_LENGTH else line[: QUESTION_LENGTH - 1].rstrip() + "…"


@dataclass(frozen=True)
class Dropped:
    """A row that is not used, and why."""

    row: int
    """Place in the source, from 0."""
    reason: str
    """A sentence."""
