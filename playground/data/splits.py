"""From the settings of a run's data to its records in three shares. Knows nothing of tokenizers."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from playground.config.run import DataSettings
from playground.data.formats import recognise, to_records
from playground.data.loading import load_rows
from playground.data.records import Dropped, Format, Record
from playground.errors import DataError
from playground.runs.events import Progress

Part = Literal["train", "test", "validation"]
PARTS: tuple[Part, ...] = ("train", "test", "validation")


@dataclass(frozen=True)
class Splits:
    """The records of a data set, shared out."""

    train: tuple[Record, ...]
    test: tuple[Record, ...]
    validation: tuple[Record, ...]
    dropped: tuple[Dropped, ...]
    """Rows of the source that cannot be used or were filtered out, with reasons."""
    source: str
    """What was read, for people."""
    format: Format

    def part(self, name: Part) -> tuple[Record, ...]:
        """One share by its name."""
        return {"train": self.train, "test": self.test, "validation": self.validation}[name]


def prepare(settings: DataSettings, progress: Callable[[Progress], None] | None = None) -> Splits:
    """Loads, recognises, filters, shuffles, limits and shares out, in this order.

    Raises:
        DataError: the source cannot be read, its columns are not recognised, or nothing is left to train on.
    """
    table = load_rows(settings, progress)
    records, dropped = to_records(table, settings.columns)
    if settings.empty_input_only:
        filtered = [record for record in records if record.fields.get("input")]
        records = tuple(record for record in records if not record.fields.get("input"))
        dropped += tuple(
            Dropped(record.row, "Its input is not empty, and only such rows are kept.") for record in filtered
        )
    chosen = list(records)
    if settings.seed is not None:
        random.Random(settings.seed).shuffle(chosen)
    chosen = chosen[: settings.limit]
    sizes = share_sizes(len(chosen), settings.split)
    if not sizes[0]:
        raise DataError(
            f"No row of {table.source} is left to train on: {len(chosen)} usable rows shared out "
            f"{' / '.join(f'{share:g}' for share in settings.split)} give {' / '.join(map(str, sizes))}. "
            "Use more rows, or give train a larger share."
        )
    first, second = sizes[0], sizes[0] + sizes[1]
    return Splits(
        train=tuple(chosen[:first]),
        test=tuple(chosen[first:second]),
        validation=tuple(chosen[second:]),
        dropped=dropped,
        source=table.source,
        format=recognise(table.columns, settings.columns),
    )


def share_sizes(rows: int, shares: Sequence[float]) -> tuple[int, int, int]:
    """Rows of train, test and validation: shares rounded down, and the rest to the last share that is not 0.

    >>> share_sizes(1100, (0.85, 0.10, 0.05))
    (935, 110, 55)
    """
    # 1e-9: 0.29 * 100 is 28.999999999999996 in floating point and 29 to a person.
    sizes = [math.floor(rows * share + 1e-9) for share in shares]
    last = max(place for place, share in enumerate(shares) if share > 0)
    sizes[last] += rows - sum(sizes)
    return (sizes[0], sizes[1], sizes[2] if len(sizes) == 3 else 0)
