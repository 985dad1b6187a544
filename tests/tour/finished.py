"""A tour that has come to its end, without the work."""

from playground.runs.events import Event, Metric, Phase, PhaseChange
from playground.runs.store import RunStore
from playground.tour import journey
from playground.tour.journey import Tour
from playground.tour.plan import TINY

BEFORE_AND_AFTER = {"sft": (2.95, 0.23), "reward": (0.46, 1.0), "ppo": (0.69, 0.98), "dpo": (0.0, 4.5)}
SIDE = {"bleu": 2.0, "chrf": 10.0, "rougeL": 10.0, "exact_match": 0.0}
RESULT = {
    "base": SIDE,
    "tuned": SIDE | {"bleu": 76.9},
    "judge": {"win_rate": 0.94, "interval": [0.88, 0.97], "wins": 100, "ties": 5, "losses": 4},
}


def finished_tour(store: RunStore, owner: str) -> Tour:
    """Six jobs that are done, and the tour that began them, in the store."""
    jobs: dict[str, str] = {}
    for stage in TINY.stages:
        document = stage.document(jobs)
        job = store.create(stage.kind, document, method=stage.name, model="tiny", name=stage.name, owner=owner)
        points: list[Event] = [
            Metric(step, {stage.figure: value}, time=100.0 + step)
            for step, value in zip((0, 9), BEFORE_AND_AFTER.get(stage.name, ()), strict=False)
        ]
        store.append(job, [PhaseChange(Phase.PREPARING, time=100.0), *points])
        store.append(job, [PhaseChange(Phase.DONE, time=149.0)])
        if stage.kind == "evaluation":
            store.set_result(job, RESULT)
        jobs[stage.name] = job
    tour = Tour(owner, TINY.model, jobs=jobs, state="done")
    journey.save(tour, store)
    return tour
