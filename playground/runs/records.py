"""What the store gives back: a run as it stands, and a page of its events."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from playground.runs.events import Event, Phase

JobKind = Literal["run", "evaluation"]

_ENDS = {Phase.STOPPED, Phase.FAILED, Phase.INTERRUPTED}
FOLLOWS: dict[Phase, frozenset[Phase]] = {
    Phase.QUEUED: frozenset({Phase.PREPARING, *_ENDS}),
    Phase.PREPARING: frozenset({Phase.RUNNING, Phase.STOPPING, Phase.DONE, *_ENDS}),
    Phase.RUNNING: frozenset({Phase.STOPPING, Phase.DONE, *_ENDS}),
    Phase.STOPPING: frozenset({Phase.DONE, *_ENDS}),
    Phase.DONE: frozenset(),
    Phase.STOPPED: frozenset(),
    Phase.FAILED: frozenset(),
    Phase.INTERRUPTED: frozenset(),
}
"""The phases that may follow each phase; beside these, `RunStore.resume` leads from `RESUMABLE` back to queued."""
RESUMABLE = frozenset(_ENDS)


@dataclass(frozen=True)
class RunRecord:
    """One run or evaluation as the store knows it now."""

    id: str
    kind: JobKind
    name: str
    """For people; need not be unique."""
    method: str
    """`sft` and so on; `evaluation` for an evaluation."""
    model: str
    """The base model in words, or for an evaluation the id of its run."""
    owner: str
    phase: Phase
    reason: str
    """The sentence of the last phase change; empty where there was nothing to say."""
    created: float
    """Seconds since the epoch, as are the two below."""
    started: float | None
    ended: float | None
    steps: int
    """The highest step that any metric was given for."""
    metrics: dict[str, float | None]
    """The last value of each metric; None where it was not a finite number."""
    document: dict[str, Any]
    """The settings it was started with, as JSON values."""
    result: dict[str, Any] | None
    session: str
    """Which process's queue it stood in; see `RunStore.alive`."""
    attempt: int
    """How many times it was begun: 1, and one more for every time it was resumed."""
    spent: float
    """Seconds that earlier attempts took."""
    archived: float | None = None
    """When it was put aside for the next group, in seconds since the epoch; None where it was not."""

    @property
    def seconds(self) -> float:
        """From start to end of every attempt; of the last none where it has not ended, or the clock was set back."""
        return self.spent + span(self.started, self.ended)


def span(started: float | None, ended: float | None) -> float:
    """Seconds between two times; 0 where either is missing or the clock was set back in between."""
    return 0.0 if started is None or ended is None else max(0.0, ended - started)


class Waiting(NamedTuple):
    """A job in a queue."""

    job: str
    owner: str


class EventPage(NamedTuple):
    """Events in order, each with its sequence number; pass `cursor` as the next `since`."""

    cursor: int
    events: list[tuple[int, Event]]


class Pulse(NamedTuple):
    """What whoever runs a job looks at many times a second."""

    phase: Phase
    stops: int
    """How many times a stop was asked for in this attempt."""
    attempt: int
    seq: int
    """Sequence number of the last event: it grows for as long as the job says anything."""
