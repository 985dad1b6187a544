"""The Train tab: set a run up, start it, watch it, stop it, and find earlier ones again.

The curves are not drawn here: the page follows a run by `/playground/metrics` and extends its charts in place
(`assets/js/train.js`), so that a reload, a second tab or a restart of the app shows the same picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gradio as gr

from playground.config import codec
from playground.config.methods import SCORING
from playground.config.run import RunConfig
from playground.errors import PlaygroundError, RunError
from playground.runs.events import Phase
from playground.ui import adapter_form, identity, run_form, run_rates, run_sources, run_starts, run_values, takeaway
from playground.ui.data_form import handed_over, show_custom
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.launching import check_caps, check_rights, launch
from playground.ui.launching import resume as resume_run
from playground.ui.pacing import act
from playground.ui.reward_runs import offer_reward_runs
from playground.ui.room_rules import build_note
from playground.ui.run_form import RunForm
from playground.ui.sent import sent
from playground.ui.services import Services
from playground.ui.shell import Shell, taken
from playground.ui.widgets import widget


@dataclass(frozen=True)
class TrainTab:
    """Components of the tab."""

    form: RunForm
    estimate: gr.HTML
    start: gr.Button
    live: gr.HTML
    runs: gr.HTML


def build(services: Services, shell: Shell) -> TrainTab:
    """Lays the tab out and wires it."""
    with gr.Row(elem_classes="pp-columns pp-train"):
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(text("train.title"), elem_classes="pp-title")
            form = run_form.build_form()
            estimate = widget("train.js", "train-estimate", mount="mountEstimate")
            build_note(shell, "train-room")
            start = gr.Button(text("train.start"), variant="primary", elem_id="train-start")
        with gr.Column(scale=3, min_width=320):
            live = widget("train.js", "train-live", "stop", "resume", mount="mountLive", plotly=version("plotly"))
            takeaway.build(services, shell)
            runs = widget("train.js", "train-runs", "pick", mount="mountRuns")
    tab = TrainTab(form, estimate, start, live, runs)
    _wire(tab, services, shell)
    return tab


def _wire(tab: TrainTab, services: Services, shell: Shell) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    form, paths = tab.form, tuple(tab.form.fields)
    described = shown(describe, services, paths)
    form.method.change(
        run_form.show_method, [form.method], [form.method, form.preset, *form.groups.values()], queue=False, **quiet
    )
    form.method.change(lambda method: {"method": method}, [form.method], [form.about], queue=False, **quiet)
    changed = form.method.input(
        shown(change_method, services, paths), form.inputs(), form.inputs(), queue=False, **quiet
    )
    changed.success(shown(name_starting_point, paths), form.inputs(), [form.preset], queue=False, **quiet)
    for event in (
        changed,
        form.model.input(
            shown(fit_rate, services, paths),
            form.inputs(),
            [form.fields["training.learning_rate"]],
            queue=False,
            **quiet,
        ),
        form.preset.input(
            shown(apply_starting_point, paths), [form.preset, *form.inputs()], form.inputs(), queue=False, **quiet
        ),
        form.upload.upload(shown(run_sources.take_upload), [form.upload, shell.person], [form.source], **quiet),
        shell.data.change(shown(take_data, paths), [shell.data, *form.inputs()], form.inputs(), queue=False, **quiet),
        shell.handed.change(shown(take_config, paths), [shell.handed], form.inputs(), queue=False, **quiet),
    ):
        event.then(described, [shell.person, *form.inputs()], [tab.estimate], **quiet)
    # `input`, not `change`: what a starting point writes would ask for an estimate once per field.
    for field in (form.source, *form.fields.values()):
        field.input(described, [shell.person, *form.inputs()], [tab.estimate], trigger_mode="always_last", **quiet)  # type: ignore[attr-defined]
    kind: Any = form.fields["adapter.kind"]
    own = [form.fields[f"adapter.{name}"] for name in adapter_form.FIELDS]
    kind.change(adapter_form.show_adapter, [kind], [kind, *own], queue=False, **quiet)
    template: Any = form.fields["data.template"]
    template.change(show_custom, [template], [form.fields["data.custom_template"]], queue=False, **quiet)
    template.change(run_form.show_words, [template], [form.fields["data.verbalizer"]], queue=False, **quiet)
    form.look.click(shown(show_data, paths), [shell.data, *form.inputs()], [shell.data, shell.tabs], **quiet).success(
        None, js="() => window.dispatchEvent(new Event('playground:data-open'))", **quiet
    )
    tab.start.click(
        shown(start, services, paths),
        [shell.person, *form.inputs()],
        [shell.run, tab.live, tab.estimate],
        queue=False,
        **quiet,
    ).then(None, js="() => window.dispatchEvent(new Event('playground:runs'))", **quiet)
    tab.live.stop(shown(stop, services), [shell.person], queue=False, **quiet)
    tab.live.resume(shown(resume, services), [shell.person], queue=False, **quiet).then(
        None, js="() => window.dispatchEvent(new Event('playground:runs'))", **quiet
    )
    tab.runs.pick(shown(look_at, services), None, [shell.run, tab.live], queue=False, **quiet)
    shell.handed.change(shown(take_look, services), [shell.handed], [shell.run, tab.live], queue=False, **quiet)
    shell.opened.then(shown(reopen, services), [shell.person, shell.run], [shell.run, tab.live, tab.runs], **quiet)
    for visit in (shell.opened.then, shell.tab.select):
        for field in form.reward_runs:
            visit(shown(offer_reward_runs, services), [shell.person, field], [field], **quiet)
    shell.opened.then(shown(offer, services), [shell.person], [form.model])
    shell.tab.select(shown(offer, services), [shell.person], [form.model], **quiet).then(
        described, [shell.person, *form.inputs()], [tab.estimate], **quiet
    )


def apply_starting_point(paths: Sequence[str], chosen: str, *values: Any) -> list[Any]:
    """What the form shows after a ready config or a preset was chosen."""
    return run_starts.start_from(chosen, paths, values)


def name_starting_point(paths: Sequence[str], *values: Any) -> dict[str, Any]:
    """Says which ready run the form shows, where it is one; called once another method's has been filled in."""
    return gr.update(value=run_starts.starting_point(paths, values))


def change_method(services: Services, paths: Sequence[str], *values: Any) -> list[Any]:
    """What the form shows after another method was chosen."""
    shown_now = run_starts.change_method(paths, values)
    place = run_values.FIRST + paths.index("training.learning_rate")
    if shown_now[place] == gr.skip():
        shown_now[place] = fit_rate(services, paths, *run_values.over(values, shown_now))
    return shown_now


def fit_rate(services: Services, paths: Sequence[str], *values: Any) -> Any:
    """The learning rate to show after another model was chosen; it stays where it fits and where the form is wrong."""
    try:
        config = codec.decode(run_values.document(paths, values))
    except PlaygroundError:  # told in the estimate
        return gr.skip()
    rate = run_rates.fitting(config, run_rates.root_of(services.store, config.model))
    return gr.skip() if rate is None else rate


def take_data(paths: Sequence[str], opened: object, *values: Any) -> list[Any]:
    """Takes over what is opened in the Data tab, where it was handed over to here."""
    if not isinstance(opened, Mapping) or opened.get("to") != "train":
        return [gr.skip()] * (len(paths) + run_values.FIRST)
    return run_starts.take_data(paths, opened, values)


def take_config(paths: Sequence[str], handed: object) -> list[Any]:
    """Fills the whole form with a config that another tab hands over."""
    config = taken(handed, "train", "config")
    return [gr.skip()] * (len(paths) + run_values.FIRST) if config is None else run_starts.take_config(paths, config)


def show_data(paths: Sequence[str], opened: object, *values: Any) -> tuple[dict[str, Any], Any]:
    """Hands the form's data over to the Data tab, which opens it."""
    config = codec.decode(run_values.document(paths, values))
    return handed_over(config, opened, "data"), gr.Tabs(selected="data")


def offer(services: Services, person: object, request: gr.Request) -> dict[str, Any]:
    """The models that can be tuned: the catalogue's, and this person's finished runs. The chosen one stays."""
    known = identity.identify(person, request)
    finished = [
        (record.name or record.method, record.id)
        for record in services.store.list("run", owner=None if known.host else known.owner)
        if record.phase in (Phase.DONE, Phase.STOPPED) and record.method not in SCORING
    ]
    # Without a value: while this is on its way, a config may have been taken over with another model.
    return gr.update(choices=run_form.model_choices(finished))


def describe(
    services: Services, paths: Sequence[str], request: gr.Request, person: object, *values: Any
) -> dict[str, Any]:
    """What a start would mean: the memory it takes, or every problem in the form; for `mountEstimate`."""
    known = identity.visitor(person, request)
    if known is None:
        return {}
    try:
        config = codec.decode(run_values.document(paths, values))
        check_rights(services, config, known)  # an estimate looks into the model's folder
        check_caps(services, config, known)
        memory = services.training_memory(config, read_data=may_read(config, known))
        return {"memory": memory, "rate": run_rates.excess(config, run_rates.root_of(services.store, config.model))}
    except PlaygroundError as error:
        return {"error": str(error)}


def may_read(config: RunConfig, known: identity.Person) -> bool:
    """Whether an estimate may look at the rows: the person may train on them, and nothing has to be fetched."""
    source = config.data.source
    return run_sources.source_is_for_everyone(source) or (known.host and Path(source).expanduser().is_file())


def start(
    services: Services, paths: Sequence[str], request: gr.Request, person: object, *values: Any
) -> tuple[Any, Any, dict[str, Any]]:
    """Puts the run into the queue; from there the live view tells how it goes. A refusal is said beside the button."""
    try:
        known = identity.identify(person, request)
        act(services, known)
        run = launch(services, run_values.document(paths, values), known)
    except PlaygroundError as error:
        return gr.skip(), gr.skip(), {"error": str(error)}
    return run, {"run": run, "viewer": identity.viewer(known)}, {}


def stop(services: Services, event: gr.EventData, person: object, request: gr.Request) -> None:
    """Asks a run to stop: the first time at its next step, the second time by force."""
    run = str(sent(event).get("run", ""))
    identity.require_owner(services.store.get(run).owner, person, request)
    services.jobs.stop(run)


def resume(services: Services, event: gr.EventData, person: object, request: gr.Request) -> None:
    """Puts a run that ended early back into the queue, to go on from its last checkpoint."""
    known = identity.identify(person, request)
    act(services, known)
    resume_run(services, str(sent(event).get("run", "")), known)


def look_at(services: Services, event: gr.EventData) -> tuple[str, dict[str, Any]]:
    """A run was picked from the list."""
    return _looking_at(services, str(sent(event).get("run", "")))


def take_look(services: Services, handed: object) -> tuple[Any, Any]:
    """A run was picked in another tab."""
    run = taken(handed, "train", "look")
    return (gr.skip(), gr.skip()) if run is None else _looking_at(services, run)


def _looking_at(services: Services, run: str) -> tuple[str, dict[str, Any]]:
    services.store.get(run)
    return run, {"run": run}


def reopen(
    services: Services, person: object, run: str, request: gr.Request
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The run that was being looked at before a reload, else this person's newest; and who is looking, for the list."""
    known = identity.identify(person, request)
    try:
        if run:
            services.store.get(run)
    except RunError:
        run = ""
    if not run:
        newest = services.store.list("run", owner=known.owner, limit=1)
        run = newest[0].id if newest else ""
    return run, {"run": run, "viewer": identity.viewer(known), "reopened": True}, identity.viewer(known)
