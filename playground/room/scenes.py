"""What a host can put on stage: a run's curve, pairs of answers to vote on, and a token to guess.

A scene is frozen; `Stage` replaces it with every vote and every step of the host.
"""

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from playground.voting.ballots import Choice, Pair, Verdict

OPTIONS = 5
"""Tokens that can be guessed by name; all others together are one more option."""
MOST_DRAWS = 200
"""Tokens that a host draws at one place in a text."""


@dataclass(frozen=True)
class Curve:
    """A metric of a run over its steps, as far as they are."""

    run: str
    """Its id, or the marked name of a recording; see `recorded`."""
    metric: str = ""
    """By TRL's name, without `eval_`; empty leaves the choice to the run's method."""
    since: float = 0.0
    """When it was put on stage, by `time.monotonic`."""


@dataclass(frozen=True)
class Posed:
    """A pair of answers in front of the room.

    All see it in the same order, since they look at one screen and talk of A and B. The order is drawn for each pair,
    so that standing on the left favours no model.
    """

    pair: Pair
    swapped: bool
    """Whether the second answer is A."""
    names: tuple[str, str]
    """What the first and the second model are called."""
    closed: bool = False
    revealed: bool = False
    votes: Mapping[str, Verdict] = field(default_factory=dict)
    """By owner id."""

    def verdict(self, choice: Choice) -> Verdict:
        """What a choice between A and B says of first and second."""
        if choice == "tie":
            return "tie"
        return "first" if (choice == "left") != self.swapped else "second"

    def tally(self) -> dict[Choice, int]:
        """Votes for A, for neither and for B."""
        given = list(self.votes.values())
        return {choice: given.count(self.verdict(choice)) for choice in ("left", "tie", "right")}

    def shown(self) -> dict[str, Any]:
        """What everybody may know: whose an answer is only after the host has revealed it, votes only once closed."""
        left, right = _ordered((self.pair.first_answer, self.pair.second_answer), self.swapped)
        known: dict[str, Any] = {
            "pair": self.pair.key,
            "instruction": self.pair.instruction,
            "input": self.pair.input,
            "left": left,
            "right": right,
            "open": not self.closed,
        }
        if self.closed:
            known["tally"] = self.tally()
        if self.revealed:
            known["names"] = list(_ordered(self.names, self.swapped))
        return known


@dataclass(frozen=True)
class Voting:
    """Pairs of answers that the room was shown, and the one that it is shown now."""

    posed: tuple[Posed, ...] = ()
    at: int = -1
    title: str = ""
    """Of where the answers come from."""
    writing: bool = False
    """Whether models write the next answers."""

    @property
    def current(self) -> Posed | None:
        """None until the first pair is there."""
        return self.posed[self.at] if self.posed and not self.writing else None

    def with_current(self, posed: Posed) -> "Voting":
        """The same with another state of the pair that is shown."""
        return replace(self, posed=(*self.posed[: self.at], posed, *self.posed[self.at + 1 :]))


@dataclass(frozen=True)
class Guessing:
    """A text whose next token is guessed before it is drawn."""

    prompt: str
    text: str
    """Of the tokens drawn so far."""
    tokens: tuple[int, ...]
    """Those tokens."""
    options: tuple[int, ...]
    """Tokens that can be guessed by name, in an order that says nothing."""
    probabilities: npt.NDArray[np.float64] = field(repr=False, compare=False)
    """(vocab,), sums to 1."""
    texts: Sequence[str] = field(repr=False, compare=False)
    """Of every token."""
    model: str = ""
    """What the model is called."""
    temperature: float = 1.0
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What `next_token` was asked with, to go on."""
    draws: tuple[int, ...] = ()
    """Tokens drawn here in front of all; the first is the one that was guessed."""
    guesses: Mapping[str, int] = field(default_factory=dict)
    """By owner id, places among the options; one behind the last means another token."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @property
    def open(self) -> bool:
        """Whether guesses are taken."""
        return not self.draws

    def place(self, token: int) -> int:
        """The option that a token belongs to."""
        return self.options.index(token) if token in self.options else len(self.options)

    def chances(self) -> list[float]:
        """Probability of each option, that of another token last; they sum to 1."""
        named = [float(self.probabilities[token]) for token in self.options]
        return [*named, max(0.0, 1.0 - sum(named))]

    def drawn(self, chance: random.Random) -> "Guessing":
        """With one more token out of the whole distribution, the tokens outside the options included."""
        token = min(
            int(np.searchsorted(np.cumsum(self.probabilities), chance.random(), side="right")),
            int(np.flatnonzero(self.probabilities)[-1]),  # the sum of many small floats may end below 1
        )
        return replace(self, draws=(*self.draws, token)[:MOST_DRAWS])

    def shown(self) -> dict[str, Any]:
        """What everybody may know: the distribution and the guesses only after a token was drawn."""
        known: dict[str, Any] = {
            "id": self.id,
            "prompt": self.prompt,
            "text": self.text,
            "options": [self.texts[token] for token in self.options],
            "open": self.open,
            "model": self.model,
            "temperature": self.temperature,
        }
        if not self.open:
            given = list(self.guesses.values())
            places = range(len(self.options) + 1)
            known["chances"] = [round(found, 6) for found in self.chances()]
            known["guesses"] = [given.count(place) for place in places]
            known["draws"] = [self.texts[token] for token in self.draws[-12:]]
            known["drawn"] = [[self.place(token) for token in self.draws].count(place) for place in places]
            known["won"] = self.place(self.draws[0])
            known["first"] = self.texts[self.draws[0]]
            known["chance"] = round(float(self.probabilities[self.draws[0]]), 6)
        return known


def choose_options(probabilities: npt.NDArray[np.float64], chance: random.Random) -> tuple[int, ...]:
    """The likeliest tokens, shuffled; those that cannot come are not among them."""
    best = np.argsort(-probabilities, kind="stable")[:OPTIONS]
    options = [int(token) for token in best if probabilities[token] > 0]
    chance.shuffle(options)
    return tuple(options)


def _ordered(two: tuple[str, str], swapped: bool) -> tuple[str, str]:
    return (two[1], two[0]) if swapped else two


Scene = Curve | Voting | Guessing
