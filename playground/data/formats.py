"""Which columns of a table hold what: instruction / input / output, prompt / completion, or messages.

Names are recognised without regard to case; a mapping given by hand goes before recognition. Rows that cannot be used
are dropped with a reason, never in silence.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from playground.data.loading import Table
from playground.data.records import Dropped, Format, Message, Record, Role
from playground.errors import DataError

FIELDS: dict[Format, tuple[str, ...]] = {
    "instruction": ("instruction", "input", "output"),
    "completion": ("prompt", "completion"),
    "messages": ("messages",),
}
OPTIONAL = frozenset({"input"})

ALIASES: dict[str, tuple[str, ...]] = {
    # Alpaca, Dolly (context, response), GSM8K and FAQ lists (question, answer), FLAN (inputs, targets).
    "instruction": ("instruction", "instructions", "question", "query", "task", "inputs"),
    "input": ("input", "context"),
    "output": ("output", "outputs", "response", "answer", "target", "targets", "completion"),
    "prompt": ("prompt",),
    "completion": ("completion", "response", "output", "answer", "target"),
    "messages": ("messages", "conversations", "conversation"),
}
ORDER: tuple[Format, ...] = ("messages", "completion", "instruction")
"""Formats from the most telling columns to the least: many chat sets carry a `prompt` beside their messages."""

ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
}


class Unusable(Exception):
    """Why one row cannot be used; never leaves this module."""


class Records(NamedTuple):
    """What a table came to."""

    records: tuple[Record, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True)
class Columns:
    """The format of a table and the column of each of its fields."""

    format: Format
    of: Mapping[str, str]
    """Field name to column name; an optional field without a column is left out."""


def recognise(columns: Sequence[str], mapping: Mapping[str, str]) -> Format:
    """The format that the columns make up; see `assign`."""
    return assign(columns, mapping).format


def assign(columns: Sequence[str], mapping: Mapping[str, str]) -> Columns:
    """The column of each field.

    Args:
        columns: names as in the source.
        mapping: field name to column name, by hand; fields left out are recognised by their names.

    Raises:
        DataError: a mapping that names no field or no column, or columns that make up no format.
    """
    _check_mapping(columns, mapping)
    named = {column.strip().lower(): column for column in reversed(columns)}
    for format_ in ORDER:
        if not set(mapping) <= set(FIELDS[format_]):
            continue
        found = dict(mapping)
        for field in FIELDS[format_]:
            column = next((named[alias] for alias in ALIASES[field] if alias in named), None)
            if field not in found and column is not None and column not in found.values():
                found[field] = column
        if set(FIELDS[format_]) - OPTIONAL <= set(found):
            return Columns(format_, found)
    raise DataError(
        f"The columns {_names(columns)} are not ones the playground knows"
        + (f", with {_names(mapping)} mapped by hand" if mapping else "")
        + ". Needed are instruction and output (and perhaps input), prompt and completion, or messages; name yours in "
        'data.columns, such as {"instruction": "question", "output": "answer"}.'
    )


def to_records(table: Table, mapping: Mapping[str, str]) -> Records:
    """The usable rows of a table, in its order, and the others with reasons.

    Raises:
        DataError: the columns are not recognised, or no row can be used.
    """
    columns = assign(table.columns, mapping)
    records, dropped = [], []
    for row, cells in enumerate(table.rows):
        try:
            records.append(_record(row, cells, columns))
        except Unusable as problem:
            dropped.append(Dropped(row, str(problem)))
    if not records:
        raise DataError(f"None of the {len(table.rows)} rows of {table.source} can be used. {summary(dropped)}")
    return Records(tuple(records), tuple(dropped))


def summary(dropped: Iterable[Dropped]) -> str:
    """Reasons with their counts, most frequent first, each with the first row it befell."""
    dropped = tuple(dropped)
    first = {drop.reason: drop.row for drop in reversed(dropped)}
    counts = Counter(drop.reason for drop in dropped).most_common(3)
    return " ".join(f"{count} × (first: row {first[reason]}): {reason}" for reason, count in counts)


def _check_mapping(columns: Sequence[str], mapping: Mapping[str, str]) -> None:
    fields = [field for names in FIELDS.values() for field in names]
    for field, column in mapping.items():
        if field not in fields:
            raise DataError(f"data.columns maps {field!r}, which is not a field; fields are {', '.join(fields)}.")
        if column not in columns:
            raise DataError(f"There is no column {column!r} for {field}; the columns are {_names(columns)}.")


def _record(row: int, cells: Mapping[str, object], columns: Columns) -> Record:
    of = columns.of
    if columns.format == "messages":
        return Record(row, "messages", messages=_conversation(_turns(cells, of["messages"])))
    if columns.format == "completion" and isinstance(cells.get(of["prompt"]), list):
        turns = _turns(cells, of["prompt"]) + _turns(cells, of["completion"])
        return Record(row, "messages", messages=_conversation(turns))
    fields = {
        field: _text(cells, of[field], optional=field in OPTIONAL) if field in of else ""
        for field in FIELDS[columns.format]
    }
    return Record(row, columns.format, fields=fields)


def _text(cells: Mapping[str, object], column: str, *, optional: bool) -> str:
    value = cells.get(column)
    if value is None and optional:
        return ""
    if value is None:
        raise Unusable(f"Column {column!r} has nothing in this row.")
    if not isinstance(value, str):
        raise Unusable(f"Column {column!r} must hold a text; it holds {_kind(value)}.")
    if not value.strip() and not optional:
        raise Unusable(f"Column {column!r} is empty.")
    _check_characters(value, column)
    return value if value.strip() else ""


def _check_characters(text: str, column: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # JSON can escape one half of a surrogate pair, which is no character; no tokenizer takes it.
        raise Unusable(f"Column {column!r} holds half a character, \\u{ord(text[error.start]):04x}.") from None


def _turns(cells: Mapping[str, object], column: str) -> list[Message]:
    value = cells.get(column)
    if isinstance(value, str) and value.lstrip().startswith("["):
        # A CSV has no lists; its conversations are written as JSON.
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise Unusable(f"Column {column!r} starts like a JSON list but is not valid JSON.") from None
    if not isinstance(value, list) or not value:
        raise Unusable(f"Column {column!r} must hold a list of messages; it holds {_kind(value)}.")
    return [_message(turn, column) for turn in value]


def _message(turn: object, column: str) -> Message:
    if not isinstance(turn, dict):
        raise Unusable(f"Column {column!r} must hold messages with role and content; one is {_kind(turn)}.")
    role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
    if not isinstance(role, str) or role.lower() not in ROLES:
        raise Unusable(f"Column {column!r} has a message of role {role!r}; known are {', '.join(ROLES)}.")
    if not isinstance(content, str):
        raise Unusable(f"Column {column!r} has a message whose content is {_kind(content)}, not a text.")
    if not content.strip():
        raise Unusable(f"Column {column!r} has an empty message.")
    _check_characters(content, column)
    return Message(ROLES[role.lower()], content)


def _conversation(turns: list[Message]) -> tuple[Message, ...]:
    """The turns, once they are: perhaps a system message, then user and assistant by turns, an assistant last."""
    spoken = turns[1:] if turns[0].role == "system" else turns
    for place, turn in enumerate(spoken):
        expected = "assistant" if place % 2 else "user"
        if turn.role != expected:
            raise Unusable(f"The messages must alternate between user and assistant; a {turn.role} spoke out of turn.")
    if not spoken or spoken[-1].role != "assistant":
        raise Unusable("The last message is not the assistant's, so there is no answer to learn.")
    return tuple(turns)


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return f"a {type(value).__name__}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
