"""The tour in the page: a card between header and tabs that narrates it, leads to what it speaks of, and shows how it
stands. Texts and drawing are in `assets/js/tour.js`; the tour itself is led by `tours.py`."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.models import catalogue
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.tour.outcome import Outcome, outcomes
from playground.tour.plan import PLANS
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.pacing import act
from playground.ui.services import Services
from playground.ui.shell import handing
from playground.ui.widgets import widget

QUESTION = "What does Karel do for a living?"
"""Asked in Compare: a question of the held-out rows that DPO and the reward model learn manners by."""


def build() -> gr.HTML:
    """The card; to be placed above the tabs, and wired once they are there."""
    return widget(
        "tour.js", "shell-tour", "begin", "resume", "stop", "visit", panel="pp-panel pp-tour", elem_classes="pp-bare"
    )


def wire(card: Any, services: Services, person: gr.BrowserState, handed: gr.State, tabs: gr.Tabs, opened: Any) -> None:
    """Connects the card to the handlers."""
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for event, handler in ((card.begin, begin), (card.resume, resume), (card.stop, stop)):
        event(shown(handler, services), [person], [card], queue=False, **quiet)
    # In the queue: only there does Gradio tell those who listen to a state that it has changed.
    card.visit(shown(visit, services), [person], [handed, tabs], **quiet)
    opened.then(shown(who), [person], [card], **quiet)


def who(person: object, request: gr.Request) -> dict[str, Any]:
    """Tells the card who is looking."""
    return {"viewer": identity.viewer(identity.identify(person, request))}


def begin(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """Begins a tour of this person's own."""
    return _answered(services, event, person, request, "begin")


def resume(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """Goes on with this person's last tour."""
    return _answered(services, event, person, request, "resume")


def stop(services: Services, event: gr.EventData, person: object, request: gr.Request) -> dict[str, Any]:
    """Ends this person's tour, with what there is."""
    return _answered(services, event, person, request, "stop")


def visit(services: Services, event: gr.EventData, person: object, request: gr.Request) -> tuple[Any, Any]:
    """Opens the tab of a stage, or `tab` where the judgement of one is asked for, with what it has begun, if it has."""
    known = identity.identify(person, request)
    _, tour, _ = services.tours.standing(known.owner)
    asked = _asked(event)
    if tour is None:
        return gr.skip(), gr.skip()
    stage = tour.plan.stage(str(asked.get("stage") or ""))
    tab = "evaluate" if asked.get("tab") == "evaluate" else stage.tab
    # Before and after SFT: that is the run whose base is the model that most have loaded.
    job = tour.jobs.get("sft" if tab == "compare" else stage.name)
    if job is None:
        return gr.skip(), gr.Tabs(selected=tab)
    if tab == "compare":  # which opens itself once run and prompt are there
        return handing(tab, look=job, prompt=QUESTION), gr.skip()
    return handing(tab, look=job), gr.Tabs(selected=tab)


def tour_view(services: Services, owner: str) -> dict[str, Any]:
    """How a person's tour stands: `{"state", "model", "reason", "waits", "models", "stages": [one for each]}`."""
    state, tour, waits = services.tours.standing(owner)
    models = [
        {"name": plan.model, "minutes": plan.minutes, "here": catalogue.local_folder(plan.model) is not None}
        for plan in PLANS
    ]
    if tour is None:
        return {"state": state, "models": models, "stages": []}
    stages = [_stage_row(services, one) for one in outcomes(tour, services.store)]
    return {
        "state": state, "model": tour.model, "reason": tour.reason, "waits": waits, "models": models, "stages": stages,
    }  # fmt: skip


def _stage_row(services: Services, one: Outcome) -> dict[str, Any]:
    row = {**one.to_json(), "tab": one.stage.tab, "steps": 0, "total": None, "started": None, "place": None}
    if one.run and one.phase not in ("deleted", Phase.DONE):
        record = services.store.get(one.run)
        place = services.jobs.places().get(record.id)
        going = {"steps": record.steps, "total": _steps(record), "started": record.started}
        row |= {**going, "place": place.position if place else None, "starts_in": place.seconds if place else None}
    return row


def _steps(record: RunRecord) -> int | None:
    steps = record.document.get("training", {}).get("max_steps")
    return steps if isinstance(steps, int) else None


def _answered(
    services: Services, event: gr.EventData, person: object, request: gr.Request, what: str
) -> dict[str, Any]:
    """Does what is asked; a refusal is said in the card. `turn` makes every answer another one than the last."""
    asked = _asked(event)
    answer: dict[str, Any] = {"turn": asked.get("turn"), "did": what}
    try:
        known = identity.identify(person, request)
        answer["viewer"] = identity.viewer(known)
        if what != "stop":
            act(services, known)
        match what:
            case "begin":
                services.tours.begin(known, str(asked.get("model") or PLANS[0].model))
            case "resume":
                services.tours.go_on(known)
            case _:
                services.tours.stop(known)
    except PlaygroundError as error:
        answer["refused"] = str(error)
    return answer


def _asked(event: gr.EventData) -> Mapping[str, Any]:
    return event._data if isinstance(event._data, Mapping) else {}
