"""Tokenised rows as a TRL trainer takes them, and what had to be left out."""

import hashlib
import shutil
import tempfile
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
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
IDS = List(Value("int32"))
"""A column of token ids."""


class Rows(NamedTuple):
    """Rows of a run, with the columns that its method's trainer takes."""

    train: Dataset
    held_out: Dataset | None
    """Rows of the validation loss; None where the data has no held-out share."""


def fingerprint_of(rows: Rows) -> str:
    """Tells training and held-out rows from any others, by what stands in their columns and in which order."""
    whole = hashlib.blake2b(digest_size=16)
    for part in filter(None, rows):
        for name in part.column_names:
            lengths, values = hashlib.blake2b(), hashlib.blake2b()
            for chunk in part.data.table.column(name).chunks:
                if pa.types.is_string(chunk.type):
                    values.update("\0".join(chunk.to_pylist()).encode())
                    continue
                if not pa.types.is_list(chunk.type):
                    values.update(chunk.to_numpy(zero_copy_only=False).tobytes())
                    continue
                lengths.update(chunk.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
                values.update(chunk.flatten().to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
            whole.update(name.encode() + lengths.digest() + values.digest())
        whole.update(b"|")
    return whole.hexdigest()


class Batch(NamedTuple):
    """What `BATCH` records, or the last few, came to."""

    rows: Sequence[Mapping[str, object]]
    """A value for each column."""
    dropped: Sequence[Dropped]
    cut: int
    """Rows of which tokens were cut off."""


@dataclass(frozen=True)
class RowEncoding(ABC):
    """How records become tokens in a run. A method brings its columns and what stands in them."""

    template: str
    """A template's name, or the text of a custom one."""
    tokenizer: PreTrainedTokenizerBase
    max_length: int

    @property
    @abstractmethod
    def features(self) -> Features:
        """The columns and their types."""

    @abstractmethod
    def batches(self, records: Sequence[Record]) -> Iterator[Batch]:
        """All records in their order, `BATCH` at a time."""

    def rows(self, splits: Splits, held_out_rows: int, context: JobContext) -> Rows:
        """Training rows, and up to `held_out_rows` of the validation share, or else of the test share.

        Raises:
            DataError: no row is left to train on.
            Cancelled: the run was asked to stop.
        """
        train = self._encode(splits.train, "training", context)
        held_out = (splits.validation or splits.test)[:held_out_rows]
        try:
            measured = self._encode(held_out, "held_out", context) if held_out else None
        except DataError as problem:
            context.warn("held_out_unusable", problem=problem)
            measured = None
        return Rows(train, measured)

    def _encode(self, records: Sequence[Record], what: str, context: JobContext) -> Dataset:
        dropped: list[Dropped] = []
        cut = done = 0

        def rows() -> Iterator[Mapping[str, object]]:
            nonlocal cut, done
            for batch in self.batches(records):
                context.check()
                done += BATCH
                if len(records) > IN_MEMORY:
                    context.emit(Progress("data", min(done, len(records)), len(records), "rows"))
                dropped.extend(batch.dropped)
                cut += batch.cut
                yield from batch.rows

        dataset = as_dataset(rows(), self.features, in_memory=len(records) <= IN_MEMORY)
        if not len(dataset):
            raise none_left(len(records), self.template, self.max_length, dropped)
        if dropped:
            context.warn(f"rows_left_out_{what}", rows=len(dropped), total=len(records), problem=summary(dropped))
        if cut:
            context.warn(f"rows_cut_{what}", rows=cut, total=len(records), length=self.max_length)
        return dataset


@dataclass(frozen=True)
class Encoding(RowEncoding):
    """Answers to learn: `input_ids` and `labels`."""

    loss_on: LossOn = "response"

    @property
    def features(self) -> Features:
        return Features({"input_ids": IDS, "labels": IDS})

    def batches(self, records: Sequence[Record]) -> Iterator[Batch]:
        for found in encode_batches(records, self.template, self.tokenizer, self.max_length, self.loss_on):
            yield Batch(list(map(labelled, found.rows)), found.dropped, sum(row.truncated for row in found.rows))


def labelled(row: TokenizedRow) -> dict[str, list[int]]:
    """The columns of `Encoding`; labels are the ids, and `IGNORED` outside the loss."""
    kept = zip(row.input_ids, row.completion_mask, strict=True)
    return {"input_ids": row.input_ids, "labels": [token if learnt else IGNORED for token, learnt in kept]}


def as_dataset(rows: Iterable[Mapping[str, object]], features: Features, *, in_memory: bool = True) -> Dataset:
    """Rows as a table.

    Args:
        in_memory: False writes the rows to a file as they come and maps it into memory; the file goes with the
            dataset.
    """
    folder = Path(tempfile.mkdtemp(prefix="playground-rows-"))
    path = folder / "rows.arrow"
    try:
        writer = ArrowWriter(path=str(path), features=features)
        with writer:
            for row in rows:
                writer.write(row)
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
