"""The Data tab: open a data set, say what its columns mean, and see what a trainer makes of every row.

What is opened stands in `shell.data` as part of a run's JSON (`data`, `training.max_length`, `sft.loss_on`), which
survives a reload and which the Train form takes over. The rows stay on the server (`data_shelf`); each widget asks for
what it shows, and every answer first checks that this person may see the source.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, cast

import gradio as gr
from gradio.components.base import Component

from playground.data.bundled import BUNDLED
from playground.errors import ConfigError, DataError, PlaygroundError
from playground.room.pace import TooFast
from playground.ui import data_view, identity, run_sources, run_values
from playground.ui.data_form import (
    PATHS,
    build_fields,
    check_source,
    config_from,
    document_of,
    handed_over,
    opened_config,
    show_custom,
)
from playground.ui.data_opening import opening_of
from playground.ui.data_reading import count_doubles, look, measure, take_as_prompt
from playground.ui.data_shelf import DataShelf
from playground.ui.errors import shown
from playground.ui.i18n import text
from playground.ui.pacing import act
from playground.ui.sent import sent
from playground.ui.services import Services
from playground.ui.shell import Shell
from playground.ui.widgets import widget


@dataclass(frozen=True)
class DataTab:
    """Components of the tab."""

    source: gr.Dropdown
    upload: gr.UploadButton
    open: gr.Button
    fields: Mapping[str, Component]
    train: gr.Button
    view: gr.HTML
    row: gr.HTML
    lengths: gr.HTML

    def inputs(self) -> list[Component]:
        """Source and settings, in the order in which `config_from` reads them."""
        return [self.source, *self.fields.values()]


def build(services: Services, shell: Shell) -> DataTab:
    """Lays the tab out and wires it."""
    with gr.Row(elem_classes="pp-columns pda-columns"):
        with gr.Column(scale=2, min_width=300):
            gr.Markdown(text("data.title"), elem_classes="pp-title")
            source = gr.Dropdown(
                run_sources.source_choices(), value=BUNDLED[0].name, label=text("setting.data.source.label"),
                info=text("data.source.help"), allow_custom_value=True, filterable=True, elem_id="data-source",
            )  # fmt: skip
            with gr.Row(elem_classes="pp-actions"):
                opener = gr.Button(text("data.open"), variant="primary", elem_id="data-open")
                upload = gr.UploadButton(
                    cast("str", text("data.upload")), elem_id="data-upload",
                    file_types=run_sources.UPLOADED,
                )  # fmt: skip
            fields = build_fields()
            train = gr.Button(text("data.train"), elem_id="data-train")
        with gr.Column(scale=5, min_width=320):
            bundled = [found.name for found in BUNDLED]
            view = widget("data.js", "data-view", "open", "restore", "count", "map", "preview", "use", bundled=bundled)
            row = widget("data_rows.js", "data-row", "ask", "prompt")
            lengths = widget("data_lengths.js", "data-lengths", "ask", plotly=version("plotly"))
    tab = DataTab(source, upload, opener, fields, train, view, row, lengths)
    _wire(tab, services, shell)
    return tab


def _wire(tab: DataTab, services: Services, shell: Shell) -> None:
    shelf = services.shelf
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    latest: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
    asked: list[Any] = [shell.person, shell.data]
    described = [*asked, *tab.inputs()]
    opening: list[Any] = [shell.data, tab.view]
    slow: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "data-open"}

    tab.open.click(shown(open_form, services), described, opening, **slow, **quiet)
    tab.upload.upload(shown(run_sources.take_upload), [tab.upload, shell.person], [tab.source], **quiet).success(
        shown(open_form, services), described, opening, **slow, **quiet
    )
    tab.view.open(shown(pick), None, [tab.source], **quiet).success(
        shown(open_form, services), described, opening, **slow, **quiet
    )
    tab.view.count(shown(count_doubles, shelf), asked, [tab.view], concurrency_limit=2, **quiet)
    tab.view.use(shown(use_mapping, services), described, opening, **slow, **quiet)
    tab.view.map(shown(offer_mapping, shelf), described, [tab.view], **slow, **quiet)
    tab.view.preview(shown(preview_mapping, shelf), described, [tab.view], **latest)
    tab.view.restore(shown(restore), asked, tab.inputs(), **quiet).success(
        shown(reopen, shelf), asked, opening, **slow, **quiet
    )
    _wire_fields(tab, shell, shelf, opening, described, slow, latest)
    tab.row.ask(shown(look, services, shelf), asked, [tab.row], concurrency_limit=4, **latest)
    tab.row.prompt(shown(take_as_prompt, shelf), asked, [shell.prompt, shell.tabs], **quiet)
    tab.lengths.ask(shown(measure, services, shelf), asked, [tab.lengths], concurrency_limit=2, **latest)
    tab.train.click(shown(hand_over, shelf), asked, [shell.data, shell.tabs], queue=False, **quiet)


def _wire_fields(
    tab: DataTab,
    shell: Shell,
    shelf: DataShelf,
    opening: list[Any],
    described: list[Any],
    slow: dict[str, Any],
    latest: dict[str, Any],
) -> None:
    """A field that decides which rows there are opens anew; one that decides how they read shows them anew."""
    fields = cast("Mapping[str, Any]", tab.fields)
    template, custom = fields["data.template"], fields["data.custom_template"]
    template.change(show_custom, [template], [custom], queue=False, **latest)
    for path in ("data.empty_input_only", "data.seed", "data.limit", "data.split"):
        events = [fields[path].input] if path == "data.empty_input_only" else [fields[path].submit, fields[path].blur]
        for event in events:
            event(shown(refilter, shelf), described, opening, **slow, **latest)
    typed = ("data.custom_template", "sft.key_tokens")
    for path in (*typed, "data.template", "training.max_length", "sft.loss_on", "sft.key_token_alpha"):
        # Pasted text is no input to Gradio's text field, but a change it is.
        event = fields[path].change if path in typed else fields[path].input
        event(shown(restyle), described, [shell.data, tab.row], **latest)


def pick(event: gr.EventData) -> str:
    """A bundled data set was chosen from the cards."""
    return str(sent(event).get("source", ""))


def open_form(
    services: Services, request: gr.Request, person: object, opened: object, *values: Any
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Opens what the form says. A mapping made by hand stays as long as the source does."""
    try:
        config = config_from(values, _columns_kept(opened, str(values[0])))
        act(services, identity.identify(person, request))
    except TooFast as error:
        yield gr.skip(), {"state": "error", "message": str(error), "kept": True}
        return
    except PlaygroundError as error:
        yield None, {"state": "error", "message": str(error)}
        return
    yield from opening_of(services.shelf, config, person, request)


def _columns_kept(opened: object, source: str) -> Mapping[str, str]:
    try:
        before = opened_config(opened)
    except ConfigError:
        return {}
    return before.data.columns if before is not None and before.data.source == source.strip() else {}


def use_mapping(
    services: Services, event: gr.EventData, request: gr.Request, person: object, _: object, *values: Any
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Opens the form's source under a mapping that was made by hand."""
    try:
        config = config_from(values, _asked_columns(event))
        act(services, identity.identify(person, request))
    except TooFast as error:
        yield gr.skip(), {"state": "error", "message": str(error), "kept": True}
        return
    except PlaygroundError as error:
        yield None, {"state": "error", "message": str(error)}
        return
    yield from opening_of(services.shelf, config, person, request)


def offer_mapping(
    shelf: DataShelf, request: gr.Request, person: object, opened: object, *values: Any
) -> dict[str, Any]:
    """The mapping panel of what is opened, on demand."""
    try:
        config = opened_config(opened) or config_from(values)
        check_source(config.data.source, person, request)
        table = shelf.head(config.data)
    except PlaygroundError as error:
        return {"state": "error", "message": str(error)}
    return {"state": "mapping", "mapping": data_view.mapping(table, config.data.columns)}


def preview_mapping(
    shelf: DataShelf, event: gr.EventData, request: gr.Request, person: object, _: object, *values: Any
) -> dict[str, Any]:
    """The first rows under a mapping that is being made."""
    try:
        config = config_from(values, _asked_columns(event))
        check_source(config.data.source, person, request)
        table = shelf.head(config.data)
    except PlaygroundError as error:
        return {"state": "preview", "preview": {"error": str(error)}}
    return {"state": "preview", "preview": data_view.mapping_preview(table, config.data.columns)}


def _asked_columns(event: gr.EventData) -> dict[str, str]:
    asked = sent(event).get("columns")
    return {str(field): str(column) for field, column in asked.items()} if isinstance(asked, Mapping) else {}


def restore(person: object, opened: object, request: gr.Request) -> list[Any]:
    """What the fields show for what is opened: after a reload, or when the Train form handed its data over."""
    identity.identify(person, request)
    try:
        config = opened_config(opened)
    except ConfigError:
        config = None
    if config is None:
        return [gr.skip()] * (1 + len(PATHS))
    return [run_sources.show_source(config.data.source), *run_values.field_values(PATHS, config)]


def reopen(
    shelf: DataShelf, person: object, opened: object, request: gr.Request
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Opens what `shell.data` says."""
    try:
        config = opened_config(opened)
    except ConfigError:
        config = None
    if config is None:
        yield gr.skip(), gr.skip()  # the page may have opened something while this was on its way
        return
    yield from opening_of(shelf, config, person, request)


def refilter(
    shelf: DataShelf, request: gr.Request, person: object, opened: object, *values: Any
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Opens anew what is open already, once the fields say something else about its rows."""
    try:
        before = opened_config(opened)
        same = before is not None and before.data.source == str(values[0]).strip()
        config = config_from(values, before.data.columns) if same and before is not None else before
        if config is None or not same or config == before:
            yield gr.skip(), {"state": "fine"}
            return
    except PlaygroundError as error:
        yield gr.skip(), {"state": "error", "message": str(error), "kept": True}
        return
    yield from opening_of(shelf, config, person, request)


def restyle(request: gr.Request, person: object, opened: object, *values: Any) -> tuple[Any, Any]:
    """Keeps how rows are to be put into words; the widgets then ask for what they show."""
    identity.identify(person, request)
    try:
        before = opened_config(opened)
        if before is None:
            return gr.skip(), gr.skip()
        config = config_from(values, before.data.columns)
    except PlaygroundError as error:
        return gr.skip(), {"state": "problem", "message": str(error)}
    # What decides which rows there are stays as it was opened, whatever stands in its fields by now.
    data = replace(before.data, template=config.data.template, custom_template=config.data.custom_template)
    config = replace(config, data=data)
    return gr.skip() if config == before else document_of(config), {"state": "stale", "turn": time.monotonic_ns()}


def hand_over(shelf: DataShelf, person: object, opened: object, request: gr.Request) -> tuple[Any, Any]:
    """Opens the Train tab, whose form takes what is opened here, and a method that can learn from it."""
    config = opened_config(opened)
    if config is None:
        raise DataError("Open a data set first; then its settings can be taken to the Train tab.")
    check_source(config.data.source, person, request)
    found = shelf.splits(config.data).format
    return {**handed_over(config, opened, "train"), "format": found}, gr.Tabs(selected="train")
