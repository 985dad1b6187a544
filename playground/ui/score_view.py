"""Any text before a reward model: its score, and how the score came about, token by token."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.errors import ConfigError, PlaygroundError
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.pacing import act
from playground.ui.reward_runs import offer_reward_runs
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import widget

LONGEST = 20_000
"""Letters of a prompt or an answer; a reward model reads fewer tokens than that anyway."""


@dataclass(frozen=True)
class ScoreView:
    """Components of the view."""

    run: gr.Dropdown
    prompt: gr.Textbox
    answer: gr.Textbox
    start: gr.Button
    picture: gr.HTML


def build(services: Services, shell: Shell) -> ScoreView:
    """Lays the view out, in the current column, and wires it."""
    with gr.Accordion(text("score.title"), open=False, elem_id="score"):
        gr.Markdown(text("score.about"))
        with gr.Row():
            run = gr.Dropdown(
                [], label=text("score.run"), info=text("score.run.help"), allow_custom_value=True, elem_id="score-run"
            )
            with gr.Column(scale=2, min_width=280):
                prompt = gr.Textbox(
                    label=text("score.prompt"), info=text("score.prompt.help"), lines=2, max_lines=6,
                    max_length=LONGEST, elem_id="score-prompt",
                )  # fmt: skip
                answer = gr.Textbox(
                    label=text("score.answer"), lines=3, max_lines=10, max_length=LONGEST, elem_id="score-answer"
                )
                start = gr.Button(text("score.start"), variant="primary", elem_id="score-start")
        picture = widget("score.js", "score-picture")
    view = ScoreView(run, prompt, answer, start, picture)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for event in (shell.opened.then, shell.tab.select):
        event(shown(offer_reward_runs, services), [shell.person, run], [run], **quiet)
    asked = [shell.person, run, prompt, answer]
    view.start.click(None, None, [picture], js="() => ({working: true})", **quiet).then(
        shown(score, services), asked, [picture], concurrency_limit=1, concurrency_id="score", **quiet
    )
    return view


def score(
    services: Services, request: gr.Request, person: object, run: str | None, prompt: str, answer: str
) -> dict[str, Any]:
    """The running score of a text, for `assets/js/score.js`; a refusal is said in its place.

    Returns:
        `{"tokens", "scores", "answer": place of the answer's first token, "score", "cut", "name"}` or `{"error"}`.
    """
    known = identity.identify(person, request)
    try:
        if not run:
            raise ConfigError(["There is no reward model to ask yet; train one in the Train tab."])
        identity.check_owner(services.store.get(run).owner, known)
        if not (answer or "").strip():
            raise ConfigError(["The answer is empty; type what is to be scored."])
        act(services, known)
        return _scored(run, prompt or "", answer)
    except PlaygroundError as error:
        return {"error": str(error)}


def _scored(run: str, prompt: str, answer: str) -> dict[str, Any]:
    import threading

    from playground.rewards.scoring import reward_model_of

    model = reward_model_of(run, report=lambda _: None, stop=threading.Event())
    found = model.running(model.rendered(prompt) if prompt.strip() else "", answer[:LONGEST])
    return {
        "tokens": list(found.tokens),
        "scores": [round(value, 5) for value in found.scores],
        "answer": found.answer,
        "score": found.scores[-1],
        "cut": found.cut,
        "name": model.title,
    }
