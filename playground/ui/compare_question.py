"""What is asked in the Compare tab: a run, and one prompt for all views that ask one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

from playground.config import codec
from playground.config.run import RunConfig
from playground.data.records import Record
from playground.errors import PlaygroundError, RunError
from playground.ui import identity
from playground.ui.generation_form import GenerationForm
from playground.ui.prompts import Answered, answered_ids, record_ids, typed_ids
from playground.ui.services import Services

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TYPED = -1
"""In the example field: the prompt is the one typed."""
AS_TRAINED, PLAIN = "run", "plain"
"""In the words field: the prompt in the run's template, or as it stands."""


@dataclass(frozen=True)
class Question:
    """The fields beside the views, and the view being built."""

    run: gr.Dropdown
    """Id of a finished run of this person."""
    strength: gr.Slider
    """How much the run's adapter counts."""
    prompt: gr.Textbox
    example: gr.Dropdown
    words: gr.Radio
    form: GenerationForm
    view: gr.Tab
    """The view being built; `view.select` fires when it is opened."""

    def asked(self) -> list[gr.Textbox | gr.Dropdown | gr.Radio]:
        """For `asked_of`, after the run: prompt, example, words."""
        return [self.prompt, self.example, self.words]


@dataclass(frozen=True)
class Asked:
    """One prompt to one run."""

    config: RunConfig
    prompt: str
    reference: str
    """The answer of a held-out row; "" for a typed prompt."""
    ids: Callable[["PreTrainedTokenizerBase"], list[int]]
    """The prompt as the model that answers reads it."""
    answered: Callable[[str, "PreTrainedTokenizerBase"], Answered]
    """The same with an answer behind it."""


def asked_of(
    services: Services,
    person: object,
    request: gr.Request,
    run: str | None,
    prompt: str,
    example: int | None,
    words: str,
) -> Asked:
    """What the fields ask for.

    Raises:
        PlaygroundError: there is no run, it is somebody else's, or nothing is asked.
    """
    config = chosen_run(services, person, request, run)
    rows = held_out(services, config) if example is not None and example >= 0 else ()
    record = rows[example] if example is not None and 0 <= example < len(rows) else None
    if record is None and not prompt.strip():
        raise PlaygroundError("The prompt is empty; type one, or choose a held-out row.")
    template = config.data.template_text if words == AS_TRAINED else ""

    def ids(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
        return record_ids(record, template, tokenizer) if record else typed_ids(prompt, template, tokenizer)

    def answered(answer: str, tokenizer: "PreTrainedTokenizerBase") -> Answered:
        own = record if record and answer == record.answer else None
        return answered_ids(own or (record.question if record else prompt), answer, template, tokenizer)

    return Asked(config, record.question if record else prompt, record.answer if record else "", ids, answered)


def chosen_run(services: Services, person: object, request: gr.Request, run: str | None) -> RunConfig:
    """The settings of a run of this person; RunError, or NotAllowed, where it is none."""
    if not run:
        raise RunError("There is no run to compare with yet; train one in the Train tab.")
    record = services.store.get(run)
    identity.require_owner(record.owner, person, request)
    return codec.decode(record.document)


def held_out(services: Services, config: RunConfig) -> Sequence[Record]:
    """The rows that a run was not trained on."""
    splits = services.shelf.splits(config.data)
    return splits.test or splits.validation
