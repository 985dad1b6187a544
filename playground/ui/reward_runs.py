"""Finished reward models, wherever one can be chosen: as a reward, as a judge, to score a text."""

from typing import Any

import gradio as gr

from playground.config.methods import SCORING
from playground.runs.events import Phase
from playground.ui import identity
from playground.ui.forms import relisted
from playground.ui.services import Services


def reward_run_choices(services: Services, person: object, request: gr.Request) -> list[tuple[str, str]]:
    """This person's finished reward models as (name · id, id), newest first; the host's list has everyone's."""
    known = identity.visitor(person, request)
    if known is None:
        return []
    records = services.store.list("run", owner=None if known.host else known.owner)
    ended = [run for run in records if run.method in SCORING and run.phase in (Phase.DONE, Phase.STOPPED)]
    return [(f"{run.name or run.method} · {run.id}", run.id) for run in ended]


def offer_reward_runs(services: Services, person: object, chosen: str | None, request: gr.Request) -> dict[str, Any]:
    """The choices of a field of reward models; the newest is chosen where none was. What a config named stays."""
    choices = reward_run_choices(services, person, request)
    newest = choices[0][1] if choices else ""
    return relisted(choices, chosen or newest, chosen)
