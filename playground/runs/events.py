"""What a run says while it goes on. Trainers emit these, the store appends them, readers follow by cursor.

Every event is a frozen record of plain values, so that it can cross a process border and stand in SQLite as JSON.
"""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class Phase(StrEnum):
    """The life of a run: queued → preparing → running → (stopping) → exactly one terminal phase.

    A run that is resumed begins again at `queued`, and has one more terminal phase at the end of that attempt.
    """

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows any more, unless the run is resumed."""
        return self in TERMINAL


TERMINAL = frozenset({Phase.DONE, Phase.STOPPED, Phase.FAILED, Phase.INTERRUPTED})


def _now() -> float:
    return time.time()


@dataclass(frozen=True)
class Event:
    """Base of all events."""

    kind: ClassVar[str]

    time: float = field(default_factory=_now, kw_only=True)
    """Seconds since the epoch, by a clock that may jump: the order of events is that of their sequence numbers."""

    def payload(self) -> dict[str, Any]:
        """The event's own fields as JSON values; kind and time are kept beside it."""
        return {found.name: getattr(self, found.name) for found in dataclasses.fields(self) if found.name != "time"}


@dataclass(frozen=True)
class Metric(Event):
    """Numbers at one optimiser step, by TRL's names; `eval_` in front of those on held-out rows."""

    kind: ClassVar[str] = "metric"

    step: int
    values: Mapping[str, float | None]
    """None, as the store gives it back, where a number was not finite."""


@dataclass(frozen=True)
class Sample(Event):
    """An answer to a fixed held-out prompt, as the model gave it at this step."""

    kind: ClassVar[str] = "sample"

    step: int
    index: int
    """Which of the fixed prompts, from 0."""
    prompt: str
    answer: str
    reference: str


@dataclass(frozen=True)
class Snapshot(Event):
    """What one figure of the live view shows at this step, beyond single numbers: a histogram, pairs, tokens.

    Every page that follows the run is sent all of them, so each stays below some 16 kB.
    """

    kind: ClassVar[str] = "snapshot"

    step: int
    name: str
    """Which figure: `reward.scores`. Method and figure, so that names never meet."""
    data: Mapping[str, Any]
    """JSON values; None where a number was not finite."""


@dataclass(frozen=True)
class Log(Event):
    """A line for people."""

    kind: ClassVar[str] = "log"

    text: str
    level: str = "info"
    """`info`, `warning` or `error`."""
    key: str = ""
    """Of `config.warnings`, where the page can say it in its reader's language; `text` is the same in English."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What stands at that text's places."""


@dataclass(frozen=True)
class Progress(Event):
    """How far a named stage has come: `total` 0 where the end is not known."""

    kind: ClassVar[str] = "progress"

    stage: str
    done: float
    total: float
    unit: str = ""


@dataclass(frozen=True)
class Resumed(Event):
    """A new attempt goes on after this step: what is known of later steps was of an attempt that was cut off.

    The store forgets those when it takes this event; whoever has drawn them takes them back.
    """

    kind: ClassVar[str] = "resumed"

    step: int
    """−1 where the run begins anew."""


@dataclass(frozen=True)
class PhaseChange(Event):
    """The run entered a phase; `reason` is a sentence where there is something to say."""

    kind: ClassVar[str] = "phase"

    phase: Phase
    reason: str = ""


KINDS: dict[str, type[Event]] = {
    cls.kind: cls for cls in (Metric, Sample, Snapshot, Log, Progress, Resumed, PhaseChange)
}


def from_payload(kind: str, at: float, payload: Mapping[str, Any]) -> Event:
    """The event that `payload` was made of."""
    if kind == PhaseChange.kind:
        return PhaseChange(Phase(payload["phase"]), payload["reason"], time=at)
    return KINDS[kind](**payload, time=at)
