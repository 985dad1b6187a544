"""What a run's form shows that was not typed into it: starting points, another method, a config taken over.

All give one value per input of the form (see `run_values`), `gr.skip()` where it stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.config import codec
from playground.config.methods import PAIRED
from playground.config.presets import PRESETS, preset, ready, ready_names
from playground.config.run import RunConfig
from playground.data.bundled import find
from playground.ui.i18n import text
from playground.ui.run_sources import show_source
from playground.ui.run_values import document, form_values, model_field

READY_PREFIX = "ready:"
"""In the field of starting points, what stands before a ready config's name; presets stand by their names."""
HANDED = ("data", "training", "sft")
"""Sections of a run's JSON that the Data and the Train tab hand each other."""


def starting_points(method: str) -> list[tuple[Any, str]]:
    """Whole runs of a method to start from, then presets that leave model and data as they are."""
    whole = [(text(f"ready.{name}"), f"{READY_PREFIX}{name}") for name in _ready_for(method)]
    return [*whole, *((text(f"preset.{found.name}.label"), found.name) for found in PRESETS if method in found.methods)]


def start_from(point: str, form: Sequence[str], values: Sequence[Any]) -> list[Any]:
    """What the form shows after a starting point was chosen.

    The name stays the person's; an empty one is made from what is run, and so is always true. Only what changes is
    sent, since a browser takes some ten milliseconds for each field that is written.
    """
    if point.startswith(READY_PREFIX):
        return _changed(form, ready(point.removeprefix(READY_PREFIX)), values)
    before = codec.decode(document(form, values))
    return _changed(form, preset(point).over(before), form_values(form, before))


def starting_point(form: Sequence[str], values: Sequence[Any]) -> str | None:
    """The ready run that the form shows as it is, as the field of starting points has it; the name does not count."""
    shown = replace(codec.decode(document(form, values)), name="")
    fitting = (name for name in _ready_for(shown.method) if replace(ready(name), name="") == shown)
    return next((f"{READY_PREFIX}{name}" for name in fitting), None)


def change_method(form: Sequence[str], values: Sequence[Any]) -> list[Any]:
    """What the form shows after another method was chosen, which is the first of `values` already.

    A form that showed a ready run as it is shows the new method's run on the same model. Else what the person has set
    stays, but for bundled data that the new method cannot use.
    """
    config = codec.decode(document(form, values))
    fitting = [ready(name) for name in _ready_for(config.method)]
    if not fitting:
        return [gr.skip()] * len(values)
    alike = next((one for one in fitting if one.model == config.model), fitting[0])
    if any(_shared(ready(name)) == _shared(config) for name in ready_names()):
        return _changed(form, alike, values)
    if find(config.data.source) and config.data.source not in {one.data.source for one in fitting}:
        data = replace(config.data, source=alike.data.source, split=alike.data.split, columns={})
        return _changed(form, replace(config, data=data), values)
    return [gr.skip()] * len(values)


def take_data(form: Sequence[str], opened: Mapping[str, Any], values: Sequence[Any]) -> list[Any]:
    """What the form shows once it has taken over what is opened in the Data tab (`shell.data`).

    A method that cannot learn from such rows gives way: for pairs to DPO, and a method of pairs for other rows to SFT,
    each with the settings of its ready run on the same model, where there is one.

    Raises:
        ConfigError: it is no part of a run's JSON.
    """
    document = {name: opened[name] for name in HANDED if name in opened}
    method, _, model, *_ = values
    wanted = fitting_method(str(method), opened.get("format"))
    if wanted != method:
        return _switched(form, wanted, model, codec.decode({"method": wanted, **_shared_parts(document)}))
    config = codec.decode(document)
    taken = {f"{section}.{name}" for section, settings in document.items() for name in settings}
    _, _, _, _, *shown = form_values(form, config)
    fields = [new if path in taken else gr.skip() for path, new in zip(form, shown, strict=True)]
    return [gr.skip(), gr.skip(), gr.skip(), show_source(config.data.source), *fields]


def fitting_method(method: str, format_: object) -> str:
    """The method itself where it can learn from rows of a format, else one that can; None is a format not known.

    >>> fitting_method("sft", "preference"), fitting_method("reward", "preference"), fitting_method("dpo", "label")
    ('dpo', 'reward', 'sft')
    """
    if format_ == "preference":
        return method if method in PAIRED else "dpo"
    return "sft" if format_ is not None and method in PAIRED else method


def _shared_parts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Data and training, which every method has."""
    return {name: document[name] for name in ("data", "training") if name in document}


def _switched(form: Sequence[str], method: str, model: Any, config: RunConfig) -> list[Any]:
    """The form for another method on the same model, with the data that was handed over."""
    alike = [one for one in map(ready, _ready_for(method)) if model_field(one) == model]
    if alike:
        training = replace(alike[0].training, max_length=config.training.max_length)
        config = replace(alike[0], data=config.data, training=training)
    _, _, _, _, *fields = form_values(form, config)
    own = ("data.", f"{method}.", "training.max_length")
    shown = [new if alike or path.startswith(own) else gr.skip() for path, new in zip(form, fields, strict=True)]
    return [method, gr.skip(), gr.skip(), show_source(config.data.source), *shown]


def take_config(form: Sequence[str], document: Mapping[str, Any]) -> list[Any]:
    """What the form shows for a whole config.

    Raises:
        ConfigError: with every problem in the document.
    """
    config = codec.decode(document)
    method, name, model, source, *fields = form_values(form, config)
    return [method, name, model, show_source(source), *fields]


def _changed(form: Sequence[str], config: RunConfig, now: Sequence[Any]) -> list[Any]:
    """A config's values where they differ from those of now; the name stays."""
    sent = [gr.skip() if new == old else new for new, old in zip(form_values(form, config), now, strict=True)]
    return [sent[0], gr.skip(), *sent[2:]]


def _shared(config: RunConfig) -> tuple[Any, ...]:
    """What does not depend on the method."""
    return config.model, config.data, config.adapter, config.training


def _ready_for(method: str) -> list[str]:
    """Names of a method's ready configs, those on the bundled model first, and of them the one called by the method."""
    found = [name for name in ready_names() if ready(name).method == method]
    return sorted(found, key=lambda name: (not name.startswith("tiny"), name != f"tiny-{method}", name))
