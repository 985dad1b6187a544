"""The Compare tab: one prompt, the model before and after a run, side by side, from the same random numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.config import codec
from playground.config.run import RunConfig
from playground.data.records import Record
from playground.errors import PlaygroundError, RunError
from playground.runs.events import Phase
from playground.ui import identity
from playground.ui.errors import shown
from playground.ui.generation_form import GenerationForm, build_generation_form, generation_settings
from playground.ui.i18n import text
from playground.ui.prompts import record_ids, typed_ids
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import widget

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TYPED = -1
"""In the example field: the prompt is the one typed."""
EXAMPLES_SHOWN = 100
AS_TRAINED, PLAIN = "run", "plain"


@dataclass(frozen=True)
class CompareTab:
    """Components of the tab."""

    run: gr.Dropdown
    prompt: gr.Textbox
    example: gr.Dropdown
    words: gr.Radio
    form: GenerationForm
    start: gr.Button
    stop: gr.Button
    answers: gr.HTML


def build(services: Services, shell: Shell) -> CompareTab:
    """Lays the tab out and wires it."""
    with gr.Row(elem_classes="pp-columns"):
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(text("compare.title"), elem_classes="pp-title")
            run = gr.Dropdown([], label=text("compare.run"), info=text("compare.run.help"), elem_id="compare-run")
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
            form = build_generation_form("compare")
            with gr.Row(elem_classes="pp-actions"):
                start = gr.Button(text("compare.start"), variant="primary", elem_id="compare-start")
                stop = gr.Button(text("compare.stop"), variant="stop", elem_id="compare-stop")
        with gr.Column(scale=3, min_width=320):
            answers = widget("compare.js", "compare-answers")
    tab = CompareTab(run, prompt, example, words, form, start, stop, answers)
    _wire(tab, services, shell)
    return tab


def _wire(tab: CompareTab, services: Services, shell: Shell) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for event in (shell.opened.then, shell.tab.select, shell.status.change):
        event(shown(offer, services), [shell.person, tab.run, shell.run], [tab.run], **quiet).then(
            shown(examples, services), [shell.person, tab.run], [tab.example], **quiet
        )
    shell.tab.select(take_prompt, [shell.prompt, tab.prompt], [tab.prompt], queue=False, **quiet)
    tab.run.input(shown(examples, services), [shell.person, tab.run], [tab.example], **quiet)
    tab.prompt.input(lambda: TYPED, None, [tab.example], queue=False, **quiet)
    answering: list[Any] = [
        event(
            shown(compare, services),
            [shell.person, tab.run, tab.prompt, tab.example, tab.words, *tab.form.inputs()],
            [tab.answers],
            concurrency_limit=None,
            **quiet,
        )
        for event in (tab.start.click, tab.prompt.submit)
    ]
    tab.start.click(lambda prompt: prompt, [tab.prompt], [shell.prompt], queue=False, **quiet)
    tab.stop.click(None, cancels=answering, js="() => window.dispatchEvent(new Event('playground:stopped'))", **quiet)


def offer(services: Services, person: object, chosen: str | None, looked_at: str, request: gr.Request) -> Any:
    """The runs that have ended with a model, newest first; those on another model than the loaded one are told."""
    known = identity.identify(person, request)
    loaded = services.status().get("ref")
    finished = [
        record
        for record in services.store.list("run", owner=None if known.host else known.owner)
        if record.phase in (Phase.DONE, Phase.STOPPED) and record.steps
    ]
    finished.sort(key=lambda record: record.document["model"] != loaded)  # stable: newest first within
    choices = [(f"{record.name} · {record.id}", record.id) for record in finished]
    ids = [record.id for record in finished]
    wanted = next((run for run in (chosen, looked_at, *ids[:1]) if run in ids), None)
    return gr.update(choices=choices, value=wanted)


def examples(services: Services, person: object, run: str | None, request: gr.Request) -> Any:
    """The held-out rows of a run's data, to be asked instead of a typed prompt."""
    choices: list[tuple[Any, int]] = [(text("compare.example.typed"), TYPED)]
    if run:
        for index, record in enumerate(_held_out(services, _owned(services, run, person, request))[:EXAMPLES_SHOWN]):
            choices.append((f"{index + 1} · {_short(record.question)}", index))
    return gr.update(choices=choices, value=TYPED)


def take_prompt(shared: str, typed: str) -> Any:
    """A prompt written in another tab."""
    return shared or typed


def compare(
    services: Services,
    request: gr.Request,
    person: object,
    run: str | None,
    prompt: str,
    example: int | None,
    words: str,
    *values: Any,
) -> Iterator[dict[str, Any]]:
    """Both answers as they grow; for `mount` in `assets/js/compare.js`. What goes wrong is said in its place."""
    reference = ""
    try:
        if not run:
            raise RunError("There is no run to compare with yet; train one in the Train tab.")
        config = _owned(services, run, person, request)
        settings = generation_settings(values)
        held_out = _held_out(services, config) if example is not None and example >= 0 else ()
        record = held_out[example] if held_out and example is not None and example < len(held_out) else None
        if record is None and not prompt.strip():
            raise PlaygroundError("The prompt is empty; type one, or choose a held-out row.")
        asked = record.question if record else prompt
        reference = record.answer if record else ""
        template = config.data.template_text if words == AS_TRAINED else ""

        def ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
            return record_ids(record, template, tokenizer) if record else typed_ids(prompt, template, tokenizer)

        shown_with = {"prompt": asked, "reference": reference, "whole": settings.strategy == "beam"}
        yield {"state": "waiting", **shown_with}
        for update in services.model_server().stream_pair(ids, run, settings):
            state = "done" if update.done else "answering"
            pair = {"base": update.base, "tuned": update.tuned, "ahead": update.ahead}
            yield {"state": state, **pair, **shown_with}
    except PlaygroundError as error:
        yield {"state": "error", "message": str(error)}


def _owned(services: Services, run: str, person: object, request: gr.Request) -> RunConfig:
    record = services.store.get(run)
    identity.require_owner(record.owner, person, request)
    return codec.decode(record.document)


def _held_out(services: Services, config: RunConfig) -> Sequence[Record]:
    splits = services.shelf.splits(config.data)
    return splits.test or splits.validation


def _short(question: str, most: int = 90) -> str:
    line = " ".join(question.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
