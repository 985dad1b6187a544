"""The Model tab: choose a model, see whether it fits, load it, see what it is."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from playground.config.methods import SCORING
from playground.config.run import ModelRef, RunRef
from playground.errors import ModelError, PlaygroundError
from playground.models import catalogue
from playground.models.fetch import names_a_folder
from playground.models.folder import check_folder, read_config
from playground.models.lineage import lineage_of
from playground.room import caps
from playground.runs.events import Phase
from playground.ui import identity, place
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.pacing import act
from playground.ui.services import DEFAULT_MODEL, Services
from playground.ui.shell import Shell
from playground.ui.widgets import widget

EVERYONE = ("catalogue", "run")
HOST_ONLY = ("hub", "folder")
DTYPES = ("auto", "float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class ModelTab:
    """Components of the tab."""

    source: gr.Radio
    entry: gr.Radio
    run: gr.Dropdown
    hub: gr.Textbox
    folder: gr.Textbox
    token: gr.Textbox
    dtype: gr.Dropdown
    device: gr.Dropdown
    choice: gr.HTML
    load: gr.Button
    cancel: gr.Button
    unload: gr.Button
    loaded: gr.HTML


def build(services: Services, shell: Shell) -> ModelTab:
    """Lays the tab out and wires it."""
    place.build()
    with gr.Row(elem_classes="pp-columns"):
        with gr.Column(scale=3, min_width=320):
            gr.Markdown(text("model.choose"), elem_classes="pp-title")
            source = gr.Radio(
                _sources(EVERYONE + HOST_ONLY), value="catalogue", show_label=False, container=False,
                elem_id="model-source", label=text("model.source"), elem_classes="pp-segments",
            )  # fmt: skip
            entry = gr.Radio(
                [(found.title, found.name) for found in catalogue.CATALOGUE], value=DEFAULT_MODEL,
                label=text("model.catalogue"), show_label=False, container=False, elem_id="model-entry",
                elem_classes="pp-cards",
            )  # fmt: skip
            run = gr.Dropdown(
                [], label=text("model.run"), info=text("model.run.help"), visible=False, elem_id="model-run"
            )
            hub = gr.Textbox(
                label=text("model.hub"), info=text("model.hub.help"), placeholder="openai-community/gpt2",
                visible=False, max_lines=1, elem_id="model-hub",
            )  # fmt: skip
            folder = gr.Textbox(
                label=text("model.folder"), info=text("model.folder.help"), visible=False, max_lines=1,
                elem_id="model-folder",
            )  # fmt: skip
            token = gr.Textbox(
                label=text("model.token"), info=text("model.token.help"), type="password", visible=False, max_lines=1,
                elem_id="model-token",
            )  # fmt: skip
            choice = widget(
                "model.js", "model-choice", mount="mountChoice", panel="pp-panel pp-card", elem_classes="pp-bare"
            )
            with gr.Row():
                dtype = gr.Dropdown(
                    [(text(f"model.dtype.{name}"), name) for name in DTYPES], value="auto", label=text("model.dtype"),
                    info=text("model.dtype.help"), elem_id="model-dtype", min_width=150,
                )  # fmt: skip
                device = gr.Dropdown(
                    [(text(f"model.device.{name}"), name) for name in DEVICES], value="auto",
                    label=text("model.device"), info=text("model.device.help"), elem_id="model-device", min_width=150,
                )  # fmt: skip
            with gr.Row(elem_classes="pp-actions"):
                load = gr.Button(text("model.load"), variant="primary", elem_id="model-load")
                cancel = gr.Button(text("model.cancel"), variant="stop", elem_id="model-cancel")
        with gr.Column(scale=2, min_width=320):
            gr.Markdown(text("model.loaded"), elem_classes="pp-title")
            loaded = widget(
                "model.js", "model-loaded", mount="mountLoaded", panel="pp-panel pp-card", elem_classes="pp-bare"
            )
            unload = gr.Button(text("model.unload"), size="sm", elem_id="model-unload")
    tab = ModelTab(source, entry, run, hub, folder, token, dtype, device, choice, load, cancel, unload, loaded)
    _wire(tab, services, shell)
    return tab


def _wire(tab: ModelTab, services: Services, shell: Shell) -> None:
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    refresh = "() => playground.refresh()"
    fields = [tab.source, tab.entry, tab.run, tab.hub, tab.folder, tab.dtype, tab.device]
    tab.source.input(fields_for, [tab.source], [tab.entry, tab.run, tab.hub, tab.folder, tab.token], **quiet)
    described = shown(describe, services)
    arguments = [*fields, shell.person]
    for field in (tab.source, tab.entry, tab.run, tab.dtype, tab.device):
        field.change(described, arguments, [tab.choice], **quiet)
    for typed in (tab.hub, tab.folder):
        typed.blur(described, arguments, [tab.choice], **quiet)
    shell.status.change(described, arguments, [tab.choice], **quiet)
    for event in (shell.opened.at_once, shell.tab.select):
        event(shown(offer, services), [shell.person, tab.source], [tab.source, tab.run], **quiet).then(
            described, arguments, [tab.choice], **quiet
        )
    for start in (tab.load.click, tab.hub.submit, tab.folder.submit):
        start(shown(load, services), [*fields, tab.token, shell.person], [tab.choice, tab.token], **quiet).then(
            None, js=refresh, **quiet
        )
    tab.cancel.click(shown(cancel, services), [shell.person], **quiet).then(None, js=refresh, **quiet)
    tab.unload.click(shown(unload, services), [shell.person], **quiet).then(None, js=refresh, **quiet)


def fields_for(source: str) -> list[dict[str, Any]]:
    """Shows the field that belongs to the source."""
    belongs = ("catalogue", "run", "hub", "folder", "hub")
    return [gr.update(visible=source == name) for name in belongs]


def offer(
    services: Services, person: object, source: str, request: gr.Request
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sources and runs this person may load: the host may load everything."""
    known = identity.visitor(person, request)
    if known is None:
        return gr.skip(), gr.skip()
    sources = EVERYONE + HOST_ONLY if known.host else EVERYONE
    finished = [
        (f"{record.name or record.method} · {record.id}", record.id)
        for record in services.store.list("run", owner=None if known.host else known.owner)
        if record.phase in (Phase.DONE, Phase.STOPPED) and record.method not in SCORING
    ]
    # A value is sent only where it has to change: the person may have chosen meanwhile.
    moved: dict[str, Any] = {} if source in sources else {"value": "catalogue"}
    return gr.update(choices=_sources(sources), **moved), gr.update(choices=finished)


def describe(
    services: Services,
    source: str,
    entry: str | None,
    run: str | None,
    hub: str,
    folder: str,
    dtype: str,
    device: str,
    person: object,
    request: gr.Request,
) -> dict[str, Any]:
    """What there is to know before loading, for `mountChoice`; a refusal is part of it, in words."""
    if identity.visitor(person, request) is None or (source in HOST_ONLY and not (hub if source == "hub" else folder)):
        return {}
    if source == "run" and not run:
        return {"hint": "model.hint.no_run"}
    try:
        ref = allowed_ref(services, source, entry, run, hub, folder, person, request)
        return facts(services, ref, dtype, device)
    except PlaygroundError as error:
        return {"error": str(error)}


def load(
    services: Services,
    source: str,
    entry: str | None,
    run: str | None,
    hub: str,
    folder: str,
    dtype: str,
    device: str,
    token: str | None,
    person: object,
    request: gr.Request,
) -> tuple[dict[str, Any], str]:
    """Starts loading, for everyone; from there the status tells how it goes. What is refused at once is said here.

    The access token leaves the form once it was used.
    """
    try:
        known = identity.identify(person, request)
        ref = allowed_ref(services, source, entry, run, hub, folder, person, request)
        if not known.host:
            act(services, known)
            caps.check_model(services.rules.settings, ref)
        services.load_model(ref, dtype, device, by=known.owner, token=(token or "").strip() or None)
    except PlaygroundError as error:
        return {"error": str(error)}, token or ""
    return gr.skip(), ""


def allowed_ref(
    services: Services,
    source: str,
    entry: str | None,
    run: str | None,
    hub: str,
    folder: str,
    person: object,
    request: gr.Request,
) -> ModelRef:
    """The model that the form means, if this person may load it: the catalogue and own runs are for everyone.

    Raises:
        NotAllowed: it is for the host, or the run is someone else's.
        PlaygroundError: nothing was chosen, or there is no such run.
    """
    ref = chosen_ref(source, entry, run, hub, folder)
    if isinstance(ref, RunRef):
        identity.require_owner(services.store.get(ref.run).owner, person, request)
    elif source == "folder" or catalogue.find(ref) is None:
        identity.require_host(person, request, "Loading a model that is not in the catalogue")
        if source == "folder":
            return str(check_folder(Path(ref).expanduser()).resolve())
    return ref


def chosen_ref(source: str, entry: str | None, run: str | None, hub: str, folder: str) -> ModelRef:
    """The model that the form means.

    Raises:
        ModelError: nothing was chosen.
    """
    ref: ModelRef | None
    match source:
        case "run":
            ref, wanted = RunRef(run) if run else None, "choose one of your finished runs"
        case "hub":
            ref, wanted = hub.strip(), "type a Hub id, such as openai-community/gpt2"
        case "folder":
            ref, wanted = folder.strip(), "type the folder that holds the model's config.json"
        case _:
            ref, wanted = entry, "choose a model of the catalogue"
    if not ref:
        raise ModelError(f"No model was chosen; {wanted}.")
    return ref


def facts(services: Services, ref: ModelRef, dtype: str, device: str) -> dict[str, Any]:
    """What is known of a model without loading it: numbers and keys of texts, for `mountChoice`.

    Raises:
        ModelError: a folder is no model's, or there is no such device.
    """
    lineage = lineage_of(ref)
    told: dict[str, Any] = {"hint": "model.hint.run"} if isinstance(ref, RunRef) else {}
    entry = catalogue.find(lineage.base)
    folder = lineage.weights or _folder_of(lineage.base)
    source = folder or entry
    if source is None:
        return told | {"hint": "model.hint.hub"}
    if entry is not None:
        told |= {
            "name": entry.name,
            "parameters": entry.parameters,
            "context_length": entry.context_length,
            "licence": entry.licence,
            "download_bytes": entry.wheel.download_bytes if entry.wheel else entry.download_bytes,
        }
    elif folder is not None:
        told |= {"architecture": ", ".join(read_config(folder).get("architectures") or ())}
    estimate = services.estimate(source, dtype, device)
    if estimate is not None:
        told["estimate"] = asdict(estimate) | {"fits": estimate.fits}
    return told | {"local": folder is not None}


def _folder_of(name: str) -> Path | None:
    """Where a catalogue name, Hub id or folder lies on this machine; None where it has to be fetched."""
    if catalogue.find(name) is None and names_a_folder(name):
        return check_folder(Path(name).expanduser())
    return catalogue.local_folder(name)


def cancel(services: Services, person: object, request: gr.Request) -> None:
    """Stops the loading in progress; for the one who started it and for the host."""
    identity.require_owner(services.loader, person, request, "This loading")
    services.model_server().cancel_loading()


def unload(services: Services, person: object, request: gr.Request) -> None:
    """Gives the model's memory back; for the host, since everyone uses the same model."""
    identity.require_host(person, request, "Unloading the model that everyone uses")
    services.model_server().unload()


def _sources(names: tuple[str, ...]) -> list[tuple[Any, str]]:
    return [(text(f"model.source.{name}"), name) for name in names]
