"""What came of a tour, read from the store: seconds and the headline figure of every stage, before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.errors import PlaygroundError
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.runs.store import RunStore
from playground.tour.journey import Tour
from playground.tour.plan import Stage


@dataclass(frozen=True)
class Outcome:
    """How one stage stands."""

    stage: Stage
    run: str
    """Id of its job; empty before it is begun."""
    phase: str
    """As of its job; empty before it is begun, `deleted` where the job is gone."""
    seconds: float
    before: float | None
    """The figure at the start, on held-out rows; None where there is none."""
    after: float | None
    """The figure as it is last known; None where there is none yet."""
    interval: tuple[float, float] | None = None
    """95 % interval of `after`, where the figure has one."""

    def to_json(self) -> dict[str, Any]:
        """What `tour --json` prints of a stage."""
        return {
            "name": self.stage.name,
            "seconds": round(self.seconds, 1),
            "run": self.run,
            "phase": self.phase,
            "figure": self.stage.figure,
            "unit": self.stage.unit,
            "before": self.before,
            "after": self.after,
            "interval": list(self.interval) if self.interval else None,
        }


def outcomes(tour: Tour, store: RunStore) -> list[Outcome]:
    """Every stage of the tour, also those that have not begun.

    Raises:
        ConfigError: its stages are not known any more.
    """
    return [_outcome(stage, tour.jobs.get(stage.name, ""), store) for stage in tour.plan.stages]


def report(found: list[Outcome]) -> dict[str, Any]:
    """What `tour --json` prints: `seconds`, `stages`, and the headline figures by the names that scripts rely on; a
    figure is null where its stage has not come to it."""
    by = {one.stage.name: one for one in found}
    return {
        "seconds": round(sum(one.seconds for one in found), 1),
        "stages": [one.to_json() for one in found],
        "bleu_base": by["bleu"].before,
        "bleu_tuned": by["bleu"].after,
        "reward_accuracy": by["reward"].after,
        "ppo_positive_before": by["ppo"].before,
        "ppo_positive_after": by["ppo"].after,
        "dpo_win_rate": by["compare"].after,
    }


def _outcome(stage: Stage, job: str, store: RunStore) -> Outcome:
    if not job:
        return Outcome(stage, "", "", 0.0, None, None)
    try:
        record = store.get(job)
    except PlaygroundError:
        return Outcome(stage, job, "deleted", 0.0, None, None)
    if stage.kind == "evaluation":
        return _evaluated(stage, record)
    before = store.reached(job, 0)[1].get(stage.figure)
    return Outcome(stage, job, str(record.phase), record.seconds, before, record.metrics.get(stage.figure))


def _evaluated(stage: Stage, record: RunRecord) -> Outcome:
    before, after, interval = None, None, None
    if record.phase is Phase.DONE and record.result is not None:
        result: Mapping[str, Any] = record.result
        if stage.figure == "win_rate":
            low, high = result["judge"]["interval"]
            after, interval = result["judge"]["win_rate"], (low, high)
        else:
            before, after = (result[side][stage.figure] for side in ("base", "tuned"))
    return Outcome(stage, record.id, str(record.phase), record.seconds, before, after, interval)
