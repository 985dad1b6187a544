"""How far a chain of jobs has come: which of them it has begun, and how it ended. What leads one is `jobs.chain`."""

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from playground.errors import RunError
from playground.runs import strict

State = Literal["going", "done", "stopped", "failed"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What every chain keeps of itself; never changed, only replaced."""

    jobs: Mapping[str, str] = field(default_factory=dict)
    """Id of the job of each stage that was begun, by stage."""
    state: State = "going"
    reason: str = ""
    """A sentence on how it ended, unless it is done."""
    begun: float = field(default_factory=time.time)
    """Seconds since the epoch."""

    def with_job(self, stage: str, job: str) -> Self:
        """The chain with one stage more that was begun."""
        return dataclasses.replace(self, jobs={**self.jobs, stage: job})

    def ended(self, state: State, reason: str = "") -> Self:
        """The chain at its end."""
        return dataclasses.replace(self, state=state, reason=reason)

    def renewed(self, jobs: Mapping[str, str]) -> Self:
        """The chain going on again behind these of its jobs."""
        return dataclasses.replace(self, jobs=jobs, state="going", reason="")

    def keep(self, path: Path) -> None:
        """Writes it down in place of what was there.

        Raises:
            RunError: the file cannot be written.
        """
        try:
            path.parent.mkdir(exist_ok=True)
            strict.write(path, dataclasses.asdict(self))
        except OSError as error:
            raise RunError(
                f"{path.name} cannot be kept at {path.parent} ({error.strerror}); see that it can be written."
            ) from error
