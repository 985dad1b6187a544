"""From the settings of a run's data to its records in three shares. Knows nothing of tokenizers."""

import math
import random
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from playground.config.run import DataSettings
from playground.data.formats import Columns, Records, assign, to_records
from playground.data.loading import load_rows
from playground.data.parts import PARTS, Part
from playground.data.records import Dropped, Format, Record
from playground.data.tables import Table
from playground.data.verbalizer import wording
from playground.errors import DataError
from playground.runs.events import Progress

__all__ = ["PARTS", "Part", "Splits", "prepare", "share_sizes"]


@dataclass(frozen=True)
class Splits:
    """The records of a data set, shared out. Records are made when they are looked at."""

    train: Sequence[Record]
    test: Sequence[Record]
    validation: Sequence[Record]
    dropped: tuple[Dropped, ...]
    """Rows of the source that cannot be used or were filtered out, with reasons."""
    source: str
    """What was read, for people."""
    columns: Columns
    """The format and the column of each field."""
    table_columns: tuple[str, ...]
    """Every column of the source, and `name.part` for the parts of objects in cells."""
    rows: Sequence[Mapping[str, object]]
    """The rows that were read, as they stand: all of the source, or as many as `data.limit` needed."""

    @property
    def format(self) -> Format:
        """What the columns make up."""
        return self.columns.format

    @property
    def total_rows(self) -> int:
        """How many rows were read."""
        return len(self.rows)

    def part(self, name: Part) -> Sequence[Record]:
        """One share by its name."""
        return {"train": self.train, "test": self.test, "validation": self.validation}[name]


def prepare(settings: DataSettings, progress: Callable[[Progress], None] | None = None) -> Splits:
    """Loads, recognises, filters, shuffles, limits and shares out, in this order.

    Raises:
        DataError: the source cannot be read, its columns are not recognised, or nothing is left to train on.
    """
    table, (records, dropped) = _usable(settings, progress)
    shares = [records.at(places) for places in _shared_out(table, records.places, settings)]
    return Splits(
        train=shares[0],
        test=shares[1],
        validation=shares[2],
        dropped=dropped,
        source=table.source,
        columns=assign(table.columns, settings.columns),
        table_columns=table.columns,
        rows=table.rows,
    )


def share_sizes(rows: int, shares: Sequence[float]) -> tuple[int, int, int]:
    """Rows of train, test and validation: shares rounded down, and the rest to the last share that is not 0. The first
    row is for training whatever the shares, so that a file of one row can be tried.

    >>> share_sizes(1100, (0.85, 0.10, 0.05))
    (935, 110, 55)
    """
    # 1e-9: 0.29 * 100 is 28.999999999999996 in floating point and 29 to a person.
    sizes = [math.floor(rows * share + 1e-9) for share in shares]
    last = max(place for place, share in enumerate(shares) if share > 0)
    sizes[last] += rows - sum(sizes)
    if rows and shares[0] > 0 and not sizes[0]:
        sizes[0], sizes[last] = 1, sizes[last] - 1
    return (sizes[0], sizes[1], sizes[2] if len(sizes) == 3 else 0)


def _usable(settings: DataSettings, progress: Callable[[Progress], None] | None) -> tuple[Table, Records]:
    """The table and its records after filters; only as many rows as `data.limit` needs, where the order is kept."""
    reads = settings.limit if settings.seed is None else None
    while True:
        table = load_rows(settings, progress, limit=reads)
        try:
            found = to_records(table, settings.columns, wording(settings))
        except DataError:
            if table.complete:
                raise
        else:
            found = _without_input(found) if settings.empty_input_only else found
            if table.complete or len(found.records) >= (settings.limit or 0):
                return table, found
        reads = reads and 4 * reads


def _without_input(found: Records) -> Records:
    kept = array("q")
    filtered = []
    for record in found.records:
        if record.fields.get("input"):
            filtered.append(Dropped(record.row, "Its input is not empty, and only such rows are kept."))
        else:
            kept.append(record.row)
    return Records(found.records.at(kept), (*found.dropped, *filtered))


def _shared_out(table: Table, places: "array[int]", settings: DataSettings) -> list["array[int]"]:
    """The rows of train, test and validation."""
    if settings.split is None and table.parts:
        nothing = range(0)
        parts = [
            _chosen(array("q", (place for place in places if place in table.parts.get(part, nothing))), settings)
            for part in PARTS
        ]
        if not parts[0]:
            raise DataError(f"No row of {table.source} is left to train on: its train part has no usable row.")
        return parts
    chosen = _chosen(places, settings)
    sizes = share_sizes(len(chosen), settings.shares)
    if not sizes[0]:
        raise DataError(
            f"No row of {table.source} is left to train on: {len(chosen)} usable rows shared out "
            f"{' / '.join(f'{share:g}' for share in settings.shares)} give {' / '.join(map(str, sizes))}. "
            "Use more rows, or give train a larger share."
        )
    first, second = sizes[0], sizes[0] + sizes[1]
    return [chosen[:first], chosen[first:second], chosen[second:]]


def _chosen(places: "array[int]", settings: DataSettings) -> "array[int]":
    """Rows shuffled and limited."""
    chosen = places[:]
    if settings.seed is not None:
        random.Random(settings.seed).shuffle(chosen)
    return chosen[: settings.limit]
