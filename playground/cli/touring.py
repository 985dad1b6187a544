"""The verb `tour`: SFT, reward model, PPO, DPO, win rate and BLEU, one after the other in this process."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from playground.cli.exits import Exit
from playground.cli.progress import Reporter, duration
from playground.errors import RunError
from playground.jobs import chain
from playground.runs import strict
from playground.runs.records import JobKind
from playground.runs.store import RunStore
from playground.tour import journey
from playground.tour.journey import Tour
from playground.tour.outcome import Outcome, outcomes, report
from playground.tour.plan import plan_for

TITLES = {
    "sft": "SFT: the model learns to answer from examples",
    "reward": "Reward model: it learns from pairs which answer is preferred",
    "ppo": "PPO: the model answers, and what a reward likes becomes likelier",
    "dpo": "DPO: the model of the first stage learns from the pairs themselves",
    "compare": "Compare: before and after DPO, judged by the reward model",
    "bleu": "BLEU: before and after SFT, on rows that were held out",
}
FIGURES = {
    "eval_loss": "held-out loss, nats per token",
    "eval_accuracy": "held-out pairs ranked right",
    "eval_objective/positive": "held-out answers that are kind",
    "eval_rewards/margins": "margin of implicit rewards",
    "win_rate": "win rate over what DPO began with",
    "bleu": "SacreBLEU",
}
EXITS = {"done": Exit.DONE, "failed": Exit.FAILED, "stopped": Exit.STOPPED}
LESSON = "docs/lesson-plan.md"


def tour(chosen: argparse.Namespace) -> int:
    """Takes the whole tour, or goes on with the last; a table at the end, whatever that is."""
    store = RunStore()
    under_way = _begin(chosen, store)
    _prepare(under_way)
    try:
        under_way = _take(under_way, store)
    except KeyboardInterrupt:
        under_way = under_way.ended("stopped", "Stopped between two stages.")
    journey.save(under_way, store)
    found = outcomes(under_way, store)
    if chosen.json:
        print(strict.dumps({**report(found), "state": under_way.state, "error": under_way.reason or None}))
    else:
        print("\n".join(table(found)))
        if under_way.reason:
            print(under_way.reason)
        print(_next(under_way))
    return EXITS[under_way.state]


def table(found: Sequence[Outcome]) -> list[str]:
    """The stages as lines: what each cost, its figure before and after, and its job."""
    lines = [f"{'stage':9}{'seconds':>8}  {'figure':36}{'before':>8}{'after':>8}  run"]
    for one in found:
        before, after = (written(value, one.stage.unit) for value in (one.before, one.after))
        ran = one.run if one.phase in ("done", "") else f"{one.run} ({one.phase})"
        figure = FIGURES[one.stage.figure]
        lines.append(f"{one.stage.name:9}{one.seconds:8.1f}  {figure:36}{before:>8}{after:>8}  {ran}".rstrip())
        if one.interval is not None:
            low, high = (written(end, one.stage.unit) for end in one.interval)
            lines.append(f"{'':19}{f'95 % interval {low} to {high}':36}")
    return [*lines, f"{'together':9}{sum(one.seconds for one in found):8.1f}"]


def written(value: float | None, unit: str) -> str:
    """A figure with the digits that its unit is worth; "–" where there is none."""
    if value is None:
        return "–"
    return {"share": f"{100 * value:.0f} %", "score": f"{value:.1f}", "number": f"{value:.2f}"}[unit]


def _begin(chosen: argparse.Namespace, store: RunStore) -> Tour:
    """A new tour, or the last one where that is asked for.

    Raises:
        RunError: there is no last one, or it is done.
        ConfigError: the model or a setting is not known.
    """
    if not chosen.go_on:
        plan_for(chosen.model, chosen.assignments)
        return Tour("", chosen.model, tuple(chosen.assignments))
    last = journey.saved("", store)
    if last is None:
        raise RunError("There is no tour to go on with; begin one with: python -m playground tour")
    if last.state == "done":
        raise RunError("The last tour is done; begin another one with: python -m playground tour")
    if chosen.assignments:
        raise RunError("A tour goes on with the settings it was begun with; leave out --set, or begin another one.")
    return chain.again(last, store)


def _prepare(tour: Tour) -> None:
    """Brings the model here before there is a run, so that what is wrong with that reads as bad input."""
    import threading

    from playground.models.fetch import resolve

    reporter = Reporter(sys.stderr)
    try:
        resolve(tour.model, report=reporter.event, stop=threading.Event())
    finally:
        reporter.close()


def _take(tour: Tour, store: RunStore) -> Tour:
    """Stage after stage, to the end of the tour."""
    from playground.cli.verbs import foreground
    from playground.jobs.submission import submit

    def launch(kind: JobKind, document: dict[str, Any]) -> str:
        return submit(store, kind, document)

    while True:
        advanced = chain.advance(tour, store, launch)
        journey.save(advanced, store)
        if advanced.state != "going":
            return advanced
        tour = advanced
        stage = list(tour.jobs)[-1]
        print(f"{len(tour.jobs)}/{len(tour.plan.stages)}  {TITLES[stage]}", file=sys.stderr, flush=True)
        record = foreground(store, tour.jobs[stage])
        print(f"     {record.phase} in {duration(record.seconds)}  {record.id}", file=sys.stderr, flush=True)


def _next(tour: Tour) -> str:
    if tour.state != "done":
        return "next     python -m playground tour --continue"
    return f"next     python -m playground serve shows the same runs with their curves; {LESSON} makes a lesson of them"
