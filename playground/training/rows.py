"""Tokenised rows as TRL's `SFTTrainer` takes them, and what had to be left out."""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from datasets import Dataset, Features, List, Value
from datasets.arrow_writer import ArrowWriter
from transformers import PreTrainedTokenizerBase

from playground.data.formats import summary
from playground.data.masking import BATCH, LossOn, TokenizedRow, encode_batches, none_left
from playground.data.records import Dropped, Record
from playground.data.splits import Splits
from playground.errors import DataError
from playground.runs.context import JobContext
from playground.runs.events import Progress

IGNORED = -100
"""Label of a token that is not in the loss, by torch's and transformers' convention."""
IN_MEMORY = 20_000
"""Rows of the largest set that is kept in memory; larger ones lie in a file that is mapped into it."""


class Rows(NamedTuple):
    """Rows of a run: `input_ids` and `labels`, both lists of token ids per row."""

    train: Dataset
    held_out: Dataset | None
    """Rows of the validation loss; None where the data has no held-out share."""


class Encoding(NamedTuple):
    """How records become tokens in this run."""

    template: str
    """A template's name, or the text of a custom one."""
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    loss_on: LossOn

    def rows(self, splits: Splits, held_out_rows: int, context: JobContext) -> Rows:
        """Training rows, and up to `held_out_rows` of the validation share, or else of the test share.

        Raises:
            DataError: no row is left to train on.
            Cancelled: the run was asked to stop.
        """
        train = self._encode(splits.train, "training", context)
        held_out = (splits.validation or splits.test)[:held_out_rows]
        try:
            measured = self._encode(held_out, "held-out", context) if held_out else None
        except DataError as problem:
            context.log(f"{problem} These were the held-out rows.", "warning")
            measured = None
        return Rows(train, measured)

    def _encode(self, records: Sequence[Record], what: str, context: JobContext) -> Dataset:
        dropped: list[Dropped] = []
        cut = done = 0

        def rows() -> Iterator[TokenizedRow]:
            nonlocal cut, done
            for batch in encode_batches(records, self.template, self.tokenizer, self.max_length, self.loss_on):
                context.check()
                done += BATCH
                if len(records) > IN_MEMORY:
                    context.emit(Progress("data", min(done, len(records)), len(records), "rows"))
                dropped.extend(batch.dropped)
                cut += sum(row.truncated for row in batch.rows)
                yield from batch.rows

        dataset = as_dataset(rows(), in_memory=len(records) <= IN_MEMORY)
        if not len(dataset):
            raise none_left(len(records), self.template, self.max_length, dropped)
        if dropped:
            context.log(
                f"{len(dropped)} of {len(records)} {what} rows are left out. {summary(dropped)}",
                "warning",
            )
        if cut:
            context.log(f"{cut} of {len(records)} {what} rows are cut at {self.max_length} tokens.", "warning")
        return dataset


def as_dataset(rows: Iterable[TokenizedRow], *, in_memory: bool = True) -> Dataset:
    """Columns `input_ids` and `labels`; labels are the ids, and `IGNORED` outside the loss.

    Args:
        in_memory: False writes the rows to a file as they come and maps it into memory; the file goes with the
            dataset.
    """
    folder = Path(tempfile.mkdtemp(prefix="playground-rows-"))
    path = folder / "rows.arrow"
    ids = List(Value("int32"))
    try:
        writer = ArrowWriter(path=str(path), features=Features({"input_ids": ids, "labels": ids}))
        with writer:
            for row in rows:
                labels = [
                    token if kept else IGNORED for token, kept in zip(row.input_ids, row.completion_mask, strict=True)
                ]
                writer.write({"input_ids": row.input_ids, "labels": labels})
            writer.finalize()
        dataset = Dataset.from_file(str(path), in_memory=in_memory)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if in_memory:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        weakref.finalize(dataset, shutil.rmtree, folder, ignore_errors=True)
    return dataset
