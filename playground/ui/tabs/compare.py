"""The Compare tab: the model before and after a run, side by side, in views that share a run and its strength."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.config.methods import SCORING
from playground.config.strength import STRONGEST
from playground.runs.events import Phase
from playground.ui import adapter_view, answers_view, chat_view, identity, shift_view, votes_view
from playground.ui.compare_question import AS_TRAINED, PLAIN, TYPED, Question, chosen_run, held_out
from playground.ui.errors import shown
from playground.ui.forms import relisted
from playground.ui.generation_form import GenerationForm, build_generation_form
from playground.ui.i18n import text
from playground.ui.services import Services
from playground.ui.shell import Shell, taken

EXAMPLES_SHOWN = 100
VIEWS: dict[str, Callable[[Services, Shell, Question], object]] = {
    "answers": answers_view.build,
    "chat": chat_view.build,
    "shift": shift_view.build,
    "adapter": adapter_view.build,
    "votes": votes_view.build,
}
"""The views in their order; each is given the tab's question."""
WITHOUT_PROMPT = frozenset({"chat", "adapter"})
"""Views that ask nothing, or something of their own: the prompt's fields are hidden meanwhile."""
ALONE: frozenset[str] = frozenset({"votes"})
"""Views with models of their own: all fields beside them are hidden meanwhile."""


@dataclass(frozen=True)
class CompareTab:
    """Components of the tab beside its views."""

    run: gr.Dropdown
    strength: gr.Slider
    asking: gr.Group
    """Around the three fields of the prompt."""
    prompt: gr.Textbox
    example: gr.Dropdown
    words: gr.Radio
    form: GenerationForm


def build(services: Services, shell: Shell) -> CompareTab:
    """Lays the tab out and wires it."""
    with gr.Row(elem_classes="pp-columns"):
        with gr.Column(scale=2, min_width=320) as beside:
            tab = _fields()
        with gr.Column(scale=3, min_width=320), gr.Tabs(elem_id="compare-views"):
            for name, build_view in VIEWS.items():
                with gr.Tab(text(f"compare.view_{name}"), elem_id=f"compare-view-{name}") as view:
                    build_view(services, shell, _question(tab, view))
                _show_prompt(tab, view, name not in WITHOUT_PROMPT)
                _show_fields(beside, view, name not in ALONE)
    _wire(tab, services, shell)
    return tab


def _fields() -> CompareTab:
    gr.Markdown(text("compare.title"), elem_classes="pp-title")
    run = gr.Dropdown([], label=text("compare.run"), info=text("compare.run.help"), elem_id="compare-run")
    strength = gr.Slider(
        0, STRONGEST, value=1, step=0.05, label=text("compare.strength"), info=text("compare.strength.help"),
        elem_id="compare-strength",
    )  # fmt: skip
    with gr.Column(elem_classes="pp-bare") as asking:
        prompt = gr.Textbox(
            label=text("compare.prompt"), lines=3, max_lines=10, max_length=20_000, elem_id="compare-prompt"
        )
        example = gr.Dropdown(
            [(text("compare.example.typed"), TYPED)], value=TYPED, label=text("compare.example"),
            info=text("compare.example.help"), elem_id="compare-example",
        )  # fmt: skip
        words = gr.Radio(
            [(text("compare.words.run"), AS_TRAINED), (text("compare.words.plain"), PLAIN)], value=AS_TRAINED,
            label=text("compare.words"), info=text("compare.words.help"), elem_id="compare-words",
        )  # fmt: skip
    return CompareTab(run, strength, asking, prompt, example, words, build_generation_form("compare"))


def _question(tab: CompareTab, view: gr.Tab) -> Question:
    return Question(tab.run, tab.strength, tab.prompt, tab.example, tab.words, tab.form, view)


def _show_prompt(tab: CompareTab, view: gr.Tab, visible: bool) -> None:
    view.select(
        lambda: gr.update(visible=visible), None, [tab.asking],
        queue=False, api_visibility="private", show_progress="hidden",
    )  # fmt: skip


def _show_fields(beside: gr.Column, view: gr.Tab, visible: bool) -> None:
    view.select(
        lambda: gr.update(visible=visible), None, [beside],
        queue=False, api_visibility="private", show_progress="hidden",
    )  # fmt: skip


def _wire(tab: CompareTab, services: Services, shell: Shell) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for event in (shell.opened.then, shell.tab.select, shell.status.change):
        event(shown(offer, services), [shell.person, tab.run, shell.run], [tab.run], **quiet).then(
            shown(examples, services), [shell.person, tab.run], [tab.example], **quiet
        )
    shell.tab.select(take_prompt, [shell.prompt, tab.prompt], [tab.prompt], queue=False, **quiet)
    # The tab opens when run and prompt are in their fields, so that what opening it looks up is theirs.
    shell.handed.change(
        shown(take_handed, services), [shell.handed, shell.person], [tab.run, tab.prompt, shell.prompt, shell.tabs],
        **quiet,
    )  # fmt: skip
    tab.run.input(shown(examples, services), [shell.person, tab.run], [tab.example], **quiet)
    tab.prompt.input(lambda: TYPED, None, [tab.example], queue=False, **quiet)


def offer(services: Services, person: object, chosen: str | None, looked_at: str, request: gr.Request) -> Any:
    """The runs that have ended with a model, newest first; those on another model than the loaded one are told."""
    known = identity.identify(person, request)
    loaded = services.status().get("ref")
    finished = [
        record
        for record in services.store.list("run", owner=None if known.host else known.owner)
        if record.phase in (Phase.DONE, Phase.STOPPED) and record.steps and record.method not in SCORING
    ]
    finished.sort(key=lambda record: record.document["model"] != loaded)  # stable: newest first within
    choices = [(f"{record.name} · {record.id}", record.id) for record in finished]
    ids = [record.id for record in finished]
    wanted = next((run for run in (chosen, looked_at, *ids[:1]) if run in ids), None)
    return relisted(choices, wanted, chosen)


def examples(services: Services, person: object, run: str | None, request: gr.Request) -> Any:
    """The held-out rows of a run's data, to be asked instead of a typed prompt."""
    choices: list[tuple[Any, int]] = [(text("compare.example.typed"), TYPED)]
    if run:
        rows = held_out(services, chosen_run(services, person, request, run))[:EXAMPLES_SHOWN]
        choices += [(f"{index + 1} · {_short(record.question)}", index) for index, record in enumerate(rows)]
    return gr.update(choices=choices, value=TYPED)


def take_handed(services: Services, handed: object, person: object, request: gr.Request) -> tuple[Any, ...]:
    """A run and a prompt that another part of the page leads here with."""
    run, prompt = taken(handed, "compare", "look"), taken(handed, "compare", "prompt")
    if run is None:
        return (gr.skip(),) * 4
    asked = gr.skip() if prompt is None else prompt
    return offer(services, person, run, "", request), asked, asked, gr.Tabs(selected="compare")


def take_prompt(shared: str, typed: str) -> Any:
    """A prompt written in another tab."""
    return shared or typed


def _short(question: str, most: int = 90) -> str:
    line = " ".join(question.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
