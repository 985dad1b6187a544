"""The Rollouts view of the Distribution tab: many continuations of one prompt, their rewards, and what follows.

The work is done by `rollouts_work` in a thread that belongs to no browser; the page asks how it goes and fetches what
came of it (`assets/js/rollouts.js`), so that a reload shows the same. Everything after that, β's slider above all, is
worked out in the browser.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from playground.config.rollouts import SweepSettings
from playground.errors import PlaygroundError, RunError
from playground.ui import identity
from playground.ui.desk import Desk
from playground.ui.desk_view import named, status, stop
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.pacing import act
from playground.ui.question import BASE, Question, runs_of
from playground.ui.reward_form import (
    RewardForm,
    build_reward_form,
    check_reward_rights,
    reward_of,
    reward_values,
)
from playground.ui.reward_runs import offer_reward_runs
from playground.ui.rollouts_form import (
    DRAWING,
    DrawingForm,
    SweepForm,
    build_drawing_form,
    build_sweep_form,
    drawing_settings,
    drawing_updates,
    linked_settings,
    sweep_settings,
    sweep_updates,
)
from playground.ui.rollouts_work import Asked, draw_and_score, result_of, score_anew, sweep
from playground.ui.sent import sent
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import script

DRAWN, SWEPT = "rollouts", "sweep"
"""Kinds of work, and the widgets that show them."""
FIELDS = len(DRAWING) + 1
WITH_WORK = "(person, _, ...fields) => [person, playground.work?.rollouts ?? '', ...fields]"
"""The page knows which work it shows, after a reload too."""


@dataclass(frozen=True)
class RolloutsView:
    """Components of the view."""

    drawing: DrawingForm
    reward: RewardForm
    sweep: SweepForm
    start: gr.Button
    anew: gr.Button
    start_sweep: gr.Button
    picture: gr.HTML
    sweep_picture: gr.HTML

    def inputs(self) -> list[Any]:
        """The fields of drawing and of the reward."""
        return [*self.drawing.fields, *self.reward.inputs()]


def build(services: Services, shell: Shell, question: Question) -> RolloutsView:
    """Lays the view out and wires it."""
    desk = Desk()
    view = _layout(desk)
    _wire(view, services, desk, shell, question)
    return view


def _layout(desk: Desk) -> RolloutsView:
    gr.Markdown(text("rollouts.about"), elem_id="rollouts-about")
    drawing = build_drawing_form()
    reward = build_reward_form(DRAWN)
    with gr.Row(elem_classes="pp-actions"):
        start = gr.Button(text("rollouts.start"), variant="primary", elem_id="rollouts-start")
        anew = gr.Button(text("rollouts.anew"), elem_id="rollouts-anew")
    picture = _widget(desk, "mount", "rollouts-picture")
    with gr.Accordion(text("rollouts.sweep"), open=False, elem_id="rollouts-sweep"):
        gr.Markdown(text("rollouts.sweep_about"))
        sweep_form = build_sweep_form()
        with gr.Row(elem_classes="pp-actions"):
            start_sweep = gr.Button(text("rollouts.sweep_start"), elem_id="rollouts-sweep-start")
        sweep_picture = _widget(desk, "mountSweep", "rollouts-sweep-picture")
    return RolloutsView(drawing, reward, sweep_form, start, anew, start_sweep, picture, sweep_picture)


def _widget(desk: Desk, mount: str, elem_id: str) -> gr.HTML:
    return gr.HTML(
        html_template='<div class="pgd pgr"></div>',
        js_on_load=script("rollouts.js", "link", "stop", mount=mount, server=True),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="pp-bare",
        server_functions=[named("status", partial(status, desk)), named("result", partial(result, desk))],
    )


def _wire(view: RolloutsView, services: Services, desk: Desk, shell: Shell, question: Question) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    asked = [shell.person, *question.inputs(), *view.inputs()]
    view.start.click(shown(start, services, desk), asked, [view.picture, shell.prompt], queue=False, **quiet)
    view.anew.click(
        shown(anew, services, desk),
        [shell.person, view.picture, *view.reward.inputs()],
        [view.picture],
        js=WITH_WORK,
        queue=False,
        **quiet,
    )
    view.start_sweep.click(
        shown(start_sweep, services, desk),
        [*asked, *view.sweep.fields],
        [view.sweep_picture, shell.prompt],
        queue=False,
        **quiet,
    )
    for picture in (view.picture, view.sweep_picture):
        picture.stop(shown(stop, desk, "This drawing"), [shell.person], queue=False, **quiet)
    runs = view.reward.runs
    question.view.select(shown(offer_reward_runs, services), [shell.person, runs], [runs], **quiet)
    everything = [*question.inputs(), *view.inputs(), *view.sweep.fields]
    view.picture.link(
        shown(follow, services, desk),
        [shell.person],
        [*everything, view.picture, shell.prompt],
        **quiet,
    )


def start(
    services: Services,
    desk: Desk,
    request: gr.Request,
    person: object,
    prompt: str,
    chat: bool,
    run: str,
    *values: Any,
) -> tuple[dict[str, Any], Any]:
    """Begins to draw; from there the widget tells how it goes. A refusal is said in its place."""
    try:
        known = identity.identify(person, request)
        asked = _asked(services, known, prompt, chat, run, values)
        act(services, known, max_new_tokens=asked.settings.generation.max_new_tokens)
        work = desk.start(known.owner, DRAWN, partial(draw_and_score, services, asked))
    except PlaygroundError as error:
        return {"error": str(error)}, gr.skip()
    return {"work": work}, prompt


def anew(
    services: Services, desk: Desk, request: gr.Request, person: object, shown_now: object, *values: Any
) -> dict[str, Any]:
    """Scores the rollouts that are shown under the reward of the form, without drawing others."""
    try:
        known, reward = identity.identify(person, request), reward_of(values)
        check_reward_rights(reward, known, services.store)
        if not isinstance(shown_now, str) or not shown_now:
            raise RunError("There are no rollouts to score yet; draw some first.")
        act(services, known)
        work = desk.start(known.owner, DRAWN, partial(score_anew, services, result_of(desk.get(shown_now)), reward))
    except PlaygroundError as error:
        return {"error": str(error)}
    return {"work": work}


def start_sweep(
    services: Services,
    desk: Desk,
    request: gr.Request,
    person: object,
    prompt: str,
    chat: bool,
    run: str,
    *values: Any,
) -> tuple[dict[str, Any], Any]:
    """Begins to draw at one temperature after the other."""
    split = len(values) - len(sweep_updates(SweepSettings()))
    try:
        known = identity.identify(person, request)
        settings = sweep_settings(values[split:])
        asked = _asked(services, known, prompt, chat, run, values[:split])
        act(services, known, max_new_tokens=asked.settings.generation.max_new_tokens)
        work = desk.start(known.owner, SWEPT, partial(sweep, services, asked, settings))
    except PlaygroundError as error:
        return {"error": str(error)}, gr.skip()
    return {"work": work}, prompt


def result(desk: Desk, wanted: object) -> dict[str, Any]:
    """What came of a piece of work so far, or `{"error": SENTENCE}`. The id is the right to see it."""
    try:
        return result_of(desk.get(str(wanted)))
    except RunError as error:
        return {"error": str(error)}


def follow(
    services: Services,
    desk: Desk,
    event: gr.EventData,
    request: gr.Request,
    person: object,
) -> list[Any]:
    """What a link asks for: question and forms, and the drawing begun. Anything may stand in a link."""
    link = dict(sent(event))
    prompt, chat = str(link.get("prompt", "")), link.get("chat") is True
    runs = runs_of(services, person, request)
    run = link.get("run") if link.get("run") in [value for _, value in runs] else BASE
    settings, reward, steps = linked_settings(link)
    fields = [*drawing_updates(settings), *reward_values(reward)]
    picture, shared = start(services, desk, request, person, prompt, chat, str(run), *fields)
    question = [prompt, chat, gr.update(choices=runs, value=run)]
    linked = {**picture, "linked": str(link.get("model", ""))}
    return [*question, *fields, *sweep_updates(steps), linked, shared]


def _asked(
    services: Services, known: identity.Person, prompt: str, chat: bool, run: str, values: tuple[Any, ...]
) -> Asked:
    """What the fields ask for.

    Raises:
        PlaygroundError: the prompt is empty, a setting is wrong, or the person may not use what is named.
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise PlaygroundError("The prompt is empty; type the beginning of a text to be continued.")
    settings, reward = drawing_settings(values[:FIELDS]), reward_of(values[FIELDS:])
    check_reward_rights(reward, known, services.store)
    if run:
        identity.check_owner(services.store.get(run).owner, known)
    return Asked(prompt, chat is True, run or BASE, settings, reward)
