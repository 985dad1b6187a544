"""Which columns of a table hold what: instructions, completions, messages, texts, preferences, labels or prompts.

Names are recognised without regard to case; a mapping given by hand goes before recognition. Rows that cannot be used
are dropped with a reason, never in silence.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from playground.data.cells import Unusable, record_of
from playground.data.records import Dropped, Format, Record
from playground.data.tables import Table
from playground.data.verbalizer import Wording
from playground.errors import DataError

FIELDS: dict[Format, tuple[str, ...]] = {
    "instruction": ("instruction", "input", "output"),
    "completion": ("prompt", "completion"),
    "messages": ("messages",),
    "text": ("text",),
    "preference": ("prompt", "instruction", "input", "chosen", "rejected"),
    "label": ("text", "label", "party", "opponent"),
    "prompt": ("prompt",),
}
NAMED = 30
"""Columns that an error names."""
LONGEST_NAME = 80
"""Characters of a column's name that an error shows."""
OPTIONAL = frozenset({"input", "party", "opponent"})
"""Fields that no format needs; see `optional` for one format."""

ALIASES: dict[str, tuple[str, ...]] = {
    # Alpaca, Dolly (context, response), GSM8K and FAQ lists (question, answer), FLAN (inputs, targets).
    "instruction": ("instruction", "instructions", "question", "query", "task", "inputs"),
    "input": ("input", "context"),
    "output": ("output", "outputs", "response", "answer", "target", "targets", "completion"),
    "prompt": ("prompt",),
    "completion": ("completion", "response", "output", "answer", "target"),
    "messages": ("messages", "conversations", "conversation"),
    # Stack Exchange as TRL's examples have it (response_j is the one with more votes).
    "chosen": ("chosen", "response_j"),
    "rejected": ("rejected", "response_k"),
    # SST-2 (sentence), IMDB (review, sentiment), judgements (facts, first_party_winner).
    "text": ("text", "content", "document", "sentence", "review", "facts"),
    "label": ("label", "labels", "sentiment", "first_party_winner"),
    "party": ("party", "first_party"),
    "opponent": ("opponent", "second_party"),
}
ORDER: tuple[Format, ...] = ("preference", "messages", "completion", "instruction", "label", "text", "prompt")
"""Formats from the most telling columns to the least: many chat sets carry a `prompt` beside their messages."""


class Records(NamedTuple):
    """What a table came to."""

    records: "Usable"
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True)
class Columns:
    """The format of a table and the column of each of its fields."""

    format: Format
    of: Mapping[str, str]
    """Field name to column name; an optional field without a column is left out. `data.question` is the part
    `question` of the objects in column `data`."""


class Usable(Sequence[Record]):
    """Records of a table, made from its rows when they are looked at, so that a million of them take little memory."""

    def __init__(
        self,
        rows: Sequence[Mapping[str, object]],
        columns: Columns,
        places: "array[int]",
        wording: Wording | None = None,
    ) -> None:
        """Adds to the rows and their columns what is made of each record; see `verbalizer.wording`."""
        self._rows = rows
        self._columns = columns
        self._places = places
        self._wording = wording

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> "Usable": ...
    def __getitem__(self, index: int | slice) -> "Record | Usable":
        if isinstance(index, slice):
            return self.at(self._places[index])
        place = self._places[index]
        record = record_of(place, self._rows[place], self._columns.format, self._columns.of)
        return self._wording(record) if self._wording else record

    def __eq__(self, other: object) -> bool:
        """Whether the same records stand in the same order, here and in any other sequence."""
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # sequences of records are compared, not looked up

    def __repr__(self) -> str:
        return f"<{len(self)} records of format {self._columns.format}>"

    @property
    def places(self) -> "array[int]":
        """The rows of the records, in their order."""
        return self._places

    def at(self, places: "array[int]") -> "Usable":
        """The records of these rows of the same table; each must be one of `places`."""
        return Usable(self._rows, self._columns, places, self._wording)


def optional(format_: Format) -> frozenset[str]:
    """The fields that a format can do without. A preference needs no column for its prompt where both answers begin
    with it."""
    fields = {"prompt", "instruction", "input"} if format_ == "preference" else OPTIONAL & set(FIELDS[format_])
    return frozenset(fields)


def recognise(columns: Sequence[str], mapping: Mapping[str, str]) -> Format:
    """The format that the columns make up; see `assign`."""
    return assign(columns, mapping).format


def assign(columns: Sequence[str], mapping: Mapping[str, str]) -> Columns:
    """The column of each field.

    A mapping that names every field a format needs decides on that format, except for a prompt alone, which other
    formats have too; else the fields left out are recognised by the columns' names.

    Args:
        columns: names as in the source, and `data.question` for parts of objects in cells.
        mapping: field name to column name, by hand.

    Raises:
        DataError: a mapping that names no field or no column, or columns that make up no format.
    """
    _check_mapping(columns, mapping)
    fitting = [format_ for format_ in ORDER if set(mapping) <= set(FIELDS[format_])]
    complete = [format_ for format_ in fitting if format_ != "prompt" and _needs(format_) <= set(mapping)]
    for format_ in complete or fitting:
        found = _recognised(columns, mapping, format_)
        if _needs(format_) <= set(found):
            return Columns(format_, found)
    raise DataError(
        f"The columns {_names(columns)} are not ones the playground knows"
        + (f", with {_names(mapping)} mapped by hand" if mapping else "")
        + ". Needed are instruction and output (and perhaps input), prompt and completion, messages, text, text and "
        "label, chosen and rejected (with their prompt), or prompt; name yours in data.columns, such as "
        '{"instruction": "question", "output": "answer"}.'
    )


def to_records(table: Table, mapping: Mapping[str, str], wording: Wording | None = None) -> Records:
    """The usable rows of a table, in its order, and the others with reasons.

    Args:
        wording: what is made of each record; see `verbalizer.wording`.

    Raises:
        DataError: the columns are not recognised, or no row can be used.
    """
    columns = assign(table.columns, mapping)
    places = array("q")
    dropped: list[Dropped] = []
    reasons: dict[str, str] = {}
    for row, cells in enumerate(table.rows):
        try:
            record = record_of(row, cells, columns.format, columns.of)
            if wording:
                wording(record)
            places.append(row)
        except Unusable as problem:
            # One text for equal reasons: a million rows may have the same.
            dropped.append(Dropped(row, reasons.setdefault(str(problem), str(problem))))
    if not places:
        raise DataError(f"None of the {len(table.rows)} rows of {table.source} can be used. {summary(dropped)}")
    return Records(Usable(table.rows, columns, places, wording), tuple(dropped))


class Tally(NamedTuple):
    """How many rows were dropped for a reason."""

    reason: str
    rows: int
    first: int
    """The first row that it befell."""


def tally(dropped: Iterable[Dropped], most: int) -> list[Tally]:
    """The most frequent reasons, most frequent first."""
    dropped = tuple(dropped)
    first = {drop.reason: drop.row for drop in reversed(dropped)}
    counts = Counter(drop.reason for drop in dropped).most_common(most)
    return [Tally(reason, count, first[reason]) for reason, count in counts]


def summary(dropped: Iterable[Dropped]) -> str:
    """Reasons with their counts, most frequent first, each with the first row it befell."""
    return " ".join(f"{found.rows} × (first: row {found.first}): {found.reason}" for found in tally(dropped, 3))


def _needs(format_: Format) -> set[str]:
    return set(FIELDS[format_]) - optional(format_)


def _recognised(columns: Sequence[str], mapping: Mapping[str, str], format_: Format) -> dict[str, str]:
    """The column of each field of a format that has one: by hand, else by name."""
    named = {column.strip().lower(): column for column in reversed(columns)}
    found = dict(mapping)
    for field in FIELDS[format_]:
        column = next((named[alias] for alias in ALIASES[field] if alias in named), None)
        if field not in found and column is not None and column not in found.values():
            found[field] = column
    if format_ == "preference":
        # One column asks; where the instruction is named by hand, it goes before a column that is only called prompt.
        by_hand = "instruction" in mapping and "prompt" not in mapping
        instructed = "instruction" in found and (by_hand or "prompt" not in found)
        unused = ("prompt",) if instructed else ("instruction", "input")
        found = {field: column for field, column in found.items() if field not in unused}
    return found


def _check_mapping(columns: Sequence[str], mapping: Mapping[str, str]) -> None:
    fields = dict.fromkeys(field for names in FIELDS.values() for field in names)
    for field, column in mapping.items():
        if field not in fields:
            raise DataError(f"data.columns maps {field!r}, which is not a field; fields are {', '.join(fields)}.")
        if column not in columns:
            raise DataError(f"There is no column {column!r} for {field}; the columns are {_names(columns)}.")


def _names(names: Iterable[str]) -> str:
    """Names in quotes; of very many the first ones, and how many more there are; of very long ones the beginning."""
    listed = [repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…") for name in names]
    more = [f"… and {len(listed) - NAMED} more"] if len(listed) > NAMED else []
    return ", ".join([*listed[:NAMED], *more])
