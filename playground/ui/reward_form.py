"""The fields of a reward: one box to tick for each kind, its settings, and its weight in the sum of those ticked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components.base import Component

from playground.config.rewards import (
    KINDS,
    RewardConfig,
    RewardSettings,
    Term,
    TrainedReward,
    decode_reward,
    encode_reward,
    terms_of,
)
from playground.config.settings import Setting, settings_of
from playground.errors import ConfigError, NotAllowed
from playground.models import catalogue
from playground.models.fetch import names_a_folder
from playground.ui.forms import field_for, list_for, number_for, split_texts
from playground.ui.i18n import text
from playground.ui.identity import Person, check_owner

if TYPE_CHECKING:
    from playground.runs.store import RunStore

FIRST = "sentiment"
"""Ticked at the beginning: it needs nothing and is understood at once."""
NARROW = 130
RUNS = 1 + sum(len(settings_of(cls)) + 1 for cls in list(KINDS.values())[: list(KINDS).index(TrainedReward.kind)])
"""Which of `RewardForm.inputs()` names a reward model: its kind's first."""


@dataclass(frozen=True)
class RewardForm:
    """The components: kinds, then for each of `KINDS` its weight and its settings in their order."""

    kinds: gr.CheckboxGroup
    fields: tuple[Component, ...]
    panels: tuple[gr.Group, ...]

    @property
    def runs(self) -> Component:
        """The field of reward models; `reward_runs.offer_reward_runs` fills it."""
        return self.inputs()[RUNS]

    def inputs(self) -> list[Component]:
        """What a handler takes, for `reward_of`."""
        return [self.kinds, *self.fields]


def build_reward_form(prefix: str, narrow: int = NARROW) -> RewardForm:
    """Lays the fields out; those of a kind are shown where it is ticked.

    Args:
        narrow: pixels below which a field stands in a line of its own.
    """
    kinds = gr.CheckboxGroup(
        [(text(f"reward.{kind}"), kind) for kind in KINDS],
        value=[FIRST],
        label=text("reward.kinds"),
        info=text("reward.kinds.help"),
        elem_id=f"{prefix}-reward-kinds",
    )
    fields: list[Component] = []
    panels = []
    for kind, cls in KINDS.items():
        with gr.Group(visible=kind == FIRST, elem_classes="pp-reward", elem_id=f"{prefix}-reward-{kind}") as panel:
            gr.Markdown(text(f"reward.{kind}.about"), elem_classes="pp-reward-about")
            with gr.Row():
                fields += [_field(cls, found, prefix=prefix, min_width=narrow) for found in settings_of(cls)]
                fields.append(number_for(Term, "weight", elem_id=f"{prefix}-reward-{kind}-weight", min_width=narrow))
        panels.append(panel)
    kinds.change(
        _panels_of, [kinds], panels, api_visibility="private", show_progress="hidden", queue=False,
    )  # fmt: skip
    return RewardForm(kinds, tuple(fields), tuple(panels))


def reward_of(values: Sequence[Any]) -> RewardConfig:
    """The reward that the fields hold; one kind alone at weight 1 is no sum.

    Raises:
        ConfigError: nothing is ticked, or with every problem in what is.
    """
    ticked, rest = values[0] or [], list(values[1:])
    terms = []
    for kind, cls in KINDS.items():
        names = settings_of(cls)
        own, rest = rest[: len(names) + 1], rest[len(names) + 1 :]
        if kind in ticked:
            given = {found.name: _value(found, value) for found, value in zip(names, own, strict=False)}
            terms.append({"weight": own[-1], "reward": {"kind": kind, **given}})
    if not terms:
        raise ConfigError(["No reward is chosen; tick at least one."])
    if len(terms) == 1 and terms[0]["weight"] == 1:
        return decode_reward(terms[0]["reward"])
    return decode_reward({"kind": "sum", "terms": terms})


def reward_values(reward: RewardConfig) -> list[Any]:
    """What `RewardForm.inputs()` hold of a reward. The form has one term of each kind, so that the last one counts."""
    terms = {term.reward.kind: term for term in terms_of(reward)}
    values: list[Any] = [[kind for kind in KINDS if kind in terms]]
    for kind, cls in KINDS.items():
        term = terms.get(kind, Term(1.0, cls()))
        encoded = encode_reward(term.reward)
        own = [encoded[found.name] for found in settings_of(cls)]
        values += [", ".join(value) if isinstance(value, list) else value for value in own]
        values.append(term.weight)
    return values


def check_reward_rights(reward: RewardConfig, known: Person, store: "RunStore") -> None:
    """Folders of this machine, and downloads, are for the host; a classifier that is here already is for everyone, and
    a reward model is for whoever trained it.

    Raises:
        NotAllowed: the person may not use the classifier or the reward model named.
        RunError: there is no such run.
    """
    for term in terms_of(reward):
        if isinstance(term.reward, TrainedReward) and term.reward.run:
            check_owner(store.get(term.reward.run).owner, known)
        model = getattr(term.reward, "model", None)
        if known.host or model is None:
            continue
        if names_a_folder(model) or catalogue.local_folder(model) is None:
            raise NotAllowed(
                f"The classifier {model} is not on this machine, and only the host can fetch one or name a folder; "
                "take another reward, or ask the host."
            )


def _field(cls: type[RewardSettings], found: Setting, **options: Any) -> Component:
    """A setting's field; reward models are chosen from a list."""
    if (cls, found.name) != (TrainedReward, "run"):
        return field_for(cls, found.name, **options)
    return list_for(cls, found.name, **options)


def _panels_of(ticked: list[str]) -> list[Any]:
    return [gr.update(visible=kind in ticked) for kind in KINDS]


def _value(found: Setting, value: Any) -> Any:
    """A field's value as the settings take it."""
    if found.kind == "texts":
        return split_texts(str(value or "")) or []
    if found.kind == "int" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
