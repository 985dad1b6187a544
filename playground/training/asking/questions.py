"""What a run asks: prompts to learn on, held-out ones to measure by, and a few to show answers to."""

import itertools
from typing import NamedTuple

from playground.config.methods.answering import AnsweringSettings
from playground.data.formats import summary
from playground.data.records import Dropped, Record
from playground.errors import DataError
from playground.training.asking.prompts import Asking, Prompts
from playground.training.ground import Ground
from playground.training.samples import COUNT, FixedPrompt


class Questions(NamedTuple):
    """All of it."""

    prompts: Prompts
    held_out: list[list[int]]
    """Empty where the data has no held-out share."""
    fixed: list[FixedPrompt]
    """Held-out ones as far as there are any; at least one."""


def questions(ground: Ground, settings: AnsweringSettings) -> Questions:
    """The prompts of a run's data.

    Raises:
        DataError: none is left.
    """
    ground.tell_length()
    training, loaded, splits = ground.config.training, ground.loaded, ground.splits
    longest = ground.max_length - settings.max_new_tokens
    if longest < 1:
        raise DataError(
            f"Answers of {settings.max_new_tokens} tokens leave no room for a prompt within {ground.max_length}; lower "
            f"{settings.section}.max_new_tokens, or raise training.max_length as far as the model reads."
        )
    asking = Asking(ground.config.data.template_text, loaded.tokenizer, settings, longest)
    rows, dropped = asking.required(splits.train)
    _tell(ground, dropped, len(splits.train))
    others = splits.test or splits.validation
    held_out = Prompts(asking.all(others[: training.eval_rows])[0], settings, training.seed)
    count = len(held_out.rows)
    if not count and training.eval_steps:
        ground.context.warn("no_held_out_prompts")
    usable = (record for record in itertools.chain(others, splits.train) if asking.all([record])[0])
    fixed = [_fixed(record, asking) for record in itertools.islice(usable, COUNT)]
    return Questions(Prompts(rows, settings, training.seed), held_out.take(0, count), fixed)


def _fixed(record: Record, asking: Asking) -> FixedPrompt:
    ids = asking.ids(record)
    text = asking.tokenizer.decode(ids, skip_special_tokens=True)
    assert isinstance(text, str)  # noqa: S101, of one row
    return FixedPrompt(ids, text if asking.cuts else record.question, "" if asking.cuts else record.answer)


def _tell(ground: Ground, dropped: list[Dropped], rows: int) -> None:
    if dropped:
        ground.context.warn("rows_left_out", rows=len(dropped), total=rows, problem=summary(dropped))
