"""The Answers view of the Compare tab: one prompt, the model before and after a run, as both answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.config.strength import check_strength
from playground.errors import PlaygroundError
from playground.ui import identity
from playground.ui.compare_question import Question, asked_of
from playground.ui.errors import shown
from playground.ui.generation_form import generation_settings
from playground.ui.i18n import text
from playground.ui.pacing import act
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import widget

IF_OPEN = """(before, ...asked) => {
    const open = document.querySelector('#compare-answers')?.checkVisibility();
    return [open ? before : null, ...asked];
}"""
"""Nobody waits for answers that are not seen."""


@dataclass(frozen=True)
class AnswersView:
    """Components of the view."""

    start: gr.Button
    stop: gr.Button
    answers: gr.HTML


def build(services: Services, shell: Shell, question: Question) -> AnswersView:
    """Lays the view out and wires it."""
    with gr.Row(elem_classes="pp-actions"):
        start = gr.Button(text("compare.start"), variant="primary", elem_id="compare-start")
        stop = gr.Button(text("compare.stop"), variant="stop", elem_id="compare-stop")
    view = AnswersView(start, stop, widget("compare.js", "compare-answers"))
    _wire(view, services, shell, question)
    return view


def _wire(view: AnswersView, services: Services, shell: Shell, question: Question) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    asked = [shell.person, question.run, question.strength, *question.asked(), *question.form.inputs()]
    answering: list[Any] = [
        event(shown(compare, services), asked, [view.answers], concurrency_limit=None, **quiet)
        for event in (view.start.click, question.prompt.submit)
    ]
    following = question.strength.release(
        shown(follow, services), [view.answers, *asked], [view.answers],
        concurrency_limit=None, trigger_mode="always_last", js=IF_OPEN, **quiet,
    )  # fmt: skip
    view.start.click(lambda prompt: prompt, [question.prompt], [shell.prompt], queue=False, **quiet)
    view.stop.click(
        None, cancels=[*answering, following],
        js="() => window.dispatchEvent(new Event('playground:stopped'))", **quiet,
    )  # fmt: skip


def compare(
    services: Services,
    request: gr.Request,
    person: object,
    run: str | None,
    strength: float,
    prompt: str,
    example: int | None,
    words: str,
    *values: Any,
) -> Iterator[dict[str, Any]]:
    """Both answers as they grow; for `mount` in `assets/js/compare.js`. What goes wrong is said in its place."""
    try:
        asked = asked_of(services, person, request, run, prompt, example, words)
        settings = generation_settings(values)
        act(services, identity.identify(person, request), max_new_tokens=settings.max_new_tokens)
        services.check_started()

        from playground.models.side_by_side import Prompts, stream_pair

        factor = check_strength(strength)
        beam = settings.strategy == "beam"
        shown_with = {"prompt": asked.prompt, "reference": asked.reference, "whole": beam, "strength": factor}
        yield {"state": "waiting", **shown_with}
        prompts = Prompts(asked.ids, asked.ids)
        for update in stream_pair(services.model_server(), prompts, str(run), settings, strength=factor):
            state = "done" if update.done else "answering"
            pair = {"base": update.base, "tuned": update.tuned, "ahead": update.ahead}
            yield {"state": state, **pair, **shown_with}
    except PlaygroundError as error:
        yield {"state": "error", "message": str(error)}


def follow(services: Services, request: gr.Request, before: object, *asked: Any) -> Iterator[Any]:
    """The answers again at another strength, where some are shown; else nothing."""
    if isinstance(before, dict) and before.get("state") in ("done", "answering"):
        yield from compare(services, request, *asked)
    else:
        yield gr.skip()
