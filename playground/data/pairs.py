"""What methods that learn from pairs ask of their data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.data.records import Dropped, Record
from playground.data.splits import Splits
from playground.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def check_pairs(method: str, splits: Splits) -> None:
    """Whether the data holds pairs.

    Raises:
        DataError: it does not; says what is needed and what is there.
    """
    if splits.format != "preference":
        there = " and ".join(splits.columns.of)
        raise DataError(
            f"{method} needs chosen and rejected answers with their prompt; {splits.source} has {there}. Choose "
            "data with pairs, such as lumen-preferences, or name its columns in data.columns: "
            '{"chosen": "better", "rejected": "worse"}.'
        )


def longest_side(
    records: Sequence[Record], template: str, tokenizer: "PreTrainedTokenizerBase", max_length: int
) -> int:
    """Tokens of the longest prompt with either of its answers, cut as a run would cut it.

    Raises:
        DataError: no pair can be used.
        ModelError, ConfigError: as `encode_pair_batches`.
    """
    from playground.data.masking import encode_pair_batches, none_left

    dropped: list[Dropped] = []
    longest = 0
    for batch in encode_pair_batches(records, template, tokenizer, max_length):
        dropped += batch.dropped
        for pair in batch.pairs:
            longest = max(longest, len(pair.prompt_ids) + max(len(pair.chosen_ids), len(pair.rejected_ids)))
    if not longest:
        raise none_left(len(records), template, max_length, dropped)
    return longest
