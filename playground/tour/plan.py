"""What the stages of a tour are: ready configs and evaluations, each with the figure that tells what it has done."""

import dataclasses
import difflib
import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.config import codec, presets
from playground.config.evaluation import EvaluationSettings
from playground.errors import ConfigError
from playground.runs.records import JobKind

CHANGES_VARIABLE = "PLAYGROUND_TOUR_SET"
"""Environment variable: settings that every tour of this app is given, `STAGE.PATH=VALUE` with spaces in between."""
UNKNOWN_RUN = "a-run-of-an-earlier-stage"
"""Stands for the runs that a stage builds on while its settings are checked."""


@dataclass(frozen=True)
class Stage:
    """One job of a tour."""

    name: str
    kind: JobKind
    figure: str
    """Which number tells what it has done: a metric of a run that is measured on held-out rows before the first step
    too, or `bleu` or `win_rate` of an evaluation."""
    unit: str
    """How the figure is written: `share` (0 to 1), `score` (0 to 100) or `number`."""
    tab: str
    """Where in the app it is watched."""
    config: str = ""
    """A run's ready config."""
    changes: tuple[str, ...] = ()
    """Settings laid over it, `PATH=VALUE`."""
    on: str = ""
    """The stage whose run is the model that a run begins with, or that is evaluated."""
    judge: str = ""
    """The stage whose reward model judges an evaluation."""

    def document(self, runs: Mapping[str, str]) -> dict[str, Any]:
        """The job's settings as JSON values.

        Args:
            runs: ids of the runs of earlier stages, by stage.

        Raises:
            ConfigError: with every problem in them.
        """
        if self.kind == "evaluation":
            given = {"run": runs[self.on], "judge": runs[self.judge] if self.judge else ""}
            settings = codec.decode_section(EvaluationSettings, codec.with_overrides(given, self.changes))
            return codec.encode_section(settings)
        document = dict(presets.read(self.config))
        if self.on:
            document["model"] = {"run": runs[self.on]}
        return codec.encode(codec.decode(codec.with_overrides(document, self.changes)))


@dataclass(frozen=True)
class Plan:
    """The stages of a tour with one model, in their order."""

    model: str
    """Its name in the catalogue."""
    minutes: int
    """About how long it takes on two CPU cores."""
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        """A stage by its name.

        Raises:
            ConfigError: there is none.
        """
        names = [stage.name for stage in self.stages]
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}."
            raise ConfigError([f"The tour has no stage {name!r}; {hint}"])
        return self.stages[names.index(name)]

    def changed(self, assignments: Sequence[str]) -> "Plan":
        """The plan with other settings, each given as `STAGE.PATH=VALUE`.

        Raises:
            ConfigError: a stage or a setting is not known, or a value is out of range.
        """
        stages = {stage.name: stage for stage in self.stages}
        for assignment in assignments:
            name, separator, rest = assignment.partition(".")
            if not separator or "=" not in rest:
                example = "sft.training.max_steps=20"
                raise ConfigError([f"The tour takes STAGE.PATH=VALUE, such as {example}; got {assignment!r}."])
            stage = stages[self.stage(name).name]
            stages[name] = dataclasses.replace(stage, changes=(*stage.changes, rest))
        changed = dataclasses.replace(self, stages=tuple(stages.values()))
        for stage in changed.stages:
            stage.document(dict.fromkeys(stages, UNKNOWN_RUN))
        return changed


BLEU = Stage("bleu", "evaluation", "bleu", "score", "evaluate", on="sft")
COMPARE = Stage("compare", "evaluation", "win_rate", "share", "compare", on="dpo", judge="reward")
SFT_FIGURE, REWARD_FIGURE = ("eval_loss", "number"), ("eval_accuracy", "share")
PPO_FIGURE, DPO_FIGURE = ("eval_objective/positive", "share"), ("eval_rewards/margins", "number")

TINY = Plan(
    "tiny",
    4,
    (
        Stage("sft", "run", *SFT_FIGURE, "train", "tiny-sft"),
        Stage("reward", "run", *REWARD_FIGURE, "train", "tiny-reward", ("training.max_steps=50",)),
        # Half of the openings are held out, so that the share of kind answers is not told from a handful.
        Stage("ppo", "run", *PPO_FIGURE, "train", "tiny-ppo", ("data.split=[0.5,0,0.5]", "training.eval_steps=8")),
        Stage("dpo", "run", *DPO_FIGURE, "train", "tiny-dpo", on="sft"),
        COMPARE,
        BLEU,
    ),
)
SMOLLM2 = Plan(
    "smollm2-135m-instruct",
    30,
    (
        Stage("sft", "run", *SFT_FIGURE, "train", "sft-instructions"),
        Stage("reward", "run", *REWARD_FIGURE, "train", "reward-preferences"),
        Stage("ppo", "run", *PPO_FIGURE, "train", "ppo-sentiment"),
        Stage("dpo", "run", *DPO_FIGURE, "train", "dpo-preferences", on="sft"),
        dataclasses.replace(COMPARE, changes=("limit=64",)),
        dataclasses.replace(BLEU, changes=("limit=64",)),
    ),
)
PLANS: tuple[Plan, ...] = (TINY, SMOLLM2)


def plan_for(model: str, changes: Sequence[str] = ()) -> Plan:
    """The tour with a model, with the changes that the environment asks for and those given.

    Raises:
        ConfigError: there is no tour with this model, or a change cannot be made.
    """
    found = next((plan for plan in PLANS if plan.model == model), None)
    if found is None:
        known = " or ".join(plan.model for plan in PLANS)
        raise ConfigError([f"The tour goes with {known}; got {model!r}."])
    return _changed(found, (*os.environ.get(CHANGES_VARIABLE, "").split(), *changes))


@functools.lru_cache(maxsize=64)
def _changed(plan: Plan, changes: tuple[str, ...]) -> Plan:
    """Kept, since whoever watches a tour asks for its plan every second."""
    return plan.changed(changes)
