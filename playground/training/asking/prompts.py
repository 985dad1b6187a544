"""What the policy is asked, in which order, and how much of it: known for every update from the seed alone."""

import functools
import hashlib
import random
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from playground.config.methods.answering import AnsweringSettings
from playground.data.formats import summary
from playground.data.masking import prompt_ids
from playground.data.records import Dropped, Record
from playground.data.templates import render_question
from playground.errors import DataError

OPENINGS = ("text", "label")
"""Formats of plain texts, whose own beginnings are the prompts."""


@dataclass(frozen=True)
class Asking:
    """How records become prompts in this run."""

    template: str
    """A template's name, or the text of a custom one; plain texts need none."""
    tokenizer: PreTrainedTokenizerBase
    settings: AnsweringSettings
    longest: int
    """Tokens of the longest prompt that leaves room for an answer."""

    @property
    def cuts(self) -> bool:
        """Whether prompts are cut to a length."""
        return self.settings.prompt_max_tokens is not None

    def ids(self, record: Record) -> list[int]:
        """The tokens of a record's prompt, to the longest length it may be cut to.

        Raises:
            DataError: the template has no place for what the record holds.
        """
        if record.kind in OPENINGS:
            ids = prompt_ids(record.fields["text"], self.tokenizer)
        else:
            ids = prompt_ids(render_question(record, self.template, self.tokenizer), self.tokenizer)
        return ids[: self.settings.prompt_max_tokens]

    def all(self, records: Sequence[Record]) -> tuple[list[list[int]], list[Dropped]]:
        """Prompts, and the records that came to none."""
        kept, dropped = [], []
        for record in records:
            try:
                ids = self.ids(record)
            except DataError as error:
                dropped.append(Dropped(record.row, str(error)))
                continue
            if 0 < len(ids) <= self.longest:
                kept.append(ids)
            elif ids:
                why = f"Its prompt is longer than the {self.longest} tokens that leave room for an answer."
                dropped.append(Dropped(record.row, why))
            else:
                dropped.append(Dropped(record.row, "Its prompt is empty."))
        return kept, dropped

    def required(self, records: Sequence[Record]) -> tuple[list[list[int]], list[Dropped]]:
        """As `all`.

        Raises:
            DataError: no record gives a prompt.
        """
        kept, dropped = self.all(records)
        if not kept:
            raise DataError(f"None of the {len(records)} rows gives a prompt. {summary(dropped)}")
        return kept, dropped


class Prompts:
    """Prompts in an order that is shuffled anew in each pass over them."""

    def __init__(self, rows: Sequence[list[int]], settings: AnsweringSettings, seed: int) -> None:
        self.rows = rows
        self._range = (settings.prompt_min_tokens, settings.prompt_max_tokens)
        self._seed = seed
        self._order = functools.lru_cache(maxsize=2)(self._shuffled)

    def take(self, first: int, count: int) -> list[list[int]]:
        """The prompts at places `first` and on of the endless sequence, each cut to a length of its own."""
        return [self._cut(place) for place in range(first, first + count)]

    @property
    def fingerprint(self) -> str:
        """Tells these prompts from any others."""
        whole = hashlib.blake2b(digest_size=16)
        for row in self.rows:
            whole.update(array("q", [len(row), *row]).tobytes())
        return whole.hexdigest()

    def _cut(self, place: int) -> list[int]:
        turn, at = divmod(place, len(self.rows))
        ids = self.rows[self._order(turn)[at]]
        shortest, longest = self._range
        if shortest is None or longest is None:
            return ids
        return ids[: random.Random(f"{self._seed}/length/{place}").randint(shortest, longest)]

    def _shuffled(self, turn: int) -> list[int]:
        order = list(range(len(self.rows)))
        random.Random(f"{self._seed}/order/{turn}").shuffle(order)
        return order
