"""The fields of decoding, shared by the tabs that generate: from components to `GenerationSettings`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.base import Component

from playground.config import codec
from playground.config.generation import GenerationSettings
from playground.config.settings import settings_of
from playground.ui.forms import choice_for, number_for, slider_for
from playground.ui.i18n import text

NAMES = tuple(found.name for found in settings_of(GenerationSettings))


@dataclass(frozen=True)
class GenerationForm:
    """The components, in the order of `NAMES`."""

    fields: tuple[Component, ...]

    def inputs(self) -> list[Component]:
        """What a handler takes, for `settings`."""
        return list(self.fields)


def build_generation_form(prefix: str) -> GenerationForm:
    """Lays the fields out; those that the chosen strategy does not use are hidden."""
    made: dict[str, Any] = {}
    with gr.Row():
        made["strategy"] = choice_for(GenerationSettings, "strategy", prefix=prefix, min_width=140)
        made["max_new_tokens"] = number_for(GenerationSettings, "max_new_tokens", prefix=prefix, min_width=100)
    with gr.Row(visible=False) as sampling:
        made["temperature"] = slider_for(GenerationSettings, "temperature", step=0.05, prefix=prefix, min_width=140)
        made["top_k"] = number_for(GenerationSettings, "top_k", prefix=prefix, min_width=100)
        made["top_p"] = slider_for(GenerationSettings, "top_p", step=0.01, prefix=prefix, min_width=140)
        made["min_p"] = slider_for(GenerationSettings, "min_p", step=0.01, prefix=prefix, min_width=140)
        made["typical_p"] = number_for(
            GenerationSettings, "typical_p", minimum=0, step=0.05, prefix=prefix, min_width=100
        )
        made["seed"] = number_for(GenerationSettings, "seed", prefix=prefix, min_width=100)
    with gr.Row(visible=False) as beams:
        made["num_beams"] = number_for(GenerationSettings, "num_beams", prefix=prefix, min_width=100)
    with gr.Accordion(text("generation.more"), open=False), gr.Row():
        for name in ("repetition_penalty", "presence_penalty", "frequency_penalty"):
            made[name] = number_for(GenerationSettings, name, prefix=prefix, step=0.05, min_width=140)
    made["strategy"].change(
        _rows_of, [made["strategy"]], [sampling, beams], api_visibility="private", show_progress="hidden", queue=False
    )
    return GenerationForm(tuple(made[name] for name in NAMES))


def generation_settings(values: Sequence[Any]) -> GenerationSettings:
    """The settings that the fields hold.

    Raises:
        ConfigError: with every problem in them.
    """
    whole = {found.name for found in settings_of(GenerationSettings) if found.kind == "int"}
    document = {
        name: int(value) if name in whole and isinstance(value, float) and value.is_integer() else value
        for name, value in zip(NAMES, values, strict=True)
    }
    return codec.decode_section(GenerationSettings, document)


def _rows_of(strategy: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return gr.update(visible=strategy == "sampling"), gr.update(visible=strategy == "beam")
