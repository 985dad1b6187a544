"""Rows that are to be given one of several labels: the prompt, and each label's word behind it, as tokens."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from playground.data.custom import is_custom
from playground.data.masking import prompt_ids, tokenize
from playground.data.records import Record
from playground.data.templates import render
from playground.errors import DataError


class LabelQuestion(NamedTuple):
    """A row that is to be given one of several labels."""

    prompt: list[int]
    """Token ids, as in training."""
    words: list[list[int]]
    """Token ids of each label's word behind the prompt, without an end of sequence."""


def label_question(
    record: Record, words: Sequence[str], template: str, tokenizer: PreTrainedTokenizerBase
) -> LabelQuestion:
    """The tokens of a row's prompt, and of each word in the place of its label.

    Raises:
        DataError: the row has no label, or the template no place for it.
    """
    if record.kind != "label":
        raise DataError(f"Rows of text and label are needed to score labels; this row is of format {record.kind}.")
    template = _up_to_the_label(template)
    behind: list[list[int]] = []
    prompt: list[int] = []
    for word in words:
        rendered = render(replace(record, fields={**record.fields, "label": word}), template, tokenizer)
        prompt = prompt_ids(rendered, tokenizer)
        whole = tokenize(rendered, tokenizer, None).input_ids
        behind.append([token for token in whole[len(prompt) :] if token != tokenizer.eos_token_id])
    return LabelQuestion(prompt, behind)


def _up_to_the_label(template: str) -> str:
    """What stands behind a label, such as a full stop, is learnt but says nothing about the label."""
    before, label, _ = template.partition("{label}")
    return before + label if is_custom(template) else template
