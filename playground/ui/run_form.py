"""The form of a run: fields made from the settings classes, those of each method in a group of their own.

Knows no method by name beyond what `METHODS` lists, so a new method's own settings appear by themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
from gradio.components.base import Component

from playground.config.methods import METHODS
from playground.config.presets import ready
from playground.config.run import CUSTOM, AdapterSettings, DataSettings, TrainingSettings
from playground.config.settings import Settings, setting
from playground.data.templates import TEMPLATES
from playground.models import catalogue
from playground.ui import adapter_form, forms
from playground.ui.i18n import text
from playground.ui.method_form import PREFIX, build_method_fields
from playground.ui.reward_form import RUNS
from playground.ui.run_sources import UPLOADED, source_choices
from playground.ui.run_starts import READY_PREFIX, starting_points
from playground.ui.run_values import RUN_PREFIX, initial, model_field
from playground.ui.widgets import widget

EXAMPLE_TEMPLATE = "Q: {instruction} {input}\nA: {output}"
EXAMPLE_WORDS = '{"0": "negative", "1": "positive"}'
LABELLED = ("classification", CUSTOM)
"""Templates in which a label stands, so that words may stand for labels."""
NARROW, WIDE = 150, 320
"""Pixels below which a field stands in a line of its own; the kind of adapter has long names."""
START = "tiny-sft"
"""The ready config that the form shows at first: it runs in a minute, on any machine, without a network."""

FOLDS: dict[str, tuple[type[Settings], tuple[str, ...]]] = {
    "rows": (DataSettings, ("split", "seed", "limit", "empty_input_only", "columns", "hub_config", "hub_split")),
    "adapter": (AdapterSettings, adapter_form.NAMES),
    "optimiser": (
        TrainingSettings,
        (
            "epochs", "gradient_accumulation", "optimizer", "schedule", "warmup_steps", "weight_decay",
            "max_grad_norm", "max_length", "precision", "gradient_checkpointing", "seed",
        ),
    ),
    "watch": (
        TrainingSettings,
        ("eval_steps", "eval_rows", "sample_steps", "sample_tokens", "log_steps", "save_steps", "report_to"),
    ),
}  # fmt: skip
"""Settings behind folds, by the fold's name."""


@dataclass(frozen=True)
class RunForm:
    """Every field of the form; `fields` maps a setting's path to its component, in the order of `inputs`."""

    method: gr.Radio
    about: gr.HTML
    """How the chosen method works."""
    name: gr.Textbox
    model: gr.Dropdown
    source: gr.Dropdown
    upload: gr.UploadButton
    look: gr.Button
    """Shows the data in the Data tab."""
    preset: gr.Dropdown
    groups: Mapping[str, gr.Column]
    """By method, what holds the settings that are its own."""
    fields: Mapping[str, Component]

    @property
    def reward_runs(self) -> list[Component]:
        """Where a method's reward names a reward model, for each method that has a reward."""
        return [self.fields[path] for path in (f"{name}.reward.{RUNS}" for name in METHODS) if path in self.fields]

    def inputs(self) -> list[Component]:
        """What a handler takes, in the order in which `run_values.document` reads it."""
        return [self.method, self.name, self.model, self.source, *self.fields.values()]


def build_form() -> RunForm:
    """Lays the form out in the current column."""
    config = ready(START)
    method = gr.Radio(
        [(text(f"method.{name}"), name) for name in METHODS], value=config.method,
        label=text("setting.method.label"), info=text(f"method.{config.method}.help"), elem_id="train-method",
    )  # fmt: skip
    about = widget("method_card.js", "train-method-about", elem_classes="pp-bare", method=config.method)
    starting = gr.Dropdown(
        starting_points(config.method), value=f"{READY_PREFIX}{START}", label=text("train.preset"),
        info=text("train.preset.help"), elem_id="train-preset",
    )  # fmt: skip
    model = gr.Dropdown(
        model_choices(()), value=model_field(config), label=text("setting.model.label"),
        info=text("train.model.help"), allow_custom_value=True, filterable=True, elem_id="train-model",
    )  # fmt: skip
    source = gr.Dropdown(
        source_choices(), value=config.data.source,
        label=text("setting.data.source.label"), info=text("train.source.help"), allow_custom_value=True,
        filterable=True, elem_id="train-source",
    )  # fmt: skip
    with gr.Row():
        upload = gr.UploadButton(
            cast("str", text("train.upload")), file_types=UPLOADED, size="sm",
            elem_id="train-upload",
        )  # fmt: skip
        look = gr.Button(text("train.data.look"), size="sm", elem_id="train-data-look")
    fields: dict[str, Component] = {}

    def add(cls: type[Settings], name: str, **options: Any) -> None:
        path = setting(cls, name).path
        fields[path] = forms.field_for(cls, name, prefix=PREFIX, value=initial(path, config), **options)

    fields["data.template"] = gr.Dropdown(
        [(text(f"choice.data.template.{name}"), name) for name in TEMPLATES], value=config.data.template,
        label=text("setting.data.template.label"), info=text("train.template.help"), elem_id="train-data-template",
    )  # fmt: skip
    add(
        DataSettings, "custom_template", lines=4, placeholder=EXAMPLE_TEMPLATE, max_lines=20, max_length=20_000,
        visible=True if config.data.template == CUSTOM else "hidden",
    )  # fmt: skip
    add(
        DataSettings, "verbalizer", max_lines=1, placeholder=EXAMPLE_WORDS,
        visible=True if config.data.template in LABELLED else "hidden",
    )  # fmt: skip
    groups: dict[str, gr.Column] = {}
    for found, settings in METHODS.items():
        with gr.Column(visible=found == config.method, elem_classes="pt-method") as groups[found]:
            fields |= build_method_fields(settings, lambda path: initial(path, config))
    with gr.Row():
        for name in ("max_steps", "batch_size", "learning_rate"):
            add(TrainingSettings, name, min_width=90)
    for fold, (cls, names) in FOLDS.items():
        with gr.Accordion(text(f"train.fold.{fold}"), open=False, elem_id=f"train-fold-{fold}"), gr.Row():
            for name in names:
                shown = adapter_form.visible(config.adapter.kind, name) if fold == "adapter" else True
                add(cls, name, min_width=WIDE if name == "kind" else NARROW, visible=shown)
    title = gr.Textbox(
        label=text("setting.name.label"), info=text("setting.name.help"), max_lines=1, max_length=80,
        elem_id="train-name",
    )  # fmt: skip
    return RunForm(method, about, title, model, source, upload, look, starting, groups, fields)


def show_words(template: str) -> dict[str, Any]:
    """The field of the labels' words is there with templates that have labels."""
    return gr.update(visible=True if template in LABELLED else "hidden")


def show_method(method: str) -> list[dict[str, Any]]:
    """What belongs to a method: its sentence, its starting points, and its group among all.

    The page keeps what was typed into fields that are not shown, and writes into them.
    """
    sentence, starts = (
        gr.update(info=text(f"method.{method}.help")),
        gr.update(choices=starting_points(method), value=None),
    )
    return [sentence, starts, *(gr.update(visible=found == method) for found in METHODS)]


def model_choices(finished: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The catalogue's models, then finished runs given as (name, id)."""
    return [(found.title, found.name) for found in catalogue.CATALOGUE] + [
        (f"{name} · {run}", f"{RUN_PREFIX}{run}") for name, run in finished
    ]
