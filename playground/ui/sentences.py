"""Says the sentences of errors in the reader's language; they are made in English, and stay so wherever they are kept.

`assets/i18n/sentences/LOCALE.json` has a template for each, English to translated; `python -m scripts.sentences` reads
them from the source. `assets/js/sentences.js` does the same in the page, and both are tested with the same cases.
"""

import functools
import json
import re
from typing import NamedTuple

from playground.ui.i18n import FOLDER

PLACE = re.compile(r"\{(\d+)\}")
GAPS = (("\n", "\n"), (". ", " "))
"""Between two sentences, and what of it is not the first one's."""
MOST_PARTS = 30
"""Sentences that are looked at one by one; what has more is somebody's text."""
DEEPEST = 4
"""Sentences within sentences."""


class Template(NamedTuple):
    """A sentence with places."""

    pieces: tuple[str, ...]
    """English between the places."""
    told: tuple[str, ...]
    """The translation: text and numbers of places in turn."""

    @property
    def rank(self) -> tuple[bool, int]:
        """Sorts those first whose beginning and end are their own, and of these those with the longest text."""
        bounded = self.pieces[0] and (self.pieces[-1] or self.pieces[-2].endswith((": ", ". ")))
        return not bounded, -sum(map(len, self.pieces))

    def captured(self, text: str) -> list[str] | None:
        """What stands in the places of `text`, each as short as can be; None where the pieces are not there."""
        first, *middle, last = self.pieces
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return None
        found = []
        for piece in middle:
            start = text.find(piece, at, end)
            if start < 0:
                return None
            found.append(text[at:start])
            at = start + len(piece)
        return [*found, text[at:end]]

    def filled(self, places: list[str]) -> str:
        """The translation with its places filled."""
        return "".join(places[int(piece)] if at % 2 else piece for at, piece in enumerate(self.told))


class Catalogue:
    """The templates of one language, most specific first."""

    def __init__(self, written: dict[str, str]) -> None:
        made = [
            Template(tuple(PLACE.split(english)[::2]), tuple(PLACE.split(told))) for english, told in written.items()
        ]
        self._whole = {found.pieces[0]: found.told[0] for found in made if len(found.pieces) == 1}
        placed = [found for found in made if len(found.pieces) > 1]
        self._placed = sorted(placed, key=lambda found: found.rank)

    def told(self, text: str, deep: int = DEEPEST) -> str | None:
        """A sentence, lines or sentences in a row, translated; None for what is not known."""
        if not deep:
            return None
        partly = None
        for gap, between in GAPS:
            parts = _parts(text, gap)
            if 1 < len(parts) <= MOST_PARTS:
                told = [self.told(part, deep - 1) for part in parts]
                if None not in told:
                    return between.join(filter(None, told))
                if partly is None and any(told):
                    partly = between.join(found or part for found, part in zip(told, parts, strict=True))
        return self._sentence(text, deep) or partly

    def _sentence(self, text: str, deep: int) -> str | None:
        if text in self._whole:
            return self._whole[text]
        for template in self._placed:
            places = template.captured(text)
            if places is not None:
                return template.filled([self.told(place, deep - 1) or place for place in places])
        return None


def _parts(text: str, gap: str) -> list[str]:
    """Sentences, each with its stop."""
    *parts, last = text.split(gap)
    return [*(part + gap.rstrip() for part in parts), last]


@functools.cache
def catalogue(locale: str) -> Catalogue:
    """That of a language; without any sentence for English."""
    path = FOLDER / "sentences" / f"{locale}.json"
    return Catalogue(json.loads(path.read_text(encoding="utf-8")) if path.exists() else {})


def translated(sentence: str, locale: str) -> str:
    """An error's sentence in a language; in English where it is not known."""
    return catalogue(locale).told(sentence) or sentence
