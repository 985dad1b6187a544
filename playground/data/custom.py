"""Templates that people write themselves: text with named fields in braces, such as `Q: {instruction} A: {output}`.

Exactly one field is the answer. What stands before it is the prompt; the answer and what stands behind it are learnt.
"""

import string
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from playground.data.records import Message, Record
from playground.data.verbalizer import NOBODY
from playground.errors import ConfigError, DataError

ANSWERS = ("output", "completion", "chosen", "label")
QUESTIONS = ("instruction", "prompt", "text")
"""Fields that a typed prompt takes the place of: the first of them that the template has."""
KNOWN = (*QUESTIONS, "input", "party", *ANSWERS)


class Filled(NamedTuple):
    """A template with a record's texts in it."""

    prompt: str
    answer: str
    """The answer and what stands behind it."""


class _Piece(NamedTuple):
    text: str
    """What stands before the field."""
    field: str | None
    """None at the end, and behind a brace that is meant as such."""


def is_custom(template: str) -> bool:
    """Whether it is the text of a template rather than the name of one."""
    return "{" in template


def fill(template: str, record: Record, answer: str) -> Filled:
    """The template's text for a record.

    Args:
        answer: the text in the answer's place; for a preference it is one of two.

    Raises:
        ConfigError: a field that such records do not have, or not exactly one answer.
        DataError: a conversation of several exchanges.
    """
    pieces = _pieces(template)
    values, answers = _values(record)
    named = [piece.field for piece in pieces if piece.field is not None]
    for name in named:
        if name not in values and name not in answers:
            _refuse(name, (*values, *answers), f"rows of format {record.kind} do not have")
    places = [place for place, piece in enumerate(pieces) if piece.field in answers]
    if len(places) != 1:
        wanted = " or ".join(f"{{{name}}}" for name in answers)
        problem = f"data.custom_template needs {wanted} exactly once, where the answer of a row goes"
        raise ConfigError([f"{problem}; it is there {len(places)} times."])
    [place] = places
    before, behind = pieces[:place], pieces[place + 1 :]
    return Filled(_joined(before, values) + pieces[place].text, answer + _joined(behind, values))


def fill_prompt(template: str, prompt: str) -> str:
    """The text up to the answer with a typed prompt in the first place for a question; other fields are empty.

    Raises:
        ConfigError: a field that no record has.
    """
    pieces = _pieces(template)
    named = [piece.field for piece in pieces if piece.field is not None]
    for name in named:
        if name not in KNOWN:
            _refuse(name, KNOWN, "no row has")
    question = next((name for name in QUESTIONS if name in named), None)
    text = ""
    for piece in pieces:
        text += piece.text
        if piece.field in ANSWERS:
            break
        if piece.field == "party":
            text += NOBODY
        if piece.field == question:
            text += prompt
            if piece.field == "text" and not set(ANSWERS) & set(named):
                break  # the text is what is learnt, and the prompt is how it begins
    return text


def _pieces(template: str) -> list[_Piece]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ConfigError([f"data.custom_template cannot be read: {error}."]) from None
    for _, name, form, conversion in parsed:
        if form or conversion:
            raise ConfigError(
                [f"data.custom_template has more than a name in the braces of {{{name}}}; write {{{name}}}."]
            )
    return [_Piece(text, name) for text, name, _, _ in parsed]


def _joined(pieces: list[_Piece], values: Mapping[str, str]) -> str:
    return "".join(piece.text + (values[piece.field] if piece.field is not None else "") for piece in pieces)


def _values(record: Record) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The texts of the fields of a record's question, and the names that its answer goes by."""
    fields = record.fields
    match record.kind:
        case "instruction":
            return {name: fields[name] for name in ("instruction", "input")}, ("output",)
        case "completion":
            return {"prompt": fields["prompt"]}, ("completion",)
        case "label":
            return {name: text for name, text in fields.items() if name in ("text", "party")}, ("label",)
        case "text":
            return {}, ("text",)
        case "messages":
            return {"prompt": _only_question(record.messages[:-1])}, ("completion",)
        case "preference":
            own = {name: text for name, text in fields.items() if name not in ("chosen", "rejected")}
            # The words of plain rows serve too, so that one template sees a model through all its training.
            return {"prompt": _only_question(record.messages), **own}, ("chosen", "output", "completion")
        case "prompt":
            return {"prompt": fields["prompt"]}, ()


def _only_question(turns: tuple[Message, ...]) -> str:
    if sum(turn.role == "user" for turn in turns) > 1:
        raise DataError(
            "The conversation has several exchanges and a custom template has room for one; "
            "use phi-3, human-assistant or chat."
        )
    return "\n\n".join(turn.content for turn in turns)


def _refuse(name: str, known: tuple[str, ...], where: str) -> NoReturn:
    names = ", ".join(f"{{{field}}}" for field in known)
    raise ConfigError([f"data.custom_template has the field {{{name}}}, which {where}; known are {names}."])
