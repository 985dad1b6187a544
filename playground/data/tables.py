"""Rows of cells, kept so that a million of them take little memory: the first few MiB in memory, more on the disk."""

import io
import itertools
import pickle
import tempfile
import threading
import weakref
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

from playground.data.parts import Part

IN_MEMORY = 16 * 1024 * 1024
"""Bytes of rows that are kept in memory; with one more, all move to a file without a name that ends with the table."""
BLOCK = 256
"""Rows that are read at once where all are read."""
PARTS_LISTED = 100
"""Parts of objects that are listed as columns, so that objects used as dictionaries do not fill the list."""


class Rows(Sequence[dict[str, object]]):
    """Rows that are written once and read in any order, by any thread; each reading makes a dict of its own."""

    def __init__(self, rows: Iterable[dict[str, object]] = ()) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # it lives as long as its rows
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._ends = array("q", [0])
        self._seen: dict[str, None] = {}
        self._inner: dict[str, None] = {}
        for row in rows:
            self.append(row)

    def append(self, row: dict[str, object]) -> None:
        """Puts a row behind the others."""
        written = pickle.dumps(row, pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._file.seek(self._ends[-1])
            self._file.write(written)
            self._ends.append(self._ends[-1] + len(written))
        if not row.keys() <= self._seen.keys():
            self._seen |= dict.fromkeys(row)
        for name, cell in row.items():
            if isinstance(cell, dict) and len(self._inner) < PARTS_LISTED:
                room = PARTS_LISTED - len(self._inner)
                self._inner |= {f"{name}.{inner}": None for inner in itertools.islice(cell, room)}

    @property
    def columns(self) -> tuple[str, ...]:
        """Every name that some row has, in order of first appearance, then `name.part` for parts of objects."""
        return tuple(self._seen | self._inner)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> dict[str, object]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, object]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, object] | list[dict[str, object]]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        with self._lock:
            self._file.seek(self._ends[place])
            written = self._file.read(self._ends[place + 1] - self._ends[place])
        row: dict[str, object] = pickle.loads(written)  # noqa: S301  # what `append` wrote, in a file nobody can name
        return row

    def __iter__(self) -> Iterator[dict[str, object]]:
        # Many at once: half the time of reading them one by one.
        for start in range(0, len(self), BLOCK):
            stop = min(start + BLOCK, len(self))
            with self._lock:
                self._file.seek(self._ends[start])
                block = io.BytesIO(self._file.read(self._ends[stop] - self._ends[start]))
            for _ in range(start, stop):
                yield pickle.load(block)  # noqa: S301  # what `append` wrote

    def __eq__(self, other: object) -> bool:
        """Whether the same rows stand in the same order, here and in any other sequence."""
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # rows are compared, not looked up


@dataclass(frozen=True)
class Table:
    """Rows of cells by column name."""

    columns: tuple[str, ...]
    """Names in order of first appearance, then `name.part` for the parts of objects in cells."""
    rows: Sequence[dict[str, object]]
    """A cell that the source leaves out is not in its row."""
    source: str
    """What was read, for people: a name, a file's name or a Hub id."""
    parts: Mapping[Part, range] = field(default_factory=dict)
    """The rows of each part, where the source comes in parts."""
    complete: bool = True
    """Whether all rows of the source are here; False where reading stopped early."""
