"""The fields of the Data tab, and the way between them, what a browser keeps of them, and a run's settings."""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components.base import Component

from playground.config import codec
from playground.config.methods.sft import SFTSettings
from playground.config.run import CUSTOM, DataSettings, RunConfig, TrainingSettings
from playground.data.templates import TEMPLATES
from playground.errors import NotAllowed
from playground.ui import forms, identity, run_values
from playground.ui.i18n import text
from playground.ui.run_form import EXAMPLE_TEMPLATE, EXAMPLE_WORDS
from playground.ui.run_sources import source_is_for_everyone
from playground.ui.run_starts import HANDED

PATHS = (
    "data.template", "data.custom_template", "data.empty_input_only", "data.seed", "data.limit", "data.split",
    "data.hub_config", "data.hub_split", "training.max_length", "sft.loss_on", "sft.key_tokens", "sft.key_token_alpha",
    "data.verbalizer",
)  # fmt: skip
"""Settings that have a field here, in the order of `DataTab.inputs` after the source."""


def build_fields() -> dict[str, Component]:
    """Lays the fields out in the current column; by the path of their setting."""
    options: dict[str, Any] = {"prefix": "data"}
    line: dict[str, Any] = {"max_lines": 1, **options}
    template = gr.Dropdown(
        [(text(f"choice.data.template.{name}"), name) for name in TEMPLATES], value=TEMPLATES[0],
        label=text("setting.data.template.label"), info=text("data.template.help"), elem_id="data-template",
    )  # fmt: skip
    custom = forms.text_for(
        DataSettings, "custom_template", lines=6, max_lines=20, max_length=20_000, visible="hidden",
        placeholder=EXAMPLE_TEMPLATE, elem_classes="pda-custom", **options,
    )  # fmt: skip
    with gr.Row():
        max_length = forms.number_for(TrainingSettings, "max_length", min_width=120, **options)
        loss_on = forms.choice_for(SFTSettings, "loss_on", min_width=120, **options)
    with gr.Accordion(text("data.fold.keys"), open=False, elem_id="data-fold-keys"), gr.Row():
        keys = forms.text_for(SFTSettings, "key_tokens", min_width=160, **line)
        alpha = forms.number_for(SFTSettings, "key_token_alpha", min_width=120, **options)
    with gr.Accordion(text("data.fold.rows"), open=False, elem_id="data-fold-rows"):
        empty = forms.checkbox_for(DataSettings, "empty_input_only", **options)
        with gr.Row():
            seed = forms.text_for(DataSettings, "seed", min_width=120, **line)
            limit = forms.text_for(DataSettings, "limit", min_width=120, **line)
        words = forms.text_for(DataSettings, "verbalizer", placeholder=EXAMPLE_WORDS, **line)
        split = forms.text_for(
            DataSettings, "split", value=run_values.field_values(["data.split"], RunConfig())[0], **line
        )
    with gr.Accordion(text("data.fold.hub"), open=False, elem_id="data-fold-hub"), gr.Row():
        hub_config = forms.text_for(DataSettings, "hub_config", min_width=120, **line)
        hub_split = forms.text_for(DataSettings, "hub_split", min_width=120, **line)
    made = (template, custom, empty, seed, limit, split, hub_config, hub_split, max_length, loss_on, keys, alpha, words)
    return dict(zip(PATHS, made, strict=True))


def config_from(values: tuple[Any, ...], columns: Mapping[str, str] | None = None) -> RunConfig:
    """What the fields say, as a run whose other settings are the usual ones.

    Raises:
        ConfigError: with every problem in the fields.
    """
    source, *rest = values
    document = run_values.document(PATHS, (RunConfig().method, "", RunConfig().model, source, *rest))
    document["data"]["columns"] = dict(columns or {})
    return codec.decode(document)


def document_of(config: RunConfig) -> dict[str, Any]:
    """What `shell.data` keeps of it; `opened_config` reads it."""
    whole = codec.encode(config)
    options = {name: whole[name] for name in ("sft",) if name in whole}
    return {"data": whole["data"], "training": {"max_length": whole["training"]["max_length"]}, **options}


def opened_config(opened: object) -> RunConfig | None:
    """What is opened according to `shell.data`; None where nothing is.

    Raises:
        ConfigError: it is not what this version wrote.
    """
    if not isinstance(opened, Mapping) or "data" not in opened:
        return None
    return codec.decode({name: opened[name] for name in HANDED if name in opened})


def check_source(source: str, person: object, request: gr.Request) -> None:
    """Lets the host pass, and everyone to bundled data and uploads.

    Raises:
        NotAllowed: it is a path of this machine or an id of the Hub, and not the host who asks.
    """
    if not identity.identify(person, request).host and not source_is_for_everyone(source.strip()):
        raise NotAllowed("Only the host can open paths and Hub data sets; upload a file, or take a bundled one.")


def show_custom(template: str) -> dict[str, Any]:
    """The field of the template's own text is there with that template only."""
    return gr.update(visible=True if template == CUSTOM else "hidden")


def handed_over(config: RunConfig, opened: object, to: str) -> dict[str, Any]:
    """What `shell.data` keeps where a tab is to take it; the count of turns makes every time a change."""
    turn = opened.get("turn") if isinstance(opened, Mapping) else 0
    return {**document_of(config), "to": to, "turn": turn + 1 if isinstance(turn, int) else 1}
