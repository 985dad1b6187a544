"""From what a person wants to a queued job: what they may use is checked here, whoever asks, page or script."""

from collections.abc import Sequence
from typing import Any

from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.config.judging import ENDPOINT, JudgeSettings
from playground.config.methods.answering import AnsweringSettings
from playground.config.methods.dpo import DPOSettings
from playground.config.methods.kto import KTOSettings
from playground.config.methods.orpo import ORPOSettings
from playground.config.rewards import TrainedReward
from playground.config.run import ModelRef, RunConfig, RunRef
from playground.errors import NotAllowed
from playground.evaluation.subject import Subject, check_judge, held_out, run_of, subjects_of
from playground.jobs.allowance import Minutes
from playground.models import catalogue
from playground.models.lineage import scorer_of
from playground.room import caps
from playground.ui.identity import Person, check_owner
from playground.ui.reward_form import check_reward_rights
from playground.ui.run_sources import source_is_for_everyone
from playground.ui.services import Services


def launch(services: Services, document: dict[str, Any], known: Person) -> str:
    """Checks what this person may use, and queues the run; gives its id.

    Raises:
        ConfigError: with every problem in the document.
        NotAllowed: see `check_rights` and `check_caps`.
        Busy: they have as many jobs as one person may have.
    """
    config = codec.decode(document)
    check_rights(services, config, known)
    check_caps(services, config, known)
    return services.jobs.submit(
        "run",
        codec.encode(config),
        known.owner,
        config.name,
        most=jobs_allowed(services, known),
        minutes=minutes_allowed(services, known),
    )


def check_rights(services: Services, config: RunConfig, known: Person) -> None:
    """Paths of this machine and ids of the Hub are for the host; a run to go on from must be one's own.

    Raises:
        NotAllowed: the person may not use the model, the data or the reward named.
        RunError: the run named does not exist.
    """
    if known.host:
        return
    if isinstance(config.model, str):
        if catalogue.find(config.model) is None:
            raise NotAllowed(f"{config.model} is not in the catalogue; only the host can tune other models.")
    elif services.store.get(config.model.run).owner != known.owner:
        raise NotAllowed("That run belongs to someone else; only its owner or the host can go on from it.")
    if config.training.report_to != "none":
        raise NotAllowed("Only the host can report to a tracker: it would write in the host's name.")
    if not source_is_for_everyone(config.data.source):
        raise NotAllowed("Only the host can train on paths and Hub data sets; upload a file, or take a bundled one.")
    if isinstance(config.options, AnsweringSettings):
        check_reward_rights(config.options.reward, known, services.store)
    if isinstance(config.options, DPOSettings | KTOSettings | ORPOSettings) and config.options.judge:
        check_reward_rights(TrainedReward(config.options.judge), known, services.store)


def check_caps(services: Services, config: RunConfig, known: Person) -> None:
    """What the rules of the room allow a participant's run; the host may start anything.

    Raises:
        NotAllowed: the host lets nobody start runs, or this one is larger than participants may start.
        PlaygroundError: the model or the rows, which decide how large it is, cannot be read.
    """
    if not known.host:
        caps.check_run(services.rules.settings, config, lambda: len(services.shelf.splits(config.data).train))


def resume(services: Services, run: str, known: Person) -> None:
    """Puts a run that ended early back into the queue, to go on from its last checkpoint; the rules of now hold.

    Raises:
        NotAllowed: it is someone else's, or `check_caps`.
        RunError: there is no such run, it goes on still, is done or left nothing to go on from.
        Busy: they have as many jobs as one person may have.
    """
    record = services.store.get(run)
    check_owner(record.owner, known)
    if record.kind == "run":
        check_caps(services, codec.decode(record.document), known)
    services.jobs.resume(run, most=jobs_allowed(services, known), minutes=minutes_allowed(services, known))


def launch_evaluation(services: Services, document: dict[str, Any], known: Person) -> str:
    """Checks that all the runs are one's own and left something to evaluate, and queues the evaluation; gives its id.

    Raises:
        ConfigError: with every problem in the document, whose fields are those of `EvaluationSettings`.
        NotAllowed: one of the runs or the judge is someone else's, or it is larger than the rules of the room allow.
        ModelError: the judge is no reward model, or left nothing.
        RunError: there is no such run, it goes on still, it left nothing, or it has not kept that step.
        Busy: they have as many jobs as one person may have.
    """
    settings = codec.decode_section(EvaluationSettings, document)
    for run in map(run_of, (settings.run, *settings.others)):
        if not known.host and services.store.get(run).owner != known.owner:
            raise NotAllowed(f"Run {run} belongs to someone else; only its owner or the host can evaluate it.")
    for run in filter(None, (settings.judge, settings.questions)):
        check_owner(services.store.get(run).owner, known)
    subjects = subjects_of(settings, services.store)
    _check_judging(services, settings.judging, known)
    check_judge(settings)
    if not known.host:
        _check_evaluation(services, settings, subjects)
    document = codec.encode_section(settings)
    most, minutes = jobs_allowed(services, known), minutes_allowed(services, known)
    return services.jobs.submit("evaluation", document, known.owner, most=most, minutes=minutes)


def _check_evaluation(services: Services, settings: EvaluationSettings, subjects: Sequence[Subject]) -> None:
    """Raises NotAllowed where the rules of the room do not allow it."""
    models: list[ModelRef] = [subject.config.model for subject in subjects]
    if settings.judge:
        models.append(scorer_of(settings.judge).config.model)
    if settings.judging.model and settings.judging.model != ENDPOINT:
        models.append(settings.judging.ref)
    rules = services.rules.settings
    caps.check_evaluation(rules, settings, models, lambda: len(held_out(subjects[0], settings)))


def _check_judging(services: Services, judging: JudgeSettings, known: Person) -> None:
    """The endpoint, whose key is the host's, and models beyond the catalogue are for the host.

    Raises:
        NotAllowed: the person may not use that judge.
        RunError: the run named does not exist.
    """
    if known.host or not judging.model:
        return
    if judging.model == ENDPOINT:
        raise NotAllowed("Only the host can ask the judge's endpoint, which is paid for with the host's key.")
    if isinstance(judging.ref, RunRef):
        check_owner(services.store.get(judging.ref.run).owner, known)
    elif catalogue.find(judging.ref) is None:
        raise NotAllowed(f"{judging.ref} is not in the catalogue; only the host can take other models as judge.")


def jobs_allowed(services: Services, known: Person) -> int | None:
    """How many jobs of this person may wait or go on; None for the host, who has no limit.

    Raises:
        ConfigError: `PLAYGROUND_JOBS_PER_PERSON` is not a whole number above 0.
    """
    return None if known.host else services.rules.settings.jobs_per_person


def minutes_allowed(services: Services, known: Person) -> Minutes | None:
    """How long a job of this person may take at a time, by the rules at each moment; None for the host."""
    return None if known.host else lambda: services.rules.settings.max_run_minutes
