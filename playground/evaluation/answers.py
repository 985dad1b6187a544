"""What models answered to the same rows: the ground that every score and every judge stands on. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from playground.data.records import Record


class ReferenceLoss(NamedTuple):
    """How surprising a model finds a row's reference, read behind the row's prompt."""

    nats: float
    """−log p of all its tokens."""
    tokens: int
    """How many there are, the end of sequence included; as in training."""


@dataclass(frozen=True)
class Answers:
    """One model's, in the order of the rows."""

    id: str
    """`base`, a run's id, or `RUN@STEP`."""
    name: str
    """For people: what the base or the run is called."""
    base: str
    """The model that it stands on, in words."""
    texts: Sequence[str]
    tokens: Sequence[int]
    """How many tokens each answer has, the end of sequence included."""
    losses: Sequence[ReferenceLoss]
    """Of the references, not of the answers."""
    labels: Sequence[str] | None = None
    """The label that it finds likeliest for each row, whatever it writes; None where rows have none."""
    trained: int | None = None
    """How many numbers were trained to make it; 0 for the base, None where that cannot be told."""


@dataclass(frozen=True)
class Answered:
    """Rows, and everybody's answers to them."""

    records: Sequence[Record]
    models: Sequence[Answers]
    """The base first, then the run that is evaluated, then the others."""
    words: Sequence[str] = ()
    """The labels that `labels` are chosen from; empty where rows have none."""

    @property
    def references(self) -> list[str]:
        """The answers that the data has."""
        return [record.answer for record in self.records]


class Question(NamedTuple):
    """What a row asks, for people and judges."""

    instruction: str
    """The instruction, the prompt, or the conversation up to its last answer."""
    input: str
    """The instruction's input; empty for the other formats."""


def question_of(record: Record) -> Question:
    """What a record of any format asks."""
    match record.kind:
        case "instruction":
            return Question(record.fields["instruction"], record.fields["input"])
        case "completion":
            return Question(record.fields["prompt"], "")
        case "messages":
            return Question("\n\n".join(f"{turn.role}: {turn.content}" for turn in record.messages[:-1]), "")
        case "preference":
            return Question(record.messages[-1].content, "")
        case "label":
            return Question(record.fields["text"], "")
        case _:
            return Question(record.question, "")


def asked_text(record: Record) -> str:
    """What a record asks in one line, whole: the same for the same question in another format or with other breaks."""
    return " ".join(" ".join(question_of(record)).split())
