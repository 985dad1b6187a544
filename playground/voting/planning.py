"""From votes to the jobs of a lesson: a run with settings that fit the model and how much there is to learn from, and
the evaluation that comes after it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.config import codec, presets
from playground.errors import DataError
from playground.models.lineage import lineage_of
from playground.voting.arena import MODEL, RUN, contestant
from playground.voting.lessons import ANSWERS, TRAIN, Method, Step
from playground.voting.preferences import Preferences

FEWEST = 8
"""Pairs with a preference below which there is nothing to learn but single answers by heart."""
HELD_OUT = 0.2
"""Of the questions that were voted on; about."""
ASKED = 40
"""Questions of the next round at most."""


@dataclass(frozen=True)
class Recipe:
    """How a model of one size learns from pairs."""

    configs: Mapping[Method, str]
    """Ready configs."""
    passes: int
    """Over the preferences, where they are few; never more steps than the ready config has."""
    fewest_steps: int
    learning_rate: Mapping[Method, float]
    """Below that of the ready configs, which learn from hundreds of pairs: few pairs at their rate make the model
    forget what the votes were not about."""


TINY = Recipe({"dpo": "tiny-dpo", "reward": "tiny-reward"}, 12, 20, {"dpo": 2e-3, "reward": 1e-3})
REAL = Recipe({"dpo": "dpo-preferences", "reward": "reward-preferences"}, 5, 16, {"dpo": 3e-4, "reward": 5e-4})
KNOWN = {f"{MODEL}tiny": TINY, f"{MODEL}smollm2-135m-instruct": REAL}
"""Models that the ready configs are made for; for others they are taken with the usual modules of the architecture."""
NAMES: Mapping[Method, str] = {
    "dpo": "DPO on {rows} preferences voted",
    "reward": "Reward model of {rows} preferences voted",
}


@dataclass(frozen=True)
class Asking:
    """What the models are asked once the run is done."""

    questions: str
    """The run whose held-out rows are asked; empty for the rows that were held out from the votes."""
    split: str
    generation: Mapping[str, Any]
    """How answers are drawn, as JSON: as those that were voted on."""


def missing(found: Preferences) -> int:
    """How many pairs with a preference are still needed; 0 where there are enough."""
    return max(FEWEST - len(found.rows), 1 if len(found.questions) < 2 else 0)


def check_enough(found: Preferences) -> None:
    """Refuses votes that nothing can be learnt from.

    Raises:
        DataError: there are too few pairs with a preference, or all are on one question.
    """
    rows = len(found.rows)
    if rows < FEWEST:
        tied = f" ({found.tied} more {'is a tie' if found.tied == 1 else 'are ties'})" if found.tied else ""
        raise DataError(
            f"Votes must prefer one answer on at least {FEWEST} pairs to train on; they do on {rows}{tied}. Vote on "
            f"{FEWEST - rows} more."
        )
    if len(found.questions) < 2:
        raise DataError(
            "All preferences are on one question, and none could be held out; vote on the answers to another one too."
        )


def steps(
    method: Method, pupil: str, evaluated: str, found: Preferences, source: str, asking: Asking
) -> tuple[Step, ...]:
    """The run that learns, and the evaluation of what came of it.

    Args:
        pupil: the contestant to train further.
        evaluated: id of the run whose answers a reward model judges; of no use to DPO.
        source: where `found` is kept, as `data.source`.

    Raises:
        ModelError: the pupil cannot be trained further.
    """
    train = Step(TRAIN, "run", training(method, pupil, found, source))
    asked = {"split": asking.split, "limit": ASKED, "generation": dict(asking.generation)}
    if method == "dpo":
        return train, Step(ANSWERS, "evaluation", {**asked, "questions": asking.questions}, {"run": TRAIN})
    judged = {**asked, "run": evaluated, "questions": asking.questions}
    return train, Step(ANSWERS, "evaluation", judged, {"judge": TRAIN})


def training(method: Method, pupil: str, found: Preferences, source: str) -> dict[str, Any]:
    """The run's config as JSON. Its reference is the pupil itself: a run's adapter is merged, and a new one is trained.

    Raises:
        ModelError: the pupil cannot be trained further.
    """
    model: Any = {"run": pupil.removeprefix(RUN)} if pupil.startswith(RUN) else pupil.removeprefix(MODEL)
    base = contestant(lineage_of(codec.decode({"model": model}).model).base)
    recipe = KNOWN.get(base, REAL)
    document = dict(presets.read(recipe.configs[method]))
    rows, held_out = len(found.rows), found.held_out(HELD_OUT)
    learnt = rows - held_out
    ready = document["training"]
    batch = min(ready["batch_size"], learnt)
    most = min(max(math.ceil(recipe.passes * learnt / batch), recipe.fewest_steps), ready["max_steps"])
    quarter = max(1, most // 4)
    document["training"] = ready | {
        "max_steps": most, "batch_size": batch, "eval_steps": quarter, "save_steps": quarter, "sample_steps": quarter,
        "learning_rate": recipe.learning_rate[method],
    }  # fmt: skip
    if base not in KNOWN:
        document["adapter"] = document["adapter"] | {"targets": None}
    shares = [learnt / rows, held_out / rows]
    document["data"] = {"source": source, "split": shares, "seed": None, **found.template}
    document |= {"model": model, "name": NAMES[method].format(rows=rows)}
    return codec.encode(codec.decode(document))
