"""What the Rollouts view has done in the background: rollouts drawn and scored, scored anew, and the sweep."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.config import codec
from playground.config.rewards import RewardConfig, encode_reward
from playground.config.rollouts import RolloutSettings, SweepSettings
from playground.errors import RunError
from playground.rewards.registry import make_reward
from playground.rewards.reward import Bounds, Surroundings
from playground.runs.events import Progress
from playground.ui.desk import Work
from playground.ui.packing import packed
from playground.ui.run_paths import Policy, run_paths
from playground.ui.services import Services


@dataclass(frozen=True)
class Asked:
    """What a person asked for."""

    prompt: str
    chat: bool
    run: str
    """"" for the loaded model itself."""
    settings: RolloutSettings
    reward: RewardConfig


def draw_and_score(services: Services, asked: Asked, work: Work) -> bool:
    """Rollouts with their rewards, as `assets/js/rollouts.js` takes them; whether all of them are there."""
    from playground.models.rollouts import Drawn, Wish, draw

    # First of all: a reward that cannot be had is told before anybody waits for rollouts.
    reward = make_reward(asked.reward, Surroundings(work.hear, work.stop))
    generation = asked.settings.generation
    wish = Wish(asked.prompt, generation, asked.settings.count, asked.chat, asked.run or None)
    drawn: Drawn = draw(services.model_server(), wish, stop=work.stop, report=work.hear, on_place=work.wait)
    if not drawn.complete:
        work.stop.clear()  # what is whole is scored all the same; a second stop ends that too
    completions = [rollout.text for rollout in drawn.rollouts]
    lengths = [len(rollout.ids) for rollout in drawn.rollouts]
    document = {
        "prompt": asked.prompt,
        "chat": asked.chat,
        "run": asked.run,
        "model": drawn.model,
        "settings": codec.encode_section(generation),
        "asked": asked.settings.count,
        "prompt_tokens": len(drawn.prompt),
        "longest": max(lengths),
        "tokens": {str(token): text for token, text in drawn.tokens.items()},
        "lengths": lengths,
        "ids": packed([token for rollout in drawn.rollouts for token in rollout.ids], "<i4"),
        "logs": packed([log for rollout in drawn.rollouts for log in rollout.logs], "<f4"),
        "raw_logs": packed([log for rollout in drawn.rollouts for log in rollout.raw_logs], "<f4"),
        "completions": completions,
        "ended": [rollout.ended for rollout in drawn.rollouts],
    }
    work.hear(Progress("scoring", 0, 0))
    series = run_paths(services.store, Policy(drawn.model, asked.run), asked.reward)
    work.give({**document, **_scores(asked.reward, reward, asked.prompt, completions), "series": series})
    return drawn.complete


def score_anew(services: Services, known: dict[str, Any], reward: RewardConfig, work: Work) -> bool:
    """The same rollouts under another reward."""
    made = make_reward(reward, Surroundings(work.hear, work.stop))
    work.hear(Progress("scoring", 0, 0))
    series = run_paths(services.store, Policy(known["model"], known["run"]), reward)
    work.give({**known, **_scores(reward, made, known["prompt"], known["completions"]), "series": series})
    return bool(len(known["completions"]) == known["asked"])


def sweep(services: Services, asked: Asked, settings: SweepSettings, work: Work) -> bool:
    """The mean reward at each temperature, point by point; whether all of them are there."""
    import torch

    from playground.core.estimates import standard_error
    from playground.core.sampling import ARGMAX_BELOW
    from playground.models.rollouts import Wish, draw

    reward = make_reward(asked.reward, Surroundings(work.hear, work.stop))
    temperatures, points = settings.temperatures, list[dict[str, Any]]()
    head = {
        "prompt": asked.prompt, "chat": asked.chat, "run": asked.run, "model": services.status().get("title", ""),
        "settings": codec.encode_section(asked.settings.generation), "reward": encode_reward(asked.reward),
        "sweep": codec.encode_section(settings),
    }  # fmt: skip
    for index, temperature in enumerate(temperatures):

        def hear(progress: Progress, before: int = index) -> None:
            total = progress.total * len(temperatures)
            work.hear(Progress("sweeping", progress.done + before * progress.total, total, progress.unit))

        generation = dataclasses.replace(asked.settings.generation, temperature=temperature)
        # All rollouts at temperature 0 are the same one, so that one says everything.
        count = 1 if temperature < ARGMAX_BELOW else settings.count
        wish = Wish(asked.prompt, generation, count, asked.chat, asked.run or None)
        drawn = draw(services.model_server(), wish, stop=work.stop, report=hear, on_place=work.wait)
        if not drawn.complete:
            return False
        texts = [rollout.text for rollout in drawn.rollouts]
        rewards = torch.tensor(reward([asked.prompt] * count, texts), dtype=torch.float64)
        points.append(
            {
                "temperature": temperature,
                "mean": float(rewards.mean()),
                "error": 0.0 if count == 1 else standard_error(rewards),
                "count": count,
                "distinct": len({tuple(rollout.ids) for rollout in drawn.rollouts}),
            }
        )
        work.give({**head, "points": list(points)})
    return True


def result_of(work: Work) -> dict[str, Any]:
    """What came of a piece of work so far.

    Raises:
        RunError: nothing did yet.
    """
    if work.result is None:
        raise RunError("There is nothing to show yet.")
    found: dict[str, Any] = work.result
    return found


def _scores(settings: RewardConfig, reward: Any, prompt: str, completions: Sequence[str]) -> dict[str, Any]:
    each = reward.each([prompt] * len(completions), completions)
    weights = [part.weight for part in reward.parts]
    totals = [
        sum(weight * value for weight, value in zip(weights, values, strict=True)) for values in zip(*each, strict=True)
    ]
    return {
        "reward": encode_reward(settings),
        "bounds": _ends(reward.bounds),
        "weights": weights,
        "parts": each,
        "rewards": totals,
    }


def _ends(bounds: Bounds) -> list[float | None]:
    """Bounds as JSON values: null for none."""
    return [end if abs(end) != float("inf") else None for end in (bounds.low, bounds.high)]
