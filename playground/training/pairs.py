"""Pairs of answers as TRL's trainers take them: a preferred one beside a rejected one, for reward models and DPO."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from datasets import Features, Value

from playground.config.run import RunConfig
from playground.data.masking import BATCH, TokenizedPair, encode_pair_batches
from playground.data.pairs import check_pairs
from playground.data.records import Record
from playground.data.splits import Splits
from playground.training.rows import IDS, Batch, RowEncoding


@dataclass(frozen=True)
class PairEncoding(RowEncoding):
    """Two answers to one prompt, `chosen_ids` and `rejected_ids`, and `row`, the place of the pair in the source."""

    whole: bool = False
    """Whether each answer stands behind its prompt in one column, as a reward model reads it; else the prompt has the
    column `prompt_ids`, as DPO wants it."""
    margins: Mapping[int, float] | None = None
    """By row, how much better the preferred answer is at least; makes a column `margin`."""

    @property
    def features(self) -> Features:
        prompt = {} if self.whole else {"prompt_ids": IDS}
        margin = {} if self.margins is None else {"margin": Value("float32")}
        return Features(prompt | {"chosen_ids": IDS, "rejected_ids": IDS, "row": Value("int64")} | margin)

    def batches(self, records: Sequence[Record]) -> Iterator[Batch]:
        encoded = encode_pair_batches(records, self.template, self.tokenizer, self.max_length)
        for start, found in zip(range(0, len(records), BATCH), encoded, strict=True):
            dropped = {drop.row for drop in found.dropped}
            places = [record.row for record in records[start : start + BATCH] if record.row not in dropped]
            rows = [self._row(*kept) for kept in zip(places, found.pairs, strict=True)]
            yield Batch(rows, found.dropped, sum(pair.truncated for pair in found.pairs))

    def _row(self, place: int, pair: TokenizedPair) -> dict[str, object]:
        before = pair.prompt_ids if self.whole else []
        row: dict[str, object] = {
            "chosen_ids": before + pair.chosen_ids,
            "rejected_ids": before + pair.rejected_ids,
            "row": place,
        }
        if not self.whole:
            row["prompt_ids"] = pair.prompt_ids
        if self.margins is not None:
            row["margin"] = self.margins[place]
        return row


def require_pairs(config: RunConfig, splits: Splits) -> None:
    """Whether the data holds what a method that learns from pairs needs.

    Raises:
        DataError: it does not; says what is needed and what is there.
    """
    check_pairs(config.method, splits)
