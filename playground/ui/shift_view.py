"""The Shift view of the Compare tab: where in an answer the tuned model speaks otherwise than its base.

The work is done by `shift_work` in a thread that belongs to no browser; the page asks how it goes and fetches what came
of it (`assets/js/shift.js`). The two distributions of one place are asked for when a reader looks at it; sliders act in
the browser.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from playground.config.strength import check_strength
from playground.errors import PlaygroundError, RunError
from playground.ui import identity, shift_work
from playground.ui.compare_question import TYPED, Question, asked_of
from playground.ui.desk import Desk
from playground.ui.desk_view import named, status, stop
from playground.ui.distribution_view import slider_of
from playground.ui.errors import shown
from playground.ui.generation_form import generation_settings
from playground.ui.i18n import text
from playground.ui.pacing import act
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.shift_work import SOURCES, Wish
from playground.ui.widgets import script

KIND = "shift"
SLIDERS = ("temperature", "top_k", "top_p", "min_p")
LONGEST_TYPED = 20_000
WITH_WORK = """(person, _, ...fields) => {
    const open = document.querySelector('#shift-picture')?.checkVisibility();
    return [person, open ? playground.work?.shift ?? '' : '', ...fields];
}"""
"""The page knows which work it shows; nobody waits for what is not seen."""


@dataclass(frozen=True)
class ShiftView:
    """Components of the view."""

    source: gr.Radio
    typed: gr.Textbox
    start: gr.Button
    picture: gr.HTML


def build(services: Services, shell: Shell, question: Question) -> ShiftView:
    """Lays the view out and wires it."""
    desk = Desk()
    view = _layout(services, desk)
    _wire(view, services, desk, shell, question)
    return view


def _layout(services: Services, desk: Desk) -> ShiftView:
    gr.Markdown(text("shift.about"), elem_id="shift-about")
    source = gr.Radio(
        [(text(f"shift.source_{name}"), name) for name in SOURCES], value=SOURCES[0], label=text("shift.source"),
        info=text("shift.source_help"), elem_id="shift-source",
    )  # fmt: skip
    typed = gr.Textbox(
        label=text("shift.typed"), lines=2, max_lines=8, max_length=LONGEST_TYPED, visible=False, elem_id="shift-typed"
    )
    with gr.Row(elem_classes="pp-actions"):
        start = gr.Button(text("shift.start"), variant="primary", elem_id="shift-start")
    picture = gr.HTML(
        html_template='<div class="pp-panel pgd pgr pgs"></div>',
        js_on_load=script("shift.js", "stop", server=True, settings=[slider_of(name) for name in SLIDERS]),
        apply_default_css=False,
        elem_id="shift-picture",
        elem_classes="pp-bare",
        server_functions=[
            named("status", partial(status, desk)),
            named("result", partial(result, desk)),
            named("distributions", partial(distributions, services, desk)),
        ],
    )
    return ShiftView(source, typed, start, picture)


def _wire(view: ShiftView, services: Services, desk: Desk, shell: Shell, question: Question) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    asked = [question.run, question.strength, *question.asked(), view.source, view.typed, *question.form.inputs()]
    view.start.click(shown(start, services, desk), [shell.person, *asked], [view.picture], **quiet)
    view.source.change(lambda source: gr.update(visible=source == "typed"), [view.source], [view.typed], **quiet)
    question.strength.release(
        shown(anew, services, desk), [shell.person, view.picture, question.strength], [view.picture],
        js=WITH_WORK, **quiet,
    )  # fmt: skip
    # Another run, here or while another view was open, is read in the old one's place.
    for other in (question.run.input, question.view.select):
        other(
            shown(follow, services, desk), [shell.person, view.picture, *asked], [view.picture],
            js=WITH_WORK, **quiet,
        )  # fmt: skip
    view.picture.stop(shown(stop, desk, "This comparison"), [shell.person], **quiet)


def start(
    services: Services,
    desk: Desk,
    request: gr.Request,
    person: object,
    run: str | None,
    strength: float,
    prompt: str,
    example: int | None,
    words: str,
    source: str,
    typed: str,
    *values: Any,
) -> dict[str, Any]:
    """Begins to look at an answer; from there the widget tells how it goes. A refusal is said in its place."""
    try:
        asked = asked_of(services, person, request, run, prompt, example, words)
        services.check_started()
        if source not in SOURCES:
            raise PlaygroundError(f"The answer comes from one of {', '.join(SOURCES)}; got {source!r}.")
        if source == "reference" and not asked.reference:
            raise PlaygroundError("A typed prompt has no reference answer; choose a held-out row, or type an answer.")
        wish = Wish(str(run), check_strength(strength), asked, source, typed, generation_settings(values))
        known = identity.identify(person, request)
        act(services, known, max_new_tokens=wish.settings.max_new_tokens)
        return {"work": desk.start(known.owner, KIND, partial(shift_work.look, services, wish))}
    except PlaygroundError as error:
        return {"error": str(error)}


def anew(
    services: Services, desk: Desk, person: object, shown_now: object, strength: float, request: gr.Request
) -> Any:
    """The same answer at another strength, where one is shown; else nothing."""
    if not isinstance(shown_now, str) or not shown_now:
        return gr.skip()
    try:
        work = desk.get(shown_now)
        known = identity.require_owner(work.owner, person, request, "This comparison")
        if work.result is None:
            return gr.skip()
        act(services, known)
        job = partial(shift_work.compare_on, services, work.result["text"], check_strength(strength))
        return {"work": desk.start(known.owner, KIND, job)}
    except PlaygroundError as error:
        return {"error": str(error)}


def follow(
    services: Services,
    desk: Desk,
    request: gr.Request,
    person: object,
    shown_now: object,
    run: str | None,
    strength: float,
    prompt: str,
    example: int | None,
    *rest: Any,
) -> Any:
    """The same question to another run, where the shift of a run is shown and another one is chosen; else nothing."""
    asks = bool(prompt) or example not in (None, TYPED)
    if not isinstance(shown_now, str) or not shown_now or not run or not asks:
        return gr.skip()
    try:
        work = desk.get(shown_now)
        identity.require_owner(work.owner, person, request, "This comparison")
    except PlaygroundError as error:
        return {"error": str(error)}
    if work.result is None or work.result["run"] == run:
        return gr.skip()
    return start(services, desk, request, person, run, strength, prompt, example, *rest)


def result(desk: Desk, wanted: object) -> dict[str, Any]:
    """What came of a piece of work so far, or `{"error": SENTENCE}`. The id is the right to see it."""
    try:
        found = desk.get(str(wanted)).result
        return shift_work.shown(found) if found else {"error": "There is nothing to see yet."}
    except RunError as error:
        return {"error": str(error)}


def distributions(services: Services, desk: Desk, wanted: object) -> dict[str, Any]:
    """Both next-token distributions at `{"work", "step", "at"}`, or `{"error": SENTENCE}`."""
    try:
        asked = wanted if isinstance(wanted, dict) else {}
        found = desk.get(str(asked.get("work"))).result
        if not found:
            raise RunError("There is nothing to see yet.")
        return shift_work.next_distributions(services, found, asked.get("step"), asked.get("at"))
    except PlaygroundError as error:
        return {"error": str(error)}
