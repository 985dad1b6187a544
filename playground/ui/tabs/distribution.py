"""The Distribution tab: what the model thinks comes next, and what temperature and the cuts make of it; then whole
answers, drawn (`rollouts_view`) or searched for (`beam_view`).

Python runs the model once per prompt and hands the logits of the whole vocabulary to the page; everything that a
slider changes is worked out there (`assets/js/sampling.js`), so no request is made while one moves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.config.generation import GenerationSettings
from playground.errors import PlaygroundError
from playground.ui import beam_view, identity, rollouts_view
from playground.ui.distribution_view import picture_of, probe, slider_of, table
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.pacing import act
from playground.ui.question import BASE, Question, check_run, runs_of
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import script

EXAMPLES = (
    "Once upon a time, there was a",
    "The capital of France is",
    "I watched the film last night and it was",
    "2 + 2 =",
    "def add(a, b):\n    return",
)
SLIDERS = (
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
)
"""In the order in which they act; see `core.sampling`."""
VIEWS: dict[str, Callable[[Services, Shell, Question], object]] = {
    "rollouts": rollouts_view.build,
    "beam": beam_view.build,
}
"""Views beside that of the next token, in their order; each is given the tab's question."""
OPEN_LINKED = """
() => {
    const view = /^#(distribution|rollouts|beam)\\?/.exec(location.hash)?.[1];
    if (!view) return;
    document.querySelector('#tab-distribution-button')?.click();
    const wanted = `#distribution-view-${view === 'distribution' ? 'next' : view}-button`;
    const open = (left) => {
        const button = document.querySelector(wanted);
        if (button) button.click();
        else if (left) setTimeout(open, 50, left - 1);
    };
    open(100);
}
"""
"""An address of `assets/js/distribution_link.js`, or of another view's link, opens this tab and that view. A view's
button is there once its tab was opened."""
KEEP_LINKED = """
(person, shared, ...asked) => {
    const linked = /^#(distribution|rollouts|beam)\\?/.test(location.hash) && location.hash !== playground.followed;
    return [person, linked ? '' : shared, ...asked];
}
"""
"""The prompt of a link that is still being followed is not replaced by the one shared between the tabs."""


@dataclass(frozen=True)
class DistributionTab:
    """Components of the tab: the question, and those of its first view."""

    prompt: gr.Textbox
    examples: gr.Dataset
    chat: gr.Radio
    run: gr.Dropdown
    show: gr.Button
    picture: gr.HTML


def build(services: Services, shell: Shell) -> DistributionTab:
    """Lays the tab out and wires it."""
    tab = _layout(services, shell)
    asked: list[Any] = [tab.prompt, tab.chat, tab.run]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    for event in (tab.show.click, tab.prompt.submit, tab.chat.input, tab.run.input):
        event(shown(show, services), [shell.person, *asked], [tab.picture, shell.prompt], **quiet)
    tab.examples.click(
        shown(pick, services),
        [shell.person, tab.examples, tab.chat, tab.run],
        [tab.prompt, tab.picture, shell.prompt],
        **quiet,
    )
    known, anew = [shell.person, shell.prompt, *asked], [tab.prompt, tab.run, tab.picture]
    tab.picture.ask(shown(refresh, services), known, anew, js=KEEP_LINKED, **quiet)
    tab.picture.link(shown(follow, services), [shell.person], [*asked, tab.picture, shell.prompt], **quiet)
    shell.tab.select(shown(opened, services), known, anew, js=KEEP_LINKED, **quiet)
    shell.opened.at_once(None, js=OPEN_LINKED, **quiet)
    tab.picture.step(shown(step, services), [shell.person], [tab.prompt, shell.prompt, tab.picture], **quiet)
    gr.api(shown(next_token, services), api_name="next_token")
    return tab


def show(
    services: Services, person: object, prompt: str, chat: bool, run: str, request: gr.Request
) -> tuple[dict[str, Any], str]:
    """The picture of a prompt that was typed, and the prompt to share with the other tabs."""
    try:
        check_run(services, run, person, request)
        act(services, identity.anyone(person, request))
    except PlaygroundError as error:
        return {"state": "error", "message": str(error)}, prompt
    return picture_of(services, prompt, chat, run), prompt


def pick(
    services: Services, person: object, sample: list[str], chat: bool, run: str, request: gr.Request
) -> tuple[str, dict[str, Any], str]:
    """An example that was clicked: it becomes the prompt."""
    return sample[0], *show(services, person, sample[0], chat, run, request)


def refresh(
    services: Services, person: object, shared: str, typed: str, chat: bool, run: str, request: gr.Request
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Prompt, runs and picture anew: the tab is new, or the model was loaded or replaced."""
    prompt, runs = shared or typed, runs_of(services, person, request)
    run = run if run in [value for _, value in runs] else BASE
    # A prompt that stays is not written again: on a slow machine the reader may be typing already.
    written = gr.skip() if prompt == typed else prompt
    return written, gr.update(choices=runs, value=run), picture_of(services, prompt, chat, run)


def opened(
    services: Services, person: object, shared: str, typed: str, chat: bool, run: str, request: gr.Request
) -> tuple[Any, dict[str, Any], Any]:
    """The tab was selected: takes over a prompt that was written in another tab, else leaves the picture alone."""
    if not shared or shared == typed:
        return gr.skip(), gr.update(choices=runs_of(services, person, request)), gr.skip()
    return refresh(services, person, shared, typed, chat, run, request)


def step(
    services: Services, event: gr.EventData, person: object, request: gr.Request
) -> tuple[Any, Any, dict[str, Any]]:
    """The text goes on, or back, by tokens. A plain prompt shows them; a chat's message stays as it is."""
    asked = event._data if isinstance(event._data, dict) else {}
    prompt, chat, run = str(asked.get("prompt", "")), asked.get("chat") is True, str(asked.get("run") or BASE)
    try:
        check_run(services, run, person, request)
        act(services, identity.anyone(person, request))
    except PlaygroundError as error:
        return gr.skip(), gr.skip(), {"state": "error", "message": str(error)}
    keep = asked.get("keep")
    if isinstance(keep, int) and not chat and services.status()["state"] == "ready":
        prompt = services.model_server().beginning(prompt, keep)
    picture = picture_of(services, prompt, chat, run, asked.get("drawn", []))
    if chat or picture["state"] != "ready":
        return gr.skip(), gr.skip(), picture
    written = prompt + picture["text"]
    return written, written, picture


def follow(
    services: Services, person: object, event: gr.EventData, request: gr.Request
) -> tuple[Any, Any, Any, dict[str, Any], Any]:
    """What a link asks for: prompt, form, run and picture, and the prompt to share. Anything may stand in a link."""
    asked = event._data if isinstance(event._data, dict) else {}
    prompt, chat, model = str(asked.get("prompt", "")), asked.get("chat") is True, str(asked.get("model", ""))
    runs = runs_of(services, person, request)
    run = asked.get("run") if asked.get("run") in [value for _, value in runs] else BASE
    # Another model's tokens are other texts.
    drawn = asked.get("drawn", []) if model == services.status().get("title") else []
    picture = {**picture_of(services, prompt, chat, str(run), drawn), "linked": model}
    written = prompt if chat else prompt + picture.get("text", "")
    return written, chat, gr.update(choices=runs, value=run), picture, written


def next_token(
    services: Services,
    request: gr.Request,
    prompt: str,
    chat: bool = False,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    typical_p: float = 1.0,
    repetition_penalty: float = 1.0,
    presence_penalty: float = 0.0,
    frequency_penalty: float = 0.0,
    limit: int = 20,
) -> dict[str, Any]:
    """The likeliest next tokens of a prompt under these settings, and the whole distribution's entropy.

    Args:
        prompt: plain text, or with `chat` a user's message that goes through the model's chat template.
        limit: how many tokens to list, from the likeliest down.
    """
    settings = GenerationSettings(
        strategy="sampling",
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        typical_p=typical_p,
        repetition_penalty=repetition_penalty,
        presence_penalty=presence_penalty,
        frequency_penalty=frequency_penalty,
    )
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise PlaygroundError(f"limit must be a whole number of at least 1; got {limit!r}.")
    if not isinstance(prompt, str) or not prompt.strip():
        raise PlaygroundError("The prompt is empty; give the beginning of a text.")
    act(services, identity.anyone(None, request))
    server = services.model_server()
    found = server.next_token(prompt, chat=chat)
    return table(found.logits, found.ids, server.token_texts(), settings, limit)


def _layout(services: Services, shell: Shell) -> DistributionTab:
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            prompt = gr.Textbox(
                EXAMPLES[0],
                label=text("distribution.prompt"),
                placeholder=text("distribution.prompt_placeholder"),
                lines=2,
                max_lines=8,
                elem_id="distribution-prompt",
            )
            examples = gr.Dataset(
                components=[prompt],
                samples=[[example] for example in EXAMPLES],
                label=text("distribution.examples"),
                elem_id="distribution-examples",
            )
        with gr.Column(scale=1, min_width=240):
            chat = gr.Radio(
                [(text("distribution.plain"), False), (text("distribution.chat"), True)],
                value=False,
                label=text("distribution.form"),
                info=text("distribution.form_help"),
                elem_id="distribution-chat",
            )
            run = gr.Dropdown(
                [(text("distribution.base"), BASE)],
                value=BASE,
                label=text("distribution.run"),
                elem_id="distribution-run",
                filterable=False,
            )
            show = gr.Button(text("distribution.show"), variant="primary", elem_id="distribution-show")
    with gr.Tabs(elem_id="distribution-views"):
        with gr.Tab(text("distribution.view_next"), elem_id="distribution-view-next"):
            picture = _picture(services)
        for name, build_view in VIEWS.items():
            with gr.Tab(text(f"distribution.view_{name}"), elem_id=f"distribution-view-{name}") as view:
                build_view(services, shell, Question(prompt, chat, run, view))
    return DistributionTab(prompt, examples, chat, run, show, picture)


def _picture(services: Services) -> gr.HTML:
    def tokens(typed: object) -> dict[str, Any]:
        return probe(services, typed)

    tokens.__name__ = "probe"
    settings = [slider_of(name) for name in SLIDERS]
    return gr.HTML(
        html_template='<div class="pgd"></div>',
        js_on_load=script("distribution.js", "ask", "step", "link", server=True, settings=settings),
        apply_default_css=False,
        elem_id="distribution-picture",
        elem_classes="pp-bare",
        server_functions=[tokens],
    )
