"""Tokenised rows as TRL's `SFTTrainer` takes them, and what had to be left out."""

from collections.abc import Sequence
from typing import NamedTuple

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from playground.data.formats import summary
from playground.data.masking import LossOn, TokenizedRow, encode_rows
from playground.data.records import Record
from playground.data.splits import Splits
from playground.errors import DataError
from playground.runs.context import JobContext

IGNORED = -100
"""Label of a token that is not in the loss, by torch's and transformers' convention."""


class Rows(NamedTuple):
    """Rows of a run: `input_ids` and `labels`, both lists of token ids per row."""

    train: Dataset
    held_out: Dataset | None
    """Rows of the validation loss; None where the data has no held-out share."""


class Encoding(NamedTuple):
    """How records become tokens in this run."""

    template: str
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    loss_on: LossOn

    def rows(self, splits: Splits, held_out_rows: int, context: JobContext) -> Rows:
        """Training rows, and up to `held_out_rows` of the validation share, or else of the test share.

        Raises:
            DataError: no row is left to train on.
        """
        train = self._encode(splits.train, "training", context)
        held_out = (splits.validation or splits.test)[:held_out_rows]
        try:
            measured = self._encode(held_out, "held-out", context) if held_out else ()
        except DataError as problem:
            context.log(f"{problem} These were the held-out rows.", "warning")
            measured = ()
        return Rows(as_dataset(train), as_dataset(measured) if measured else None)

    def _encode(self, records: Sequence[Record], what: str, context: JobContext) -> Sequence[TokenizedRow]:
        encoded = encode_rows(records, self.template, self.tokenizer, self.max_length, self.loss_on)
        if encoded.dropped:
            context.log(
                f"{len(encoded.dropped)} of {len(records)} {what} rows are left out. {summary(encoded.dropped)}",
                "warning",
            )
        cut = sum(row.truncated for row in encoded.rows)
        if cut:
            context.log(f"{cut} of {len(records)} {what} rows are cut at {self.max_length} tokens.", "warning")
        return encoded.rows


def as_dataset(rows: Sequence[TokenizedRow]) -> Dataset:
    """Columns `input_ids` and `labels`; labels are the ids, and `IGNORED` outside the loss."""
    return Dataset.from_dict(
        {
            "input_ids": [row.input_ids for row in rows],
            "labels": [
                [token if kept else IGNORED for token, kept in zip(row.input_ids, row.completion_mask, strict=True)]
                for row in rows
            ],
        }
    )
