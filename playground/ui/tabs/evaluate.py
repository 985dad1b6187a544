"""The Evaluate tab: runs and saved steps against the base on held-out rows, scored, and every answer to read.

The page follows an evaluation by `/playground/metrics` and fetches what came out of it from `/playground/evaluation`
(`assets/js/evaluate.js`), so that a reload, a second tab or a restart of the app shows the same picture.
"""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import gradio as gr

from playground.config import codec
from playground.config.evaluation import EvaluationSettings
from playground.errors import PlaygroundError, RunError
from playground.ui import identity, score_view
from playground.ui.errors import shown
from playground.ui.evaluation_runs import offer_others, offer_runs
from playground.ui.forms import choice_for, list_for, number_for, relisted
from playground.ui.generation_form import NAMES, GenerationForm, build_generation_form, generation_settings
from playground.ui.i18n import text
from playground.ui.judge_form import JudgeForm, build_judge_form, judging_document, offer_language_judges
from playground.ui.launching import launch_evaluation
from playground.ui.pacing import act
from playground.ui.reward_runs import reward_run_choices
from playground.ui.room_rules import build_note
from playground.ui.sent import sent
from playground.ui.services import Services
from playground.ui.shell import Shell, taken
from playground.ui.widgets import widget


@dataclass(frozen=True)
class EvaluateTab:
    """Components of the tab."""

    run: gr.Dropdown
    others: gr.Dropdown
    split: gr.Dropdown
    limit: gr.Number
    batch_size: gr.Number
    judge: gr.Dropdown
    form: GenerationForm
    judging: JudgeForm
    start: gr.Button
    problem: gr.HTML
    live: gr.HTML
    evaluations: gr.HTML
    rows: gr.HTML
    looked_at: gr.BrowserState

    def inputs(self) -> list[Any]:
        """What `start` takes after the person."""
        rows = [self.run, self.others, self.split, self.limit, self.batch_size, self.judge]
        return [*rows, *self.form.inputs(), *self.judging.inputs()]


def build(services: Services, shell: Shell) -> EvaluateTab:
    """Lays the tab out and wires it."""
    looked_at = gr.BrowserState("", storage_key="playground-evaluation", secret="playground-evaluation")  # noqa: S106
    with gr.Row(elem_classes="pp-columns"):
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(text("evaluate.title"), elem_classes="pp-title")
            run = gr.Dropdown([], label=text("evaluate.run"), info=text("evaluate.run.help"), elem_id="evaluate-run")
            others = gr.Dropdown(
                [], multiselect=True, label=text("evaluate.others"), info=text("evaluate.others.help"),
                elem_id="evaluate-others",
            )  # fmt: skip
            with gr.Row():
                split = choice_for(EvaluationSettings, "split", elem_id="evaluate-split", min_width=140)
                # Not an empty field for all: Gradio 6.31 makes a 0 of an empty number as soon as it is shown.
                limit = gr.Number(
                    0, label=text("evaluate.limit"), info=text("evaluate.limit.help"), minimum=0, precision=0,
                    elem_id="evaluate-limit", min_width=100,
                )  # fmt: skip
                batch = number_for(EvaluationSettings, "batch_size", elem_id="evaluate-batch-size", min_width=100)
            judge = list_for(EvaluationSettings, "judge", elem_id="evaluate-judge")
            form = build_generation_form("evaluate")
            judging = build_judge_form("evaluate")
            problem = widget("problem.js", "evaluate-problem")
            build_note(shell, "evaluate-room")
            start = gr.Button(text("evaluate.start"), variant="primary", elem_id="evaluate-start")
            evaluations = widget("evaluate.js", "evaluate-list", "pick", mount="mountList")
        with gr.Column(scale=3, min_width=320):
            live = widget("evaluate.js", "evaluate-live", "stop", mount="mountLive", plotly=version("plotly"))
    rows = widget("evaluate.js", "evaluate-rows", mount="mountRows")
    score_view.build(services, shell)
    asked = (run, others, split, limit, batch, judge, form, judging)
    tab = EvaluateTab(*asked, start, problem, live, evaluations, rows, looked_at)
    _wire(tab, services, shell)
    return tab


def _wire(tab: EvaluateTab, services: Services, shell: Shell) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for event in (shell.opened.then, shell.tab.select):
        event(shown(offer_runs, services), [shell.person, tab.run, shell.run], [tab.run], **quiet)
        event(shown(offer_judges, services), [shell.person, tab.judge], [tab.judge], **quiet)
        judges: list[Any] = [tab.judging.model]
        event(shown(offer_language_judges, services), [shell.person, *judges], judges, **quiet)
    # Choices come with the run, also where it has just been offered. One after the other, so that the last run's stay.
    gr.on(
        [tab.run.change, shell.tab.select], shown(offer_others, services), [shell.person, tab.run, tab.others],
        [tab.others], trigger_mode="always_last", **quiet,
    )  # fmt: skip
    tab.start.click(
        shown(start, services),
        [shell.person, *tab.inputs()],
        [tab.looked_at, tab.live, tab.problem],
        queue=False,
        **quiet,
    ).then(None, js="() => window.dispatchEvent(new Event('playground:runs'))", **quiet)
    tab.live.stop(shown(stop, services), [shell.person], queue=False, **quiet)
    tab.evaluations.pick(shown(look_at, services), None, [tab.looked_at, tab.live], queue=False, **quiet)
    shell.handed.change(shown(take_look, services), [shell.handed], [tab.looked_at, tab.live], queue=False, **quiet)
    shell.opened.then(
        shown(reopen, services), [shell.person, tab.looked_at], [tab.looked_at, tab.live, tab.evaluations], **quiet
    )


def offer_judges(services: Services, person: object, chosen: str | None, request: gr.Request) -> dict[str, Any]:
    """Nobody, or one of this person's reward models."""
    choices = [(text("evaluate.judge.none"), ""), *reward_run_choices(services, person, request)]
    return relisted(choices, chosen if chosen in [run for _, run in choices] else "", chosen)


def start(
    services: Services,
    request: gr.Request,
    person: object,
    run: str | None,
    others: list[str] | None,
    split: str,
    limit: int | None,
    batch_size: int | None,
    judge: str | None,
    *values: Any,
) -> tuple[Any, Any, dict[str, Any]]:
    """Puts the evaluation into the queue; from there the live view tells how it goes. A refusal is said in place."""
    try:
        known = identity.identify(person, request)
        if not run:
            raise RunError("There is no finished run to evaluate yet; train one in the Train tab.")
        document = {
            "run": run,
            "others": others or [],
            "split": split,
            "limit": limit or None,
            "batch_size": batch_size,
            "judge": judge or "",
            "generation": codec.encode_section(generation_settings(values[: len(NAMES)])),
            "judging": judging_document(values[len(NAMES) :]),
        }
        act(services, known)
        evaluation = launch_evaluation(services, document, known)
    except PlaygroundError as error:
        return gr.skip(), gr.skip(), {"error": str(error)}
    return evaluation, {"evaluation": evaluation, "viewer": identity.viewer(known)}, {}


def stop(services: Services, event: gr.EventData, person: object, request: gr.Request) -> None:
    """Asks an evaluation to stop: the first time at its next token, the second time by force."""
    evaluation = str(sent(event).get("evaluation", ""))
    identity.require_owner(services.store.get(evaluation).owner, person, request, "This evaluation")
    services.jobs.stop(evaluation)


def look_at(services: Services, event: gr.EventData) -> tuple[str, dict[str, Any]]:
    """An evaluation was picked from the list."""
    return _looking_at(services, str(sent(event).get("evaluation", "")))


def take_look(services: Services, handed: object) -> tuple[Any, Any]:
    """An evaluation was picked in another tab."""
    evaluation = taken(handed, "evaluate", "look")
    return (gr.skip(), gr.skip()) if evaluation is None else _looking_at(services, evaluation)


def _looking_at(services: Services, evaluation: str) -> tuple[str, dict[str, Any]]:
    services.store.get(evaluation)
    return evaluation, {"evaluation": evaluation}


def reopen(
    services: Services, person: object, looked_at: str, request: gr.Request
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The evaluation that was looked at before a reload, else this person's newest; and who is looking."""
    known = identity.identify(person, request)
    try:
        if looked_at:
            services.store.get(looked_at)
    except RunError:
        looked_at = ""
    if not looked_at:
        newest = services.store.list("evaluation", owner=known.owner, limit=1)
        looked_at = newest[0].id if newest else ""
    viewer = identity.viewer(known)
    return looked_at, {"evaluation": looked_at, "viewer": viewer, "reopened": True}, viewer
