"""Where runs have gone in the plane of reward and divergence: points that the laboratory puts beside its optimum."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from playground.config import codec
from playground.config.methods.answering import AnsweringSettings
from playground.config.methods.dpo import DPOSettings
from playground.config.methods.kto import KTOSettings
from playground.config.methods.orpo import ORPOSettings
from playground.config.rewards import RewardConfig, TrainedReward
from playground.config.run import RunConfig, RunRef
from playground.errors import PlaygroundError
from playground.models.lineage import title_of
from playground.runs.events import Metric, Resumed
from playground.runs.store import RunStore

MOST_RUNS = 2
"""The newest ones; more paths would cover each other."""
MOST_POINTS = 12
LOOKED_AT = 50
"""Runs whose settings are read, the newest first."""
DIVERGENCE, SCORE = "objective/kl", "objective/scores"


class Policy(NamedTuple):
    """What rollouts were drawn from."""

    model: str
    """Title of the loaded model."""
    run: str
    """The run of which the drawing policy is the result; empty for the loaded model itself."""


def run_paths(store: RunStore, policy: Policy, reward: RewardConfig) -> list[dict[str, Any]]:
    """`{name, points: [{divergence, reward, label}]}` of runs that started from this policy and were measured by this
    reward, one point for a step (PPO, GRPO, RLOO) or an evaluation (DPO, KTO and ORPO with a judge).

    A run's divergence and reward are means over its own prompts, so that its path and the curve of one prompt tell of
    the same direction and not of the same numbers.
    """
    found: list[dict[str, Any]] = []
    for record in store.list("run", archived=None, limit=LOOKED_AT):
        if len(found) == MOST_RUNS:
            break
        try:
            config = codec.decode(record.document)
            prefix = _prefix(config, reward)
            if prefix is None or not _started_from(config, policy):
                continue
        except PlaygroundError:  # of an earlier version, or what it stood on is gone
            continue
        points = list(_thinned(_points(store, record.id, prefix)))
        if len(points) > 1:
            found.append({"name": record.name or record.id, "points": points})
    return found


def _prefix(config: RunConfig, reward: RewardConfig) -> str | None:
    """What stands before the names of a run's metrics; None where it was not measured by this reward."""
    options = config.options
    if isinstance(options, AnsweringSettings):
        return "" if options.reward == reward else None
    if isinstance(options, DPOSettings | KTOSettings | ORPOSettings) and isinstance(reward, TrainedReward):
        return "eval_" if options.judge and options.judge == reward.run else None
    return None


def _started_from(config: RunConfig, policy: Policy) -> bool:
    if isinstance(config.model, RunRef):
        return config.model.run == policy.run
    return not policy.run and title_of(config.model) == policy.model


def _points(store: RunStore, run: str, prefix: str) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    cursor = 0
    while (page := store.events(run, since=cursor)).events:
        cursor = page.cursor
        for _, event in page.events:
            if isinstance(event, Resumed):
                found = {step: point for step, point in found.items() if step <= event.step}
            elif isinstance(event, Metric):
                divergence, score = event.values.get(prefix + DIVERGENCE), event.values.get(prefix + SCORE)
                if divergence is not None and score is not None:
                    found[event.step] = {"divergence": divergence, "reward": score, "label": str(event.step)}
    return [found[step] for step in sorted(found)]


def _thinned(points: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The first, the last, and as many in between as can be told apart."""
    every = max(1, -(-(len(points) - 1) // (MOST_POINTS - 1)))
    yield from points[:-1][::every]
    yield from points[-1:]
