"""From the cells of one row to a record, or the reason why that cannot be.

Knows which column holds which field; which columns make up a format is decided in `formats`.
"""

import json
import math
from collections.abc import Mapping

from playground.data import transcripts
from playground.data.records import Format, Message, Record, Role

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
    """Why one row cannot be used; becomes the reason of a `Dropped`."""


def record_of(row: int, cells: Mapping[str, object], kind: Format, of: Mapping[str, str]) -> Record:
    """The record in a row's cells.

    Args:
        row: place in the source, from 0.
        cells: values by column.
        kind: the table's format.
        of: column by field; optional fields without a column are left out.

    Raises:
        Unusable: with a sentence that names the column.
    """
    match kind:
        case "messages":
            return Record(row, kind, messages=_conversation(_turns(cells, of["messages"])))
        case "completion" if isinstance(cell(cells, of["prompt"]), list):
            turns = _turns(cells, of["prompt"]) + _turns(cells, of["completion"])
            return Record(row, "messages", messages=_conversation(turns))
        case "prompt" if isinstance(cell(cells, of["prompt"]), list):
            asked = _asked(_turns(cells, of["prompt"]), of["prompt"])
            return Record(row, kind, {"prompt": asked[-1].content}, asked)
        case "preference":
            return _preference(row, cells, of)
        case "instruction":
            return Record(row, kind, _instruction(cells, of) | {"output": _text(cells, of["output"])})
        case "label":
            parties = {name: _text(cells, of[name], optional=True) for name in ("party", "opponent") if name in of}
            return Record(row, kind, {"text": _text(cells, of["text"]), "label": _label(cells, of["label"]), **parties})
        case _:
            return Record(row, kind, {field: _text(cells, column) for field, column in of.items()})


def kind_of(value: object) -> str:
    """What a cell holds, for people."""
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


def _instruction(cells: Mapping[str, object], of: Mapping[str, str]) -> dict[str, str]:
    further = _text(cells, of["input"], optional=True) if "input" in of else ""
    return {"instruction": _text(cells, of["instruction"]), "input": further}


def cell(cells: Mapping[str, object], column: str) -> object:
    """A cell, or with a name such as `data.question` that part of the object in the cell `data`."""
    if column in cells or "." not in column:
        return cells.get(column)
    outer, inner = column.split(".", 1)
    whole = cells.get(outer)
    return whole.get(inner) if isinstance(whole, dict) else None


def _text(cells: Mapping[str, object], column: str, *, optional: bool = False) -> str:
    value = cell(cells, column)
    if value is None and optional:
        return ""
    if value is None:
        raise Unusable(f"Column {column!r} has nothing in this row.")
    if not isinstance(value, str):
        hint = ""
        if isinstance(value, dict) and value and "." not in column:  # parts of parts have no names of their own
            hint = f" Map the field to a part of it, such as {column + '.' + str(next(iter(value)))!r}."
        raise Unusable(f"Column {column!r} must hold a text; it holds {kind_of(value)}.{hint}")
    if not value.strip() and not optional:
        raise Unusable(f"Column {column!r} is empty.")
    _check_characters(value, column)
    return value if value.strip() else ""


def _label(cells: Mapping[str, object], column: str) -> str:
    """A label as text: `1` and `1.0` are "1", true is "true"."""
    value = cell(cells, column)
    match value:
        case bool():
            return str(value).lower()
        case float() if not math.isfinite(value):
            raise Unusable(f"Column {column!r} must hold a label; it holds {value}.")
        case int() | float():
            return f"{int(value) if value == int(value) else value}"
        case _:
            return _text(cells, column)


def _check_characters(text: str, column: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # JSON can escape one half of a surrogate pair, which is no character; no tokenizer takes it.
        raise Unusable(f"Column {column!r} holds half a character, \\u{ord(text[error.start]):04x}.") from None


def _turns(cells: Mapping[str, object], column: str) -> list[Message]:
    value = cell(cells, column)
    if isinstance(value, str) and value.lstrip().startswith("["):
        # A CSV has no lists; its conversations are written as JSON.
        try:
            value = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            raise Unusable(f"Column {column!r} starts like a JSON list but is not valid JSON.") from None
    if not isinstance(value, list) or not value:
        raise Unusable(f"Column {column!r} must hold a list of messages; it holds {kind_of(value)}.")
    return [_message(turn, column) for turn in value]


def _message(turn: object, column: str) -> Message:
    if not isinstance(turn, dict):
        raise Unusable(f"Column {column!r} must hold messages with role and content; one is {kind_of(turn)}.")
    role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
    if not isinstance(role, str) or role.lower() not in ROLES:
        raise Unusable(f"Column {column!r} has a message of role {role!r}; known are {', '.join(ROLES)}.")
    if not isinstance(content, str):
        raise Unusable(f"Column {column!r} has a message whose content is {kind_of(content)}, not a text.")
    if not content.strip():
        raise Unusable(f"Column {column!r} has an empty message.")
    _check_characters(content, column)
    return Message(ROLES[role.lower()], content)


def _check_order(turns: list[Message]) -> list[Message]:
    """The turns after the system's, once user and assistant alternate."""
    spoken = turns[1:] if turns and turns[0].role == "system" else turns
    for place, turn in enumerate(spoken):
        expected = "assistant" if place % 2 else "user"
        if turn.role != expected:
            raise Unusable(f"The messages must alternate between user and assistant; a {turn.role} spoke out of turn.")
    return spoken


def _conversation(turns: list[Message]) -> tuple[Message, ...]:
    """The turns, once they are: perhaps a system message, then user and assistant by turns, an assistant last."""
    spoken = _check_order(turns)
    if not spoken or spoken[-1].role != "assistant":
        raise Unusable("The last message is not the assistant's, so there is no answer to learn.")
    return tuple(turns)


def _asked(turns: list[Message], column: str) -> tuple[Message, ...]:
    """The turns of a prompt: as in a conversation, but the user's last."""
    spoken = _check_order(turns)
    if not spoken or spoken[-1].role != "user":
        raise Unusable(f"The prompt in column {column!r} does not end with a message of the user.")
    return tuple(turns)


def _preference(row: int, cells: Mapping[str, object], of: Mapping[str, str]) -> Record:
    """A prompt and two answers to it. The prompt has columns of its own, or both answers begin with it."""
    sides = (of["chosen"], of["rejected"])
    fields: dict[str, str] = {}
    if isinstance(cell(cells, sides[0]), list) or not _has_own_prompt(of):
        prompt, answers = _shared_prompt(cells, of)
    else:
        fields, prompt = _own_prompt(cells, of)
        answers = [_text(cells, column) for column in sides]
    if answers[0] == answers[1]:
        raise Unusable(f"Columns {sides[0]!r} and {sides[1]!r} hold the same answer, so nothing is preferred.")
    return Record(row, "preference", fields | {"chosen": answers[0], "rejected": answers[1]}, prompt)


def _has_own_prompt(of: Mapping[str, str]) -> bool:
    return "prompt" in of or "instruction" in of


def _own_prompt(cells: Mapping[str, object], of: Mapping[str, str]) -> tuple[dict[str, str], tuple[Message, ...]]:
    if "prompt" not in of:
        fields = _instruction(cells, of)
        return fields, (Message("user", "\n\n".join(filter(None, fields.values()))),)
    if isinstance(cell(cells, of["prompt"]), list):
        return {}, _asked(_turns(cells, of["prompt"]), of["prompt"])
    text = _text(cells, of["prompt"])
    return {"prompt": text}, (Message("user", text),)


def _shared_prompt(cells: Mapping[str, object], of: Mapping[str, str]) -> tuple[tuple[Message, ...], list[str]]:
    """The turns that both sides begin with, and the one answer in which each of them ends."""
    chosen, rejected = (_side(cells, of[side]) for side in ("chosen", "rejected"))
    if chosen == rejected:
        raise Unusable(f"Columns {of['chosen']!r} and {of['rejected']!r} hold the same, so nothing is preferred.")
    if _has_own_prompt(of) and chosen[0].role == rejected[0].role == "assistant":
        prompt, shared = _own_prompt(cells, of)[1], 0
    else:
        shared = next(
            (place for place, (one, other) in enumerate(zip(chosen, rejected, strict=False)) if one != other),
            min(len(chosen), len(rejected)),
        )
        prompt = _asked(chosen[:shared], of["chosen"]) if shared else ()
    if not prompt:
        raise Unusable(f"Columns {of['chosen']!r} and {of['rejected']!r} do not begin with the same prompt.")
    for turns, column in ((chosen, of["chosen"]), (rejected, of["rejected"])):
        if [turn.role for turn in turns[shared:]] != ["assistant"]:
            raise Unusable(f"Column {column!r} must go on with exactly one answer after the prompt that both share.")
    return prompt, [chosen[-1].content, rejected[-1].content]


def _side(cells: Mapping[str, object], column: str) -> list[Message]:
    """The turns of one side, from a list of messages or a transcript."""
    value = cell(cells, column)
    if not isinstance(value, str) or value.lstrip().startswith("["):
        return _turns(cells, column)
    turns = transcripts.parse(value)
    if not turns:
        raise Unusable(
            f"Column {column!r} is no transcript of Human: and Assistant: turns, and no column holds the prompt."
        )
    if not all(turn.content for turn in turns):
        raise Unusable(f"Column {column!r} has an empty turn.")
    _check_characters(value, column)
    return turns
