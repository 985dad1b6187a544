"""Jobs one after the other: looks at the one under way, and where it has ended well, begins the next.

Knows neither what the jobs are for nor who leads the chain: the tour and the training on votes are such chains.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

from playground.errors import Busy, PlaygroundError
from playground.runs.database import StoreUnavailable
from playground.runs.events import Phase
from playground.runs.records import JobKind, RunRecord
from playground.runs.standing import State
from playground.runs.store import RunStore

Launch = Callable[[JobKind, dict[str, Any]], str]
"""Puts a job with these settings into a queue and gives its id."""


class Stage(Protocol):
    """One job of a chain."""

    @property
    def name(self) -> str:
        """Its own in the chain."""

    @property
    def kind(self) -> JobKind:
        """What kind of job it is."""

    def document(self, jobs: Mapping[str, str]) -> dict[str, Any]:
        """The job's settings; `jobs` has the ids of those before it, by stage. Raises `ConfigError`."""


class Chain(Protocol):
    """A chain as it stands; never changed, only replaced."""

    @property
    def stages(self) -> Sequence[Stage]:
        """In their order. Raises `ConfigError` where they are not known any more."""

    @property
    def jobs(self) -> Mapping[str, str]:
        """Id of the job of each stage that was begun, by stage."""

    @property
    def state(self) -> State:
        """Whether it goes on, and if not, how it ended."""

    @property
    def reason(self) -> str:
        """A sentence on how it ended, unless it is done."""

    def with_job(self, stage: str, job: str) -> Self:
        """The chain with one stage more that was begun."""

    def ended(self, state: State, reason: str = "") -> Self:
        """The chain at its end."""

    def renewed(self, jobs: Mapping[str, str]) -> Self:
        """The chain going on again behind these of its jobs."""


C = TypeVar("C", bound=Chain)


def advance(chain: C, store: RunStore, launch: Launch) -> C:
    """The chain as it stands now; the same object where nothing has changed. What goes wrong with a stage ends it.

    Raises:
        Busy: the next stage cannot be begun just now; ask again later.
        StoreUnavailable: nor can it be told how things stand.
    """
    if chain.state != "going":
        return chain
    try:
        stages = chain.stages
        begun = [stage for stage in stages if stage.name in chain.jobs]
        if begun:
            last = begun[-1]
            record = store.get(chain.jobs[last.name])
            if not record.phase.terminal:
                return chain
            if record.phase is not Phase.DONE:
                return chain.ended("stopped" if record.phase is Phase.STOPPED else "failed", _why(last, record))
        if len(begun) == len(stages):
            return chain.ended("done")
        stage = stages[len(begun)]
        return chain.with_job(stage.name, launch(stage.kind, stage.document(chain.jobs)))
    except (Busy, StoreUnavailable):
        raise
    except PlaygroundError as error:
        return chain.ended("failed", str(error))


def again(chain: C, store: RunStore) -> C:
    """The chain going on from its first stage that is not done; what is done stays."""
    done = itertools.takewhile(lambda begun: _is_done(begun[1], store), chain.jobs.items())
    return chain.renewed(dict(done))


def _is_done(job: str, store: RunStore) -> bool:
    try:
        return store.get(job).phase is Phase.DONE
    except PlaygroundError:  # deleted
        return False


def _why(stage: Stage, record: RunRecord) -> str:
    ending = f": {record.reason}" if record.reason else "."
    return f"The stage {stage.name} ended as {record.phase}{ending}"
