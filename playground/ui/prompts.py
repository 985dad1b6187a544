"""Prompts as the model reads them: typed ones and held-out rows, with a template or as they stand."""

from typing import TYPE_CHECKING, NamedTuple

from playground.data.custom import is_custom
from playground.data.records import Record
from playground.data.rendered import Rendered, Segment
from playground.data.templates import end_of_sequence, render, render_prompt, render_question
from playground.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def typed_ids(prompt: str, template: str, tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """A typed prompt as the model reads it; an empty template takes it as it stands."""
    from playground.data.masking import prompt_ids

    if not template:
        return prompt_ids(prompt, tokenizer)
    return prompt_ids(render_prompt(prompt, template, tokenizer), tokenizer)


def record_ids(record: Record, template: str, tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """A held-out row as the model reads it: with the run's template exactly as in training and evaluation."""
    from playground.data.masking import prompt_ids

    ids = prompt_ids(render_question(record, template, tokenizer) if template else record.question, tokenizer)
    if not ids:
        raise DataError("The row is a plain text, which asks nothing; type how the answer should begin.")
    return ids


class Answered(NamedTuple):
    """A prompt with an answer behind it, as the model reads them."""

    ids: list[int]
    start: int
    """Place of the answer's first token."""


def answered_ids(asked: Record | str, answer: str, template: str, tokenizer: "PreTrainedTokenizerBase") -> Answered:
    """A held-out row or a typed prompt with an answer, the end-of-sequence token included: with a template just as a
    row of the same words is read in training.

    Raises:
        DataError: the answer is empty.
    """
    from playground.data.masking import tokenize

    if not answer.strip():
        raise DataError("The answer is empty; type one, choose a held-out row with one, or let a model answer.")
    rendered = _with_answer(asked, answer, template, tokenizer)
    # An earlier answer of a conversation is read here, not looked at.
    before = [Segment(segment.text, False) for segment in rendered.prompt_segments]
    row = tokenize(Rendered((*before, Segment(rendered.answer, True))), tokenizer, None)
    return Answered(row.input_ids, row.completion_mask.index(1))


def answered_text(asked: str, answer: str, template: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """A typed question with its answer, as a row of the same words is written in training."""
    return _with_answer(asked, answer, template, tokenizer).text


def _with_answer(asked: Record | str, answer: str, template: str, tokenizer: "PreTrainedTokenizerBase") -> Rendered:
    if template and not (isinstance(asked, str) and is_custom(template)):
        record = Record(0, "completion", {"prompt": asked, "completion": answer}) if isinstance(asked, str) else asked
        return render(record, template, tokenizer)
    question = asked if isinstance(asked, str) else asked.question
    prompt = render_prompt(question, template, tokenizer) if template else question
    return Rendered((Segment(prompt, False), Segment(answer + end_of_sequence(tokenizer), True)))
