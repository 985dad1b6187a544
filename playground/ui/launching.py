"""From what a person wants to a queued job: what they may use is checked here, whoever asks, page or script."""

import os
from typing import Any

from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.config.run import RunConfig
from playground.errors import ConfigError, NotAllowed
from playground.evaluation.subject import subject_of
from playground.models import catalogue
from playground.ui import run_form
from playground.ui.identity import Person
from playground.ui.services import Services

JOBS_VARIABLE = "PLAYGROUND_JOBS_PER_PERSON"
"""Environment variable: how many jobs of one person may wait or go on at a time; the host has no limit."""
JOBS_PER_PERSON = 3


def launch(services: Services, document: dict[str, Any], known: Person) -> str:
    """Checks what this person may use, and queues the run; gives its id.

    Raises:
        ConfigError: with every problem in the document.
        NotAllowed: see `check_rights`.
        Busy: they have as many jobs as one person may have.
    """
    config = codec.decode(document)
    check_rights(services, config, known)
    return services.jobs.submit("run", codec.encode(config), known.owner, config.name, most=jobs_allowed(known))


def check_rights(services: Services, config: RunConfig, known: Person) -> None:
    """Paths of this machine and ids of the Hub are for the host; a run to go on from must be one's own.

    Raises:
        NotAllowed: the person may not use the model or the data named.
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
    if not run_form.source_is_for_everyone(config.data.source):
        raise NotAllowed("Only the host can train on paths and Hub data sets; upload a file, or take a bundled one.")


def launch_evaluation(services: Services, document: dict[str, Any], known: Person) -> str:
    """Checks that the run is one's own and left something to evaluate, and queues the evaluation; gives its id.

    Raises:
        ConfigError: with every problem in the document, whose fields are those of `EvaluationSettings`.
        NotAllowed: the run is someone else's.
        RunError: there is no such run, it goes on still, or it left nothing.
        Busy: they have as many jobs as one person may have.
    """
    settings = codec.decode_section(EvaluationSettings, document)
    if not known.host and services.store.get(settings.run).owner != known.owner:
        raise NotAllowed("That run belongs to someone else; only its owner or the host can evaluate it.")
    subject_of(settings.run, services.store)
    return services.jobs.submit("evaluation", codec.encode_section(settings), known.owner, most=jobs_allowed(known))


def jobs_allowed(known: Person) -> int | None:
    """How many jobs of this person may wait or go on; None for the host, who has no limit.

    Raises:
        ConfigError: `PLAYGROUND_JOBS_PER_PERSON` is not a whole number above 0.
    """
    given = os.environ.get(JOBS_VARIABLE) or str(JOBS_PER_PERSON)
    if not given.isdecimal() or int(given) < 1:
        raise ConfigError([f"{JOBS_VARIABLE} must be a whole number above 0; got {given!r}."])
    return None if known.host else int(given)
