"""The fields of rollouts and of the sweep: from components to settings and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.base import Component

from playground.config import codec
from playground.config.generation import GenerationSettings
from playground.config.rewards import RewardConfig, SentimentReward, decode_reward
from playground.config.rollouts import RolloutSettings, SweepSettings
from playground.config.settings import Settings, settings_of
from playground.errors import ConfigError, PlaygroundError
from playground.ui.forms import number_for, slider_for
from playground.ui.i18n import text

PREFIX = "rollouts"
SHOWN = ("max_new_tokens", "temperature", "top_k", "top_p", "seed")
MORE = ("min_p", "typical_p", "repetition_penalty", "presence_penalty", "frequency_penalty")
DRAWING = (*SHOWN, *MORE)
SWEEP = tuple(found.name for found in settings_of(SweepSettings))
DEFAULTS = RolloutSettings()


@dataclass(frozen=True)
class DrawingForm:
    """Count, then the fields of `DRAWING`."""

    fields: tuple[Component, ...]


@dataclass(frozen=True)
class SweepForm:
    """The fields of `SWEEP`."""

    fields: tuple[Component, ...]


def build_drawing_form() -> DrawingForm:
    """Lays out how many rollouts are drawn and how."""
    with gr.Row():
        count = number_for(
            RolloutSettings, "count", label=text("rollouts.count"), elem_id="rollouts-count", min_width=100
        )
        made = {
            "max_new_tokens": _number("max_new_tokens", value=DEFAULTS.generation.max_new_tokens),
            "temperature": slider_for(GenerationSettings, "temperature", step=0.05, prefix=PREFIX, min_width=140),
            "top_k": _number("top_k"),
            "top_p": _number("top_p", step=0.05),
            "seed": _number("seed"),
        }
    with gr.Accordion(text("rollouts.more"), open=False, elem_id="rollouts-more"), gr.Row():
        made["min_p"] = _number("min_p", step=0.01)
        made["typical_p"] = _number("typical_p", minimum=0, step=0.05)
        for name in MORE[2:]:
            made[name] = _number(name, step=0.05)
    return DrawingForm((count, *(made[name] for name in DRAWING)))


def build_sweep_form() -> SweepForm:
    """Lays out which temperatures are looked at."""
    with gr.Row():
        return SweepForm(
            tuple(
                number_for(
                    SweepSettings,
                    name,
                    label=text(f"rollouts.sweep_{name}"),
                    elem_id=f"rollouts-sweep-{name}",
                    min_width=110,
                    step=0.25 if name in ("lowest", "highest") else 1,
                )
                for name in SWEEP
            )
        )


def drawing_settings(values: Sequence[Any]) -> RolloutSettings:
    """The settings that the fields of a `DrawingForm` hold.

    Raises:
        ConfigError: with every problem in them.
    """
    count, generation = values[0], _typed(GenerationSettings, DRAWING, values[1:])
    problems: list[str] = []
    try:
        made = codec.decode_section(GenerationSettings, {"strategy": "sampling", **generation})
    except ConfigError as error:
        problems += error.problems
        made = DEFAULTS.generation
    try:
        whole = RolloutSettings(_whole(count), made)
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return whole


def sweep_settings(values: Sequence[Any]) -> SweepSettings:
    """The settings that the fields of a `SweepForm` hold.

    Raises:
        ConfigError: with every problem in them.
    """
    return codec.decode_section(SweepSettings, _typed(SweepSettings, SWEEP, values))


def drawing_updates(settings: RolloutSettings) -> list[Any]:
    """What fills a `DrawingForm` with settings."""
    return [settings.count, *(getattr(settings.generation, name) for name in DRAWING)]


def sweep_updates(settings: SweepSettings) -> list[Any]:
    """What fills a `SweepForm` with settings."""
    return [getattr(settings, name) for name in SWEEP]


def linked_settings(link: dict[str, Any]) -> tuple[RolloutSettings, RewardConfig, SweepSettings]:
    """The settings of a link; whatever is wrong in one is left out."""
    given = link.get("settings")
    fields = given if isinstance(given, dict) else {}
    generation = _valid(GenerationSettings, {name: fields[name] for name in DRAWING if name in fields})
    base = codec.encode_section(RolloutSettings().generation)
    drawn = codec.decode_section(GenerationSettings, {**base, **generation})
    try:
        settings = RolloutSettings(fields.get("count", RolloutSettings().count), drawn)
    except PlaygroundError:
        settings = RolloutSettings()
    try:
        reward = decode_reward(link.get("reward"))
    except PlaygroundError:
        reward = SentimentReward()
    asked = link.get("sweep")
    try:
        steps = codec.decode_section(SweepSettings, asked if isinstance(asked, dict) else {})
    except PlaygroundError:
        steps = SweepSettings()
    return settings, reward, steps


def _valid(cls: type[GenerationSettings], given: dict[str, Any]) -> dict[str, Any]:
    """The settings that are fine, each by itself."""
    found = {}
    for name, value in given.items():
        try:
            codec.decode_section(cls, {name: value})
        except PlaygroundError:
            continue
        found[name] = value
    return found


def _number(name: str, **options: Any) -> gr.Number:
    return number_for(GenerationSettings, name, prefix=PREFIX, min_width=120, **options)


def _typed(cls: type[Settings], names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    whole = {found.name for found in settings_of(cls) if found.kind == "int"}
    return {name: _whole(value) if name in whole else value for name, value in zip(names, values, strict=True)}


def _whole(value: Any) -> Any:
    """Gradio gives whole numbers as floats at times."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
