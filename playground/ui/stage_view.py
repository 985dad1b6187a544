"""The host's controls of what the room sees: choose it, lead through it, and the code that brings phones to it.

Part of the Room tab. What phones show is `assets/audience`; what they send goes to `audience_routes`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.config.generation import GenerationSettings
from playground.errors import PlaygroundError
from playground.room import recorded
from playground.room.curves import choices
from playground.room.scenes import Guessing, Scene, Voting
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.forms import relisted, slider_for
from playground.ui.i18n import text
from playground.ui.question import BASE, runs_of
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.stage_work import LONGEST_PROMPT, StageWork
from playground.ui.voting_form import VotingForm, build_voting_form, chosen_settings, offer
from playground.ui.widgets import widget

CURVE, VOTE, GUESS = "curve", "vote", "guess"
RUNS_LISTED = 100
AUTOMATIC = ""
"""In the field of metrics: the one that says most of the method."""
WHAT = "Changing the stage"
PROMPT = "In the morning"
"""After it the bundled model has three tokens to choose from, which no one finds out by reason alone."""


@dataclass(frozen=True)
class StageView:
    """Components of the view."""

    kind: gr.Radio
    run: gr.Dropdown
    metric: gr.Dropdown
    votes: VotingForm
    prompt: gr.Textbox
    chat: gr.Radio
    asked: gr.Dropdown
    temperature: gr.Slider
    show: gr.Button
    clear: gr.Button
    voting: gr.Row
    back: gr.Button
    following: gr.Button
    close: gr.Button
    reveal: gr.Button
    guessing: gr.Row
    draw: gr.Button
    go_on: gr.Button
    problem: gr.HTML
    screen: gr.HTML

    def offered(self) -> list[gr.Dropdown]:
        """What `choose` reads and updates."""
        return [self.run, self.asked, *self.votes.offered()]

    def steps(self) -> list[Any]:
        """What `_steps_of` updates."""
        return [
            self.problem, self.clear, self.voting, self.back, self.close, self.reveal, self.guessing, self.draw,
            self.go_on,
        ]  # fmt: skip


def build(services: Services, shell: Shell) -> StageView:
    """Lays the view out and wires it."""
    gr.Markdown(text("stage.title"), elem_classes="pp-title")
    with gr.Row(elem_classes="pp-columns"):
        with gr.Column(scale=2, min_width=300, elem_id="stage-controls"):
            made = _fields()
        with gr.Column(scale=3, min_width=320):
            made["screen"] = widget("stage.js", "stage-screen", panel="ps-screen")
    view = StageView(**made)
    _wire(view, services, shell)
    return view


def _fields() -> dict[str, Any]:
    kinds = [(text(f"stage.kind.{kind}"), kind) for kind in (CURVE, VOTE, GUESS)]
    made: dict[str, Any] = {
        "kind": gr.Radio(kinds, value=CURVE, label=text("stage.kind"), elem_id="stage-kind", elem_classes="pp-segments")
    }
    with gr.Column(elem_classes="pp-bare") as curve:
        made["run"] = gr.Dropdown([], label=text("stage.run"), info=text("stage.run.help"), elem_id="stage-run")
        made["metric"] = gr.Dropdown(
            [(text("stage.metric.automatic"), AUTOMATIC)], value=AUTOMATIC, label=text("stage.metric"),
            elem_id="stage-metric",
        )  # fmt: skip
    with gr.Column(visible=False, elem_classes="pp-bare") as vote:
        made["votes"] = build_voting_form("stage")
    with gr.Column(visible=False, elem_classes="pp-bare") as guess:
        made["prompt"] = gr.Textbox(
            PROMPT, label=text("stage.prompt"), lines=2, max_lines=8, max_length=LONGEST_PROMPT, elem_id="stage-prompt"
        )
        made["chat"] = gr.Radio(
            [(text("distribution.plain"), False), (text("distribution.chat"), True)], value=False,
            label=text("distribution.form"), elem_id="stage-chat",
        )  # fmt: skip
        made["asked"] = gr.Dropdown(
            [(text("distribution.base"), BASE)], value=BASE, label=text("stage.model"), elem_id="stage-model"
        )
        made["temperature"] = slider_for(GenerationSettings, "temperature", step=0.05, prefix="stage")
    made["problem"] = widget("problem.js", "stage-problem", elem_classes="pp-bare")
    with gr.Row():
        made["show"] = gr.Button(text("stage.show"), variant="primary", elem_id="stage-show")
        made["clear"] = gr.Button(text("stage.clear"), interactive=False, elem_id="stage-clear")
    made |= _steps()
    made["kind"].change(
        lambda kind: [gr.update(visible=kind == one) for one in (CURVE, VOTE, GUESS)], [made["kind"]],
        [curve, vote, guess], queue=False, api_visibility="private", show_progress="hidden",
    )  # fmt: skip
    return made


def _steps() -> dict[str, Any]:
    """What leads through a scene; shown while it is on stage."""
    made: dict[str, Any] = {}
    with gr.Row(visible=False, elem_id="stage-voting", elem_classes="ps-steps") as made["voting"]:
        made["back"] = gr.Button(text("stage.back"), min_width=110, elem_id="stage-back")
        made["close"] = gr.Button(text("stage.close"), min_width=110, elem_id="stage-close")
        made["reveal"] = gr.Button(text("stage.reveal"), min_width=110, elem_id="stage-reveal")
        made["following"] = gr.Button(text("stage.next"), variant="primary", min_width=110, elem_id="stage-next")
    with gr.Row(visible=False, elem_id="stage-guessing", elem_classes="ps-steps") as made["guessing"]:
        made["draw"] = gr.Button(text("stage.draw"), variant="primary", min_width=140, elem_id="stage-draw")
        made["go_on"] = gr.Button(text("stage.go_on"), min_width=140, elem_id="stage-go-on")
    return made


def _wire(view: StageView, services: Services, shell: Shell) -> None:
    work = StageWork(services)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    choosing = [shell.person, shell.run, *view.offered()]
    for event in (shell.opened.then, shell.tab.select, shell.status.change):
        event(shown(choose, services), choosing, [*view.offered(), *view.steps()], **quiet)
    view.run.change(shown(metrics_of, services), [view.run, view.metric], [view.metric], **quiet)
    view.show.click(
        shown(show, work),
        [
            shell.person, view.kind, view.run, view.metric, view.prompt, view.chat, view.asked, view.temperature,
            *view.votes.inputs(),
        ],
        view.steps(),
        **quiet,
    )  # fmt: skip
    doings: dict[gr.Button, Callable[[StageWork], None]] = {
        view.clear: StageWork.clear,
        view.back: lambda work: work.step(-1),
        view.following: lambda work: work.step(1),
        view.close: lambda work: work.close(),
        view.reveal: lambda work: work.close(reveal=True),
        view.draw: StageWork.draw,
        view.go_on: StageWork.go_on,
    }
    for button, doing in doings.items():
        button.click(shown(lead, work, doing), [shell.person], view.steps(), **quiet)


def choose(
    services: Services,
    person: object,
    looked_at: str,
    run: str | None,
    asked: str,
    evaluation: str | None,
    contestants: list[str] | None,
    questions: str | None,
    request: gr.Request,
) -> list[Any] | dict[str, Any]:
    """What can be put on stage, the newest first, and the steps of what is there; for the host."""
    known = identity.visitor(person, request)
    if known is None or not known.host:
        nothing: dict[str, Any] = gr.skip()
        return nothing
    runs = services.store.list("run", limit=RUNS_LISTED)
    listed = [*((f"{one.name or one.method} · {one.id}", one.id) for one in runs), *recorded.titles()]
    ids = [value for _, value in listed]
    kept = next((one for one in (run, looked_at) if one in ids), next(iter(ids), None))
    models = runs_of(services, person, request)
    return [
        relisted(listed, kept, run),
        relisted(models, asked if asked in [value for _, value in models] else BASE, asked),
        *offer(services, person, looked_at, evaluation, contestants, questions, request),
        *_steps_of(services.audience.stage.scene),
    ]


def metrics_of(services: Services, run: str | None, metric: str) -> dict[str, Any]:
    """What a run, or a recording, measures."""
    if run and run.startswith(recorded.MARK):
        found = recorded.metrics_of(run.removeprefix(recorded.MARK))
    else:
        found = choices(services.store.get(run).metrics) if run else []
    return gr.update(
        choices=[(text("stage.metric.automatic"), AUTOMATIC), *((name, name) for name in found)],
        value=metric if metric in found else AUTOMATIC,
    )


def show(
    work: StageWork,
    request: gr.Request,
    person: object,
    kind: str,
    run: str | None,
    metric: str,
    prompt: str,
    chat: bool,
    asked: str,
    temperature: float,
    *voted: Any,
) -> list[Any]:
    """Puts what the fields say on stage."""
    known = identity.require_host(person, request, WHAT)

    def put(work: StageWork) -> None:
        if kind == CURVE:
            work.curve(run or "", metric)
        elif kind == VOTE:
            work.vote(chosen_settings(*voted), known)
        else:
            work.guess(prompt, chat=chat, run=asked, temperature=temperature)

    return _done(work, put)


def lead(work: StageWork, doing: Callable[[StageWork], None], person: object, request: gr.Request) -> list[Any]:
    """Takes one step through what is on stage."""
    identity.require_host(person, request, WHAT)
    return _done(work, doing)


def _done(work: StageWork, doing: Callable[[StageWork], None]) -> list[Any]:
    """Does it, says a refusal beside the buttons, and offers the steps that are possible now."""
    problem = {}
    try:
        doing(work)
    except PlaygroundError as error:
        problem = {"error": str(error)}
    return _steps_of(work.audience.stage.scene, problem)


def _steps_of(scene: Scene | None, problem: dict[str, str] | None = None) -> list[Any]:
    """For `StageView.steps`."""
    posed = scene.current if isinstance(scene, Voting) else None
    drawn = isinstance(scene, Guessing) and not scene.open
    return [
        problem or {},
        gr.update(interactive=scene is not None),
        gr.update(visible=isinstance(scene, Voting)),
        gr.update(interactive=isinstance(scene, Voting) and scene.at > 0),
        gr.update(interactive=posed is not None and not posed.closed),
        gr.update(interactive=posed is not None and not posed.revealed),
        gr.update(visible=isinstance(scene, Guessing)),
        gr.update(value=text("stage.draw_again" if drawn else "stage.draw")),
        gr.update(interactive=drawn),
    ]
