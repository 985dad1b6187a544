"""Rows as the playground knows them: instructions, completions, conversations, texts, pairs, labels and prompts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Format = Literal["instruction", "completion", "messages", "text", "preference", "label", "prompt"]
FORMATS: tuple[Format, ...] = ("instruction", "completion", "messages", "text", "preference", "label", "prompt")

Role = Literal["system", "user", "assistant"]

QUESTION_LENGTH = 200

ANSWER_FIELDS: Mapping[Format, str] = {
    "instruction": "output",
    "completion": "completion",
    "text": "text",
    "preference": "chosen",
    "label": "label",
}
"""The field that is learnt, by format; conversations keep their answer in their last turn, prompts have none."""


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
    """Texts by field: `instruction`, `input`, `output`; `prompt`, `completion`; `text`; `text`, `label` and where a
    question names one `party`; `prompt`; or
    `chosen`, `rejected` with what the prompt came as (`instruction`, `input`, or `prompt`). Empty for a conversation.
    """
    messages: tuple[Message, ...] = ()
    """The turns of a conversation, the last one an answer; of a preference, and of a prompt that came as turns, those
    of the prompt, the last one the user's. Empty for the other formats."""

    @property
    def answer(self) -> str:
        """The reference answer: output, completion, label, chosen answer, the text itself, or the assistant's last
        turn; empty for a prompt."""
        if self.kind == "messages":
            return self.messages[-1].content
        return self.fields[ANSWER_FIELDS[self.kind]] if self.kind in ANSWER_FIELDS else ""

    @property
    def rejected(self) -> str:
        """The answer that was liked less; empty where there is no pair."""
        return self.fields["rejected"] if self.kind == "preference" else ""

    @property
    def question(self) -> str:
        """What is asked, on one line of at most 200 characters, for tables and lists."""
        match self.kind:
            case "instruction":
                text = f"{self.fields['instruction']} {self.fields['input']}"
            case "completion" | "prompt":
                text = self.fields["prompt"]
            case "text" | "label":
                text = self.fields["text"]
            case "messages" | "preference":
                text = next(message.content for message in reversed(self.messages) if message.role == "user")
        # A document may be long; its first line is all that is shown.
        line = " ".join(text[: 8 * QUESTION_LENGTH].split())
        return line if len(line) <= QUESTION_LENGTH else line[: QUESTION_LENGTH - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is not used, and why."""

    row: int
    """Place in the source, from 0."""
    reason: str
    """A sentence."""
