"""What can be evaluated: a person's finished runs that left something, and the steps that they have kept."""

from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.evaluation.subject import subject_of
from playground.runs.records import RunRecord
from playground.runs.steps import saved_steps
from playground.ui import identity
from playground.ui.forms import relisted
from playground.ui.i18n import locale_of, say
from playground.ui.services import Services


def offer_runs(
    services: Services, person: object, chosen: str | None, looked_at: str, request: gr.Request
) -> dict[str, Any]:
    """The runs that left something to evaluate, newest first: one's own, and for the host everybody's."""
    found = _evaluable(services, person, request)
    ids = [record.id for record in found]
    wanted = next((run for run in (chosen, looked_at, *ids[:1]) if run in ids), None)
    return relisted([(f"{record.name} · {record.id}", record.id) for record in found], wanted, chosen)


def offer_others(
    services: Services, person: object, run: str | None, chosen: list[str] | None, request: gr.Request
) -> dict[str, Any]:
    """The other runs and everybody's saved steps, those of the chosen run first; what was chosen stays if it can."""
    locale = locale_of(request)
    choices: list[tuple[str, str]] = []
    for record in sorted(_evaluable(services, person, request), key=lambda found: found.id != run):
        if record.id != run:
            choices.append((f"{record.name} · {record.id}", record.id))
        for saved in saved_steps(services.store.folder(record.id)):
            words = say("evaluate.others.step", locale, name=record.name, run=record.id, step=saved.step)
            choices.append((words, f"{record.id}@{saved.step}"))
    known = {value for _, value in choices}
    return relisted(choices, [one for one in chosen or [] if one in known], chosen)


def _evaluable(services: Services, person: object, request: gr.Request) -> list[RunRecord]:
    known = identity.identify(person, request)
    ended = services.store.list("run", owner=None if known.host else known.owner)
    return [record for record in ended if record.phase.terminal and _left_something(services, record)]


def _left_something(services: Services, record: RunRecord) -> bool:
    try:
        subject_of(record.id, services.store)
    except PlaygroundError:
        return False
    return True
