"""Labels put into words, as a language model would write them, and questions about a named party.

A verbaliser maps each label to a word (Schick and Schütze 2021, arXiv:2001.07676). Where a template asks about
`{party}`, the row's first party is named if its text speaks of it, else the opponent, whose answer is the other one,
else the complainant, who is the first party by another name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from playground.config.run import DataSettings
from playground.data.cells import Unusable
from playground.data.records import Record

NOBODY = "Complainant"
"""Who is asked about where a text names nobody."""
PARTY = "{party}"
TELLING = 3
"""Letters from which on a part of a name is taken for the whole."""
MOST = 50
"""Labels; what is more is no classification."""
READ = 20_000
"""Rows in which labels are looked for."""
COMMON = frozenset({"the", "and", "for", "inc", "ltd", "llc"})

Wording = Callable[[Record], Record]


def wording(settings: DataSettings) -> Wording | None:
    """What the settings make of rows with a label; None where they leave them as they are.

    The function raises `Unusable` for a label without a word, or a party's question without two answers.
    """
    words, asks = settings.verbalizer, PARTY in settings.template_text
    if not words and not asks:
        return None

    def put(record: Record) -> Record:
        if record.kind != "label":
            return record
        word = _word(record.fields["label"], words)
        if not asks:
            return replace(record, fields={"text": record.fields["text"], "label": word})
        name, other = _named(record.fields)
        if other:
            word = _opposite(word, words)
        return replace(record, fields={"text": record.fields["text"], "label": word, "party": name})

    return put


def _word(label: str, words: Mapping[str, str]) -> str:
    if words and label not in words:
        raise Unusable(f"Its label {label!r} has no word in data.verbalizer, which knows {', '.join(words)}.")
    return words.get(label, label)


def _opposite(word: str, words: Mapping[str, str]) -> str:
    others = set(words.values()) - {word}
    if len(others) != 1:
        raise Unusable(
            "It asks about the second party, whose answer is the other one; data.verbalizer must have two words."
        )
    return others.pop()


def _named(fields: Mapping[str, str]) -> tuple[str, bool]:
    """Whom a row asks about, and whether that is the opponent of whom the label speaks."""
    for field in ("party", "opponent"):
        name = fields.get(field, "").strip()
        if name and _speaks_of(fields["text"], name):
            return name, field == "opponent"
    return NOBODY, False


def _speaks_of(text: str, name: str) -> bool:
    """Whether a name, or a telling part of it, is in a text."""
    words = [word for word in re.findall(r"[\w'-]+", name) if len(word) >= TELLING and word[0].isupper()]
    parts = [name, *(word for word in words if word.lower() not in COMMON)]
    return any(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text, re.IGNORECASE) for part in parts)


def words_of(settings: DataSettings, records: Sequence[Record]) -> tuple[str, ...]:
    """The words that rows with labels are told apart by: the verbaliser's, else the labels themselves in their order.

    None where the rows have no labels, fewer than two, or more than `MOST` different ones.
    """
    if not records or records[0].kind != "label":
        return ()
    if settings.verbalizer:
        return tuple(settings.verbalizer.values())
    found = sorted({record.answer for record in islice(records, READ)})
    return tuple(found) if 2 <= len(found) <= MOST else ()
