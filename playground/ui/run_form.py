"""The form of a run: fields made from the settings classes, and the way between them and a run's JSON.

Knows no method by name beyond what `METHODS` lists, so a new method's own settings appear by themselves.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.components.base import Component

from playground.config import codec
from playground.config.presets import PRESETS, preset, ready, ready_names
from playground.config.run import (
    CUSTOM,
    METHODS,
    AdapterSettings,
    DataSettings,
    RunConfig,
    RunRef,
    TrainingSettings,
)
from playground.config.settings import Setting, Settings, setting, settings_of
from playground.data import uploads
from playground.data.bundled import BUNDLED
from playground.data.readers import READERS
from playground.data.templates import TEMPLATES
from playground.data.uploads import PREFIX
from playground.errors import ConfigError
from playground.models import catalogue
from playground.ui import forms, identity
from playground.ui.i18n import text

RUN_PREFIX = "run:"
"""In the model field, what stands before the id of an earlier run."""
METHOD = "sft"
EXAMPLE_TEMPLATE = "Q: {instruction} {input}\nA: {output}"
START = "tiny-sft"
"""The ready config that the form shows at first: it runs in a minute, on any machine, without a network."""
READY_PREFIX = "ready:"
"""In the field of starting points, what stands before a ready config's name; presets stand by their names."""

HANDED = ("data", "training", "sft")
"""Sections of a run's JSON that the Data and the Train tab hand each other."""
UPLOADED = sorted(READERS)
"""Endings of the files that can be read."""

FOLDS: dict[str, tuple[type[Settings], tuple[str, ...]]] = {
    "rows": (DataSettings, ("split", "seed", "limit", "empty_input_only", "columns", "hub_config", "hub_split")),
    "adapter": (AdapterSettings, ("kind", "rank", "alpha", "dropout", "targets")),
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

    name: gr.Textbox
    model: gr.Dropdown
    source: gr.Dropdown
    upload: gr.UploadButton
    look: gr.Button
    """Shows the data in the Data tab."""
    preset: gr.Dropdown
    fields: Mapping[str, Component]

    def inputs(self) -> list[Component]:
        """What a handler takes, in the order in which `document` reads it."""
        return [self.name, self.model, self.source, *self.fields.values()]


def build_form() -> RunForm:
    """Lays the form out in the current column."""
    config = ready(START)
    starting = gr.Dropdown(
        starting_points(), value=f"{READY_PREFIX}{START}", label=text("train.preset"), info=text("train.preset.help"),
        elem_id="train-preset",
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
        fields[path] = _field(setting(cls, name), cls, value=field_values([path], config)[0], **options)

    fields["data.template"] = gr.Dropdown(
        [(text(f"choice.data.template.{name}"), name) for name in TEMPLATES], value=config.data.template,
        label=text("setting.data.template.label"), info=text("train.template.help"), elem_id="train-data-template",
    )  # fmt: skip
    add(
        DataSettings, "custom_template", lines=4, placeholder=EXAMPLE_TEMPLATE, max_lines=20, max_length=20_000,
        visible=True if config.data.template == CUSTOM else "hidden",
    )  # fmt: skip
    for name in (found.name for found in settings_of(METHODS[METHOD])):
        add(METHODS[METHOD], name)
    with gr.Row():
        for name in ("max_steps", "batch_size", "learning_rate"):
            add(TrainingSettings, name, min_width=90)
    for fold, (cls, names) in FOLDS.items():
        with gr.Accordion(text(f"train.fold.{fold}"), open=False, elem_id=f"train-fold-{fold}"), gr.Row():
            for name in names:
                add(cls, name, min_width=150)
    title = gr.Textbox(
        label=text("setting.name.label"), info=text("setting.name.help"), max_lines=1, max_length=80,
        elem_id="train-name",
    )  # fmt: skip
    return RunForm(title, model, source, upload, look, starting, fields)


def starting_points() -> list[tuple[Any, str]]:
    """Whole runs to start from, then presets that leave model and data as they are."""
    whole = [(text(f"ready.{name}"), f"{READY_PREFIX}{name}") for name in sorted(ready_names(), key=_tiny_first)]
    return [*whole, *((text(f"preset.{found.name}.label"), found.name) for found in PRESETS)]


def _tiny_first(name: str) -> tuple[bool, str]:
    return (not name.startswith("tiny"), name)


def start_from(point: str, form: Sequence[str], values: Sequence[Any]) -> list[Any]:
    """What the form shows after a starting point was chosen: one value per input, `gr.skip()` where it stays.

    The name stays the person's; an empty one is made from what is run, and so is always true. Only what changes is
    sent, since a browser takes some ten milliseconds for each field that is written.
    """
    if point.startswith(READY_PREFIX):
        config = ready(point.removeprefix(READY_PREFIX))
        now = list(values[1:])
    else:
        before = codec.decode(document(form, values))
        config = preset(point).over(before)
        now = [model_field(before), before.data.source, *field_values(form, before)]
    wanted = [model_field(config), config.data.source, *field_values(form, config)]
    return [gr.skip(), *(gr.skip() if new == old else new for new, old in zip(wanted, now, strict=True))]


def take_data(form: Sequence[str], opened: Mapping[str, Any]) -> list[Any]:
    """What the form shows once it has taken over what is opened in the Data tab (`shell.data`); one value per input.

    Raises:
        ConfigError: it is no part of a run's JSON.
    """
    document = {name: opened[name] for name in HANDED if name in opened}
    config = codec.decode(document)
    taken = {f"{section}.{name}" for section, settings in document.items() for name in settings}
    fields = [new if path in taken else gr.skip() for path, new in zip(form, field_values(form, config), strict=True)]
    return [gr.skip(), gr.skip(), show_source(config.data.source), *fields]


def take_config(form: Sequence[str], document: Mapping[str, Any]) -> list[Any]:
    """What the form shows for a whole config; one value per input.

    Raises:
        ConfigError: with every problem in the document.
    """
    config = codec.decode(document)
    return [config.name, model_field(config), show_source(config.data.source), *field_values(form, config)]


def show_source(source: str) -> dict[str, Any]:
    """Chooses a source in a field of sources; an upload stands among its choices by its own name."""
    return gr.update(value=source, choices=source_choices(source if source.startswith(PREFIX) else ""))


def take_upload(path: str, person: object, request: gr.Request) -> dict[str, Any]:
    """Keeps an uploaded file and chooses it as the source."""
    identity.identify(person, request)
    return show_source(uploads.keep(Path(path), Path(path).name))


def _field(found: Setting, cls: type[Settings], **options: Any) -> Component:
    """The component that suits a setting's kind."""
    match found.kind:
        case "int" | "float" if found.optional:
            # Gradio 6.31's Number turns an empty field into 0 as soon as it mounts.
            return forms.text_for(cls, found.name, prefix="train", **{"max_lines": 1, **options})
        case "int" | "float":
            return forms.number_for(cls, found.name, prefix="train", **options)
        case "bool":
            return forms.checkbox_for(cls, found.name, prefix="train", **options)
        case "choice":
            return forms.choice_for(cls, found.name, prefix="train", **options)
        case _:
            return forms.text_for(cls, found.name, prefix="train", **{"max_lines": 1, **options})


def document(form: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """A run's JSON from what the fields hold: `values` as `RunForm.inputs` orders them, `form` the fields' paths.

    Raises:
        ConfigError: a text field that stands for numbers cannot be read.
    """
    name, model, source, *rest = values
    made: dict[str, Any] = {
        "method": METHOD,
        "model": model_ref(model),
        "name": (name or "").strip(),
        "data": {"source": (source or "").strip()},
    }
    for path, value in zip(form, rest, strict=True):
        section, key = path.split(".")
        made.setdefault(section, {})[key] = _to_json(_setting_at(section, key), value)
    return made


def model_ref(chosen: str | None) -> str | dict[str, str]:
    """The JSON of a model that was chosen or typed."""
    written = (chosen or "").strip()
    return {"run": written.removeprefix(RUN_PREFIX)} if written.startswith(RUN_PREFIX) else written


def model_field(config: RunConfig) -> str:
    """The opposite of `model_ref`."""
    return f"{RUN_PREFIX}{config.model.run}" if isinstance(config.model, RunRef) else config.model


def field_values(form: Sequence[str], config: RunConfig) -> list[Any]:
    """What the fields at these paths show for a config."""
    encoded = codec.encode(config)
    return [_to_field(_setting_at(*path.split(".")), encoded[path.split(".")[0]][path.split(".")[1]]) for path in form]


def _setting_at(section: str, key: str) -> Setting:
    return setting((codec.SECTIONS | METHODS)[section], key)


def _to_json(found: Setting, value: Any) -> Any:
    match found.kind:
        case "floats" if found.optional and not (value or "").strip():
            return None
        case "floats":
            return list(_shares(found.path, value or ""))
        case "texts":
            return list(forms.split_texts(value or "") or ()) or None
        case "mapping":
            return _columns(found.path, (value or "").strip())
        case "text" if found.optional:
            return (value or "").strip() or None
        case "int" | "float" if found.optional:
            return _number(found, str(value if value is not None else "").strip())
        case "int" if isinstance(value, float) and value.is_integer():
            return int(value)
        case _:
            return value


def _to_field(found: Setting, value: Any) -> Any:
    match found.kind:
        case "floats":
            return " / ".join(f"{100 * share:g}" for share in value or ())
        case "texts":
            return ", ".join(value or ())
        case "mapping":
            return json.dumps(value, ensure_ascii=False) if value else ""
        case "text":
            return value or ""
        case "int" | "float" if found.optional:
            return "" if value is None else f"{value}"
        case _:
            return value


def _number(found: Setting, written: str) -> float | int | None:
    """The number in a text field; empty is null."""
    if not written:
        return None
    try:
        return int(written) if found.kind == "int" else float(written)
    except ValueError:
        wanted = "a whole number" if found.kind == "int" else "a number"
        raise ConfigError([f"{found.path} must be {wanted}, or empty for null; got {written!r}."]) from None


def _columns(path: str, written: str) -> Any:
    """The object in a text field that holds JSON; empty is an empty one."""
    try:
        return json.loads(written) if written else {}
    except ValueError:
        example = '{"instruction": "question", "output": "answer"}'
        raise ConfigError([f"{path} must be empty or a JSON object such as {example}; got {written!r}."]) from None


def _shares(path: str, written: str) -> Iterator[float]:
    """Shares out of "85 / 10 / 5" or "0.85, 0.1, 0.05"; per cent where they sum to more than 1."""
    parts = written.replace("%", " ").replace("/", " ").replace(",", " ").split()
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise ConfigError([f"{path} is written as shares, such as 85 / 10 / 5; got {written!r}."]) from None
    scale = 100 if sum(numbers) > 1.5 else 1  # between shares that sum to 1 and per cent
    return (number / scale for number in numbers)


def model_choices(finished: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The catalogue's models, then finished runs given as (name, id)."""
    return [(found.title, found.name) for found in catalogue.CATALOGUE] + [
        (f"{name} · {run}", f"{RUN_PREFIX}{run}") for name, run in finished
    ]


def source_choices(uploaded: str = "") -> list[tuple[Any, str]]:
    """The bundled data sets, and an upload by its own name."""
    bundled: list[tuple[Any, str]] = [(text(f"data.bundled.{found.name}.title"), found.name) for found in BUNDLED]
    return [*bundled, (uploaded.rsplit("/", 1)[-1], uploaded)] if uploaded else bundled


def source_is_for_everyone(source: str) -> bool:
    """Whether anyone may train on it: bundled data and uploads, but neither paths of our disk nor the Hub."""
    return source.startswith(PREFIX) or any(found.name == source for found in BUNDLED)
