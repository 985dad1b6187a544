"""Data sets that people have opened or trained on, kept on the server so that each is read once for all tabs.

Kept per settings, not per person: who may see what is checked at every request, before it comes here.
"""

import itertools
import json
import threading
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

from playground.config import codec
from playground.config.run import DataSettings
from playground.data import overlap
from playground.data.inspection import Measured
from playground.data.loading import load_rows
from playground.data.parts import Part
from playground.data.splits import Splits, prepare
from playground.data.tables import Table
from playground.runs.events import Progress

T = TypeVar("T")
ENTRIES = 4
ROWS = 2_000_000
"""Rows of all data sets that are kept; the newest stays however large it is."""
HEAD = 50
"""First rows of a source, enough to see what a mapping makes of them."""


class Kept(Generic[T]):
    """The last few results of slow work; those who ask for the same at once wait for one of them to do it."""

    def __init__(self, most: int, weigh: Callable[[T], int] = lambda _: 0, heaviest: int = 0) -> None:
        self._most = most
        self._weigh = weigh
        self._heaviest = heaviest
        self._known: dict[Hashable, Future[T]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result kept under a key, or else made now. What `make` raises is raised to all who wait, and not kept."""
        with self._lock:
            found = self._known.pop(key, None)
            mine: Future[T] = found or Future()
            self._known[key] = mine  # now the newest
        if found is not None:
            return found.result()
        try:
            mine.set_result(make())
        except BaseException as error:
            with self._lock:
                if self._known.get(key) is mine:
                    del self._known[key]
            mine.set_exception(error)
            raise
        self._drop_old()
        return mine.result()

    def clear(self) -> None:
        """Forgets what is done; who waits for something still gets it."""
        with self._lock:
            self._known = {key: future for key, future in self._known.items() if not future.done()}

    def _drop_old(self) -> None:
        with self._lock:
            done = [(key, future) for key, future in self._known.items() if future.done() and not future.exception()]
            weight = 0
            for count, (key, future) in enumerate(reversed(done), start=1):
                weight += self._weigh(future.result())
                if count > self._most or (count > 1 and weight > self._heaviest > 0):
                    del self._known[key]


class Doubles(NamedTuple):
    """What `overlap` counts in a data set."""

    duplicates: int
    leaks: Mapping[Part, overlap.Leak]


class DataShelf:
    """The data sets last used, and what was counted of them."""

    def __init__(self) -> None:
        self._splits: Kept[Splits] = Kept(ENTRIES, lambda splits: splits.total_rows, ROWS)
        self._heads: Kept[Table] = Kept(2 * ENTRIES)
        self._measured: Kept[Measured] = Kept(2 * ENTRIES)
        self._doubles: Kept[Doubles] = Kept(2 * ENTRIES)

    def splits(self, settings: DataSettings, progress: Callable[[Progress], None] | None = None) -> Splits:
        """The rows of a data set in their shares; `progress` hears of the work where it is done now.

        Raises:
            DataError: see `splits.prepare`.
        """
        return self._splits.get(rows_key(settings), lambda: prepare(settings, progress))

    def clear(self) -> None:
        """Gives back the memory of all that was read; whoever needs it reads it again."""
        for kept in (self._splits, self._heads, self._doubles, self._measured):
            kept.clear()

    def head(self, settings: DataSettings) -> Table:
        """The first rows of the source as they stand, whatever its columns mean.

        Raises:
            DataError: the source cannot be read.
        """

        def first() -> Table:
            table = load_rows(settings, limit=HEAD)
            return replace(table, rows=list(table.rows[:HEAD]))

        return self._heads.get((settings.source, settings.hub_config, settings.hub_split), first)

    def doubles(self, settings: DataSettings) -> Doubles:
        """Rows that are there twice, and held-out rows that training has too.

        Raises:
            DataError: see `splits.prepare`.
        """

        def count() -> Doubles:
            splits = self.splits(settings)
            records = itertools.chain(splits.train, splits.test, splits.validation)
            return Doubles(overlap.duplicates(records), overlap.leaks(splits))

        return self._doubles.get(rows_key(settings), count)

    def measured(self, settings: DataSettings, model: str, make: Callable[[], Measured]) -> Measured:
        """The lengths of a data set's rows in the tokens of a model, `model` being what names its vocabulary."""
        return self._measured.get((json.dumps(codec.encode_section(settings), sort_keys=True), model), make)


def rows_key(settings: DataSettings) -> str:
    """What decides which rows there are: all settings but the template."""
    encoded = codec.encode_section(settings)
    return json.dumps({name: value for name, value in encoded.items() if "template" not in name}, sort_keys=True)
