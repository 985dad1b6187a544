"""The fields of a language model as judge: who, how, and what it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components.base import Component

from playground.config.judging import ENDPOINT, RUN, JudgeSettings
from playground.config.methods import SCORING
from playground.judging.endpoint import endpoint_is_set
from playground.models import catalogue
from playground.runs.events import Phase
from playground.ui import identity
from playground.ui.forms import choice_for, list_for, number_for, relisted, text_for
from playground.ui.i18n import text
from playground.ui.services import Services

NAMES = ("model", "way", "score_prompt", "pair_prompt", "max_new_tokens")


@dataclass(frozen=True)
class JudgeForm:
    """The components, in the order of `NAMES`."""

    fields: tuple[Component, ...]

    @property
    def model(self) -> Component:
        """Who judges."""
        return self.fields[0]

    def inputs(self) -> list[Component]:
        """What a handler takes, for `judging_document`."""
        return list(self.fields)


def build_judge_form(prefix: str) -> JudgeForm:
    """Lays the fields out, folded; of the two prompts the one that is asked is shown."""
    prompts: dict[str, Any] = {"lines": 4, "max_lines": 12, "max_length": 20_000, "prefix": prefix}
    with gr.Accordion(text("evaluate.judging"), open=False, elem_id=f"{prefix}-judging"):
        model = list_for(JudgeSettings, "model", prefix=prefix, choices=[(text("evaluate.judging.none"), "")])
        with gr.Row():
            way = choice_for(JudgeSettings, "way", prefix=prefix, min_width=200)
            longest = number_for(JudgeSettings, "max_new_tokens", prefix=prefix, min_width=100)
        score = text_for(JudgeSettings, "score_prompt", **prompts)
        pair = text_for(JudgeSettings, "pair_prompt", visible=False, **prompts)
    way.change(
        lambda chosen: (gr.update(visible=chosen == "score"), gr.update(visible=chosen == "pair")),
        [way], [score, pair], queue=False, api_visibility="private", show_progress="hidden",
    )  # fmt: skip
    return JudgeForm((model, way, score, pair, longest))


def judging_document(values: Sequence[Any]) -> dict[str, Any]:
    """The JSON of what the fields hold."""
    return {**dict(zip(NAMES, values, strict=True)), "model": (values[0] or "").strip()}


def offer_language_judges(
    services: Services, person: object, chosen: str | None, request: gr.Request
) -> dict[str, Any]:
    """Nobody, the catalogue's models, this person's finished runs, and for the host the endpoint, if one is set up."""
    known = identity.identify(person, request)
    choices: list[tuple[Any, str]] = [(text("evaluate.judging.none"), "")]
    if known.host and endpoint_is_set():
        choices.append((text("evaluate.judging.endpoint"), ENDPOINT))
    choices += [(entry.title, entry.name) for entry in catalogue.CATALOGUE]
    choices += [
        (f"{run.name or run.method} · {run.id}", f"{RUN}{run.id}")
        for run in services.store.list("run", owner=None if known.host else known.owner)
        if run.phase in (Phase.DONE, Phase.STOPPED) and run.method not in SCORING
    ]
    return relisted(choices, chosen or "", chosen)
