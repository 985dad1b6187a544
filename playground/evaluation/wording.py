"""What two answers say differently, word by word."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Kind = Literal["same", "removed", "added"]
LONGEST = 4000
"""Words and spaces of an answer that are compared; longer ones count as said differently as a whole."""


class Stretch(NamedTuple):
    """A piece of text that both have, or one of them alone."""

    kind: Kind
    text: str


def word_difference(before: str, after: str) -> list[Stretch]:
    """From one text to the other: what is not `added` makes the first again, what is not `removed` the second.

    Words stay whole, punctuation counts as words of its own, and single spaces between changes do not hold them apart.

    >>> [tuple(found) for found in word_difference("It is so.", "It was so.")]
    [('same', 'It '), ('removed', 'is'), ('added', 'was'), ('same', ' so.')]
    """
    return list(_joined(_raw(before, after)))


def _raw(before: str, after: str) -> Iterator[Stretch]:
    one, other = _pieces(before), _pieces(after)
    if max(len(one), len(other)) > LONGEST:
        one, other = [before], [after]
    for kind, start, end, begin, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Stretch("same", "".join(one[start:end]))
        else:
            yield Stretch("removed", "".join(one[start:end]))
            yield Stretch("added", "".join(other[begin:stop]))


def _joined(found: Iterator[Stretch]) -> Iterator[Stretch]:
    """Changes that only white space stands between, as one change."""
    removed = added = ""
    waiting = ""
    for kind, text in found:
        if kind == "same" and (removed or added) and not text.strip():
            waiting += text
        elif kind == "same":
            yield from _change(removed, added)
            yield Stretch("same", waiting + text)
            removed = added = waiting = ""
        elif text:
            removed, added, waiting = removed + waiting, added + waiting, ""
            removed, added = removed + text * (kind == "removed"), added + text * (kind == "added")
    yield from _change(removed, added)
    if waiting:
        yield Stretch("same", waiting)


def _change(removed: str, added: str) -> Iterator[Stretch]:
    if removed:
        yield Stretch("removed", removed)
    if added:
        yield Stretch("added", added)


def _pieces(text: str) -> list[str]:
    """Words, marks and white space; joined they are the text."""
    return re.findall(r"\w+|\s+|[^\w\s]", text)
