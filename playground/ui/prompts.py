"""Prompts as the model reads them: typed ones and held-out rows, with a template or as they stand."""

from typing import TYPE_CHECKING

from playground.data.records import Record
from playground.data.templates import render_prompt, render_question
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
