"""The Distribution tab: what the model thinks comes next, and what temperature and the cuts make of it.

Python runs the model once per prompt and hands the logits of the whole vocabulary to the page; everything that a
slider changes is worked out there (`assets/js/sampling.js`), so no request is made while one moves.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.config.generation import GenerationSettings
from playground.config.settings import setting
from playground.errors import PlaygroundError
from playground.runs.events import Phase
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.services import Services
from playground.ui.shell import Shell

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
BASE = ""
"""Value of the run selector that stands for the loaded model itself."""
MOUNT = """
const page = await playground.module('js/distribution.js');
await page.mount(element, props, (name, data) => trigger({ask: 'ask', step: 'step'}[name], data), watch);
"""


@dataclass(frozen=True)
class DistributionTab:
    """Components of the tab."""

    prompt: gr.Textbox
    examples: gr.Dataset
    chat: gr.Radio
    run: gr.Dropdown
    show: gr.Button
    picture: gr.HTML


def build(services: Services, shell: Shell) -> DistributionTab:
    """Lays the tab out and wires it."""
    tab = _layout()
    asked = [tab.prompt, tab.chat, tab.run]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    for event in (tab.show.click, tab.prompt.submit, tab.chat.input, tab.run.input):
        event(shown(show, services), asked, [tab.picture, shell.prompt], **quiet)
    tab.examples.click(
        shown(pick, services), [tab.examples, tab.chat, tab.run], [tab.prompt, tab.picture, shell.prompt], **quiet
    )
    known, anew = [shell.person, shell.prompt, *asked], [tab.prompt, tab.run, tab.picture]
    tab.picture.ask(shown(refresh, services), known, anew, **quiet)
    shell.tab.select(shown(opened, services), known, anew, **quiet)
    tab.picture.step(shown(step, services), None, [tab.prompt, shell.prompt, tab.picture], **quiet)
    gr.api(shown(next_token, services), api_name="next_token")
    return tab


def show(services: Services, prompt: str, chat: bool, run: str) -> tuple[dict[str, Any], str]:
    """The picture of a prompt that was typed, and the prompt to share with the other tabs."""
    return picture_of(services, prompt, chat, run), prompt


def pick(services: Services, sample: list[str], chat: bool, run: str) -> tuple[str, dict[str, Any], str]:
    """An example that was clicked: it becomes the prompt."""
    return sample[0], *show(services, sample[0], chat, run)


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


def step(services: Services, event: gr.EventData) -> tuple[Any, Any, dict[str, Any]]:
    """The text goes on, or back, by drawn tokens. A plain prompt shows them; a chat's message stays as it is."""
    asked = event._data or {}
    prompt, chat, run = str(asked.get("prompt", "")), asked.get("chat") is True, str(asked.get("run") or BASE)
    picture = picture_of(services, prompt, chat, run, asked.get("drawn", []))
    if chat or picture["state"] != "ready":
        return gr.skip(), gr.skip(), picture
    written = prompt + picture["text"]
    return written, written, picture


def runs_of(services: Services, person: object, request: gr.Request) -> list[tuple[Any, str]]:
    """The selector's choices: the loaded model, then this person's finished runs that were trained on it, newest
    first; the host's list has everyone's."""
    base: list[tuple[Any, str]] = [(text("distribution.base"), BASE)]
    visitor, loaded = identity.visitor(person, request), services.status().get("ref")
    if visitor is None or loaded is None:
        return base
    records = services.store.list("run", owner=None if visitor.host else visitor.owner)
    fitting = [run for run in records if run.phase in (Phase.DONE, Phase.STOPPED) and run.document["model"] == loaded]
    return base + [(f"{run.name or run.method} · {run.id}", run.id) for run in fitting]


def picture_of(services: Services, prompt: str, chat: bool, run: str, drawn: Sequence[int] = ()) -> dict[str, Any]:
    """The widget's value, as `assets/js/distribution.js` describes it; a refusal is part of it, in words."""
    status = services.status()
    if status["state"] != "ready":
        return {"state": "waiting"}
    if not prompt.strip():
        return {"state": "empty"}
    server = services.model_server()
    try:
        _check_tokens(drawn, len(server.token_texts()))
        found = server.next_token(prompt, chat=chat, run=run or None, drawn=drawn)
    except PlaygroundError as error:
        return {"state": "error", "message": str(error)}
    return {
        "state": "ready",
        "logits": base64.b64encode(found.logits.astype("<f4", copy=False).tobytes()).decode(),
        "ids": found.ids,
        "drawn": list(drawn),
        "text": found.drawn,
        "prompt": prompt,
        "chat": chat,
        "run": run,
        "vocabulary": found.vocabulary_id,
        "model": status["title"],
    }


def _check_tokens(ids: Sequence[int], vocabulary: int) -> None:
    """Refuses what the page never sends: the ids come from the browser, so anything may stand there."""
    for found in ids:
        if not isinstance(found, int) or not 0 <= found < vocabulary:
            raise PlaygroundError(f"Token ids of this model are 0 to {vocabulary - 1}; got {found!r}.")


def next_token(
    services: Services,
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
    server = services.model_server()
    found = server.next_token(prompt, chat=chat)
    return table(found.logits, found.ids, server.token_texts(), settings, limit)


def table(
    logits: Any, ids: Sequence[int], texts: Sequence[str], settings: GenerationSettings, limit: int
) -> dict[str, Any]:
    """One distribution as JSON values: `limit` rows, and what is true of the whole vocabulary.

    Args:
        logits: (vocab,) float32 as the model gave them.
        ids: tokens of the prompt, for the penalties.
        texts: of every token, by id.
    """
    import torch

    from playground.core.sampling import transform

    given = torch.from_numpy(logits)
    made = transform(
        given,
        temperature_value=settings.temperature,
        k=settings.top_k,
        p=settings.top_p,
        min_p_share=settings.min_p,
        typical_mass=settings.typical_p,
        penalty=settings.repetition_penalty,
        presence=settings.presence_penalty,
        frequency=settings.frequency_penalty,
        previous_ids=torch.tensor(ids),
    )
    # By final probability, then by raw: cut tokens, all at 0, follow in the order the model had them.
    by_raw = torch.argsort(made.raw, descending=True, stable=True)
    order = by_raw[torch.argsort(made.probabilities[by_raw], descending=True, stable=True)][:limit].tolist()
    rows = [
        {
            "id": token,
            "text": texts[token] if token < len(texts) else "",
            "logit": logit if (logit := float(given[token])) > float("-inf") else None,
            "raw_probability": float(made.raw[token]),
            "probability": float(made.probabilities[token]),
            "kept": bool(made.kept[token]),
        }
        for token in order
    ]
    return {
        "tokens": rows,
        "prompt_ids": list(ids),
        "vocabulary": len(given),
        "kept": int(made.kept.sum()),
        "kept_mass": float(made.kept_mass),
        "entropy_nats": float(made.entropy_nats),
        "effective_choices": float(made.effective_choices),
    }


def _layout() -> DistributionTab:
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
    picture = gr.HTML(
        html_template='<div class="pgd"></div>',
        js_on_load=f"(async () => {{{MOUNT}}})()",
        apply_default_css=False,
        elem_id="distribution-picture",
        elem_classes="pp-bare",
        settings=[slider_of(name) for name in SLIDERS],
    )
    return DistributionTab(prompt, examples, chat, run, show, picture)


def slider_of(name: str) -> dict[str, Any]:
    """A setting's range and default as `assets/js/distribution_controls.js` takes them."""
    found = setting(GenerationSettings, name)
    return {
        "name": name,
        "minimum": found.range.minimum,
        "above": found.range.above,
        "maximum": found.range.maximum,
        "value": found.default,
        "whole": found.kind == "int",
    }
