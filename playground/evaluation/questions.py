"""Held-out rows as prompts: the ids that training had, for every row that the model has room to answer."""

from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from playground.data.masking import prompt_ids, tokenize
from playground.data.records import Dropped, Record
from playground.data.templates import check, render
from playground.errors import DataError


class Questions(NamedTuple):
    """Records with their prompts and references, in step, and the rows left out."""

    records: list[Record]
    prompts: list[list[int]]
    """Token ids, without padding."""
    references: list[list[int]]
    """Token ids of what stands behind the prompt in training, end of sequence included, as far as the context goes."""
    skipped: list[Dropped]


def ask(
    records: Sequence[Record], template: str, tokenizer: PreTrainedTokenizerBase, context_length: int | None
) -> Questions:
    """Puts records into words as their run did.

    Args:
        context_length: tokens that the model has room for, prompt and answer together; None for no limit.

    Raises:
        DataError: not one row can be asked.
        ModelError: the tokenizer lacks what the template needs.
        ConfigError: there is no such template.
    """
    check(template, tokenizer)
    found = Questions([], [], [], [])
    for record in records:
        if record.kind == "text":
            found.skipped.append(Dropped(record.row, "It is a plain text, which asks nothing."))
            continue
        try:
            rendered = render(record, template, tokenizer)
        except DataError as problem:
            found.skipped.append(Dropped(record.row, str(problem)))
            continue
        ids = prompt_ids(rendered, tokenizer)
        if context_length is not None and len(ids) >= context_length:
            reason = f"Its prompt of {len(ids):,} tokens fills the model's context of {context_length:,}."
            found.skipped.append(Dropped(record.row, reason))
        else:
            found.records.append(record)
            found.prompts.append(ids)
            found.references.append(tokenize(rendered, tokenizer, context_length).input_ids[len(ids) :])
    if not found.records:
        first = found.skipped[0]
        raise DataError(f"None of the {len(records)} rows can be asked; row {first.row}: {first.reason}")
    return found
