"""What a participant's run, evaluation or answer may be, against the rules of the room. Pure but for models' headers.

Every problem is told at once, each with what is allowed, what was asked and the setting to change.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from playground.config.evaluation import EvaluationSettings
from playground.config.methods.answering import AnsweringSettings
from playground.config.methods.ppo import PPOSettings
from playground.config.room import RoomSettings
from playground.config.run import ModelRef, RunConfig
from playground.errors import NotAllowed
from playground.models import catalogue
from playground.models.fetch import names_a_folder
from playground.models.lineage import lineage_of
from playground.models.memory import parameters_of

MILLION = 1_000_000


def check_runs_allowed(settings: RoomSettings) -> None:
    """Raises NotAllowed where the host lets nobody start anything."""
    if not settings.allow_runs:
        raise NotAllowed(
            "The host has closed training and evaluating for participants; watch the runs that go on, or ask the host "
            "to open it in the Room tab."
        )


def check_run(settings: RoomSettings, config: RunConfig, rows: Callable[[], int]) -> None:
    """Refuses a run that is larger than participants may start.

    Args:
        rows: counts the rows of the training share; asked only where the steps follow from them.

    Raises:
        NotAllowed: with everything that is too large.
        PlaygroundError: the model or the rows cannot be read.
    """
    check_runs_allowed(settings)
    training, each = config.training, step_rows(config)
    problems = [
        _too_much("training.batch_size × gradient_accumulation", "rows a step", each, settings.max_step_rows)
        if not isinstance(config.options, PPOSettings)
        else _too_much("ppo.rollouts", "rows a step", each, settings.max_step_rows),
        _too_much("training.max_length", "tokens a row", training.max_length, settings.max_row_tokens),
        _too_large(config.model, settings),
        _too_much("training.sample_tokens", "tokens an answer", training.sample_tokens, settings.max_new_tokens),
    ]
    if isinstance(config.options, AnsweringSettings):
        name = f"{config.method}.max_new_tokens"
        problems.append(_too_much(name, "tokens an answer", config.options.max_new_tokens, settings.max_new_tokens))
    if training.max_steps is not None:
        problems.append(_too_much("training.max_steps", "steps", training.max_steps, settings.max_steps))
    else:
        steps = math.ceil(training.epochs * math.ceil(rows() / each))
        problems.append(_too_much("training.max_steps (empty now: all epochs)", "steps", steps, settings.max_steps))
    _refuse(problems)


def step_rows(config: RunConfig) -> int:
    """How many rows one optimiser step, or with PPO one round of rollouts, learns from."""
    if isinstance(config.options, PPOSettings):
        return config.options.rollouts
    return config.training.batch_size * config.training.gradient_accumulation


def check_evaluation(
    settings: RoomSettings, asked: EvaluationSettings, models: Sequence[ModelRef], rows: Callable[[], int]
) -> None:
    """Refuses an evaluation that is larger than participants may start.

    Args:
        models: those that answer, and those that judge.
        rows: counts the rows of the share that is answered; asked only where there is no limit.

    Raises:
        NotAllowed: with everything that is too large.
        PlaygroundError: a model or the rows cannot be read.
    """
    check_runs_allowed(settings)
    most = settings.max_evaluation_rows
    answered = rows() if asked.limit is None else asked.limit
    longest = asked.generation.max_new_tokens
    _refuse(
        [
            _too_much("evaluation.limit (empty: every row)", "rows", answered, most),
            _too_much("generation.max_new_tokens", "tokens an answer", longest, settings.max_new_tokens),
            *(_too_large(model, settings) for model in models),
        ]
    )


def check_model(settings: RoomSettings, ref: ModelRef) -> None:
    """Refuses to load a model that participants may not load.

    Raises:
        NotAllowed: loading is the host's alone, or the model is too large.
    """
    if not settings.allow_models:
        raise NotAllowed(
            "The host has closed loading models for participants, since everybody uses the same one; ask the host to "
            "load it, or to open it in the Room tab."
        )
    _refuse([_too_large(ref, settings)])


def check_answer(settings: RoomSettings, max_new_tokens: int) -> None:
    """Refuses an answer that is longer than participants may ask for.

    Raises:
        NotAllowed: it is.
    """
    _refuse([_too_much("generation.max_new_tokens", "tokens an answer", max_new_tokens, settings.max_new_tokens)])


def _too_much(setting: str, unit: str, asked: int, most: int) -> str | None:
    if asked <= most:
        return None
    return f"{setting} asks for {asked:,} {unit}, and participants may have {most:,}."


def _too_large(ref: ModelRef, settings: RoomSettings) -> str | None:
    lineage = lineage_of(ref)
    entry = catalogue.find(lineage.base)
    if entry is not None:
        name, parameters = entry.title, entry.parameters
    else:
        folder = lineage.weights or _folder_of(lineage.base)
        if folder is None:  # what neither the catalogue nor this machine knows is for the host in any case
            return None
        name, parameters = lineage.name or folder.name, parameters_of(folder)
    if parameters <= settings.max_model_size * MILLION:
        return None
    return (
        f"{name} has {math.ceil(parameters / MILLION):,} million parameters, and participants may use models of up to "
        f"{settings.max_model_size:,} million."
    )


def _folder_of(base: str) -> Path | None:
    return Path(base).expanduser() if names_a_folder(base) else catalogue.local_folder(base)


def _refuse(problems: Sequence[str | None]) -> None:
    found = list(dict.fromkeys(problem for problem in problems if problem))
    if found:
        raise NotAllowed("\n".join([*found, "Ask for less, or ask the host to allow more in the Room tab."]))
