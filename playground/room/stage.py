"""The stage: one scene at a time, put there by the host, answered by the room. Safe across threads."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar, get_args

from playground.errors import Busy, PlaygroundError
from playground.room.scenes import Guessing, Posed, Scene, Voting
from playground.voting.ballots import Choice, Pair, Verdict

S = TypeVar("S", Voting, Guessing)
V = TypeVar("V")

CHOICES: tuple[Choice, ...] = get_args(Choice)
MOST_PEOPLE = 2000
"""Answers to one question; more is no room of people."""


class NotOnStage(PlaygroundError):
    """What was answered is not what the room is shown."""


class Closed(PlaygroundError):
    """The host has ended the vote, or the token was drawn."""


class Stage:
    """What the room sees; nothing is kept beyond the app's end but the votes, which are in the database."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._scene: Scene | None = None
        self.version = 0
        """Grows with every change."""

    @property
    def scene(self) -> Scene | None:
        """None where nothing is on stage."""
        return self._scene

    def show(self, scene: Scene | None) -> None:
        """Puts a scene on stage in place of the last."""
        with self._lock:
            self._scene = scene
            self.version += 1

    def change(self, kind: type[S], change: Callable[[S], S]) -> S:
        """Replaces the scene by what `change` makes of it.

        Raises:
            NotOnStage: a scene of another kind is on stage.
        """
        with self._lock:
            changed = change(self._on_stage(kind))
            self.show(changed)
            return changed

    def vote(self, pair: str, owner: str, choice: object, write: Callable[[Pair, str, Verdict, bool], None]) -> Choice:
        """Takes a person's vote on the pair that is shown, in place of their last one.

        Args:
            pair: `Pair.key`, so that a vote that comes late is not counted for the next pair.
            write: keeps it, before it counts: pair, owner, verdict, and whether the second answer was A.

        Raises:
            PlaygroundError: the choice is none.
            NotOnStage: another pair, or none, is shown.
            Closed: the host ended the vote.
        """
        chosen: Choice | None = next((known for known in CHOICES if known == choice), None)
        if chosen is None:
            raise PlaygroundError(f"A vote is one of {', '.join(CHOICES)}; got {str(choice)[:40]!r}.")
        with self._lock:
            voting = self._on_stage(Voting)
            posed = voting.current
            if posed is None or posed.pair.key != pair:
                raise NotOnStage("That pair is not on stage any more; vote on the one that is shown now.")
            if posed.closed:
                raise Closed("The host has closed the vote on this pair.")
            verdict = posed.verdict(chosen)
            votes = _with(posed.votes, owner, verdict)
            write(posed.pair, owner, verdict, posed.swapped)
            self.show(voting.with_current(replace(posed, votes=votes)))
        return chosen

    def guess(self, round_id: str, owner: str, option: object) -> int:
        """Takes a person's guess of the token to come, in place of their last one.

        Raises:
            PlaygroundError: there is no such option.
            NotOnStage: another text, or none, is shown.
            Closed: the token was drawn.
        """
        with self._lock:
            guessing = self._on_stage(Guessing)
            if guessing.id != round_id:
                raise NotOnStage("That text is not on stage any more; guess the token of the one that is shown now.")
            if not guessing.open:
                raise Closed("The token was drawn already.")
            last = len(guessing.options)
            if not isinstance(option, int) or isinstance(option, bool) or not 0 <= option <= last:
                raise PlaygroundError(f"A guess is a whole number from 0 to {last}; got {str(option)[:40]!r}.")
            self.show(replace(guessing, guesses=_with(guessing.guesses, owner, option)))
        return option

    def pose(self, posed: Posed) -> None:
        """Shows one more pair, behind all that were shown.

        Raises:
            NotOnStage: no vote is on stage.
        """
        self.change(Voting, lambda voting: Voting((*voting.posed, posed), len(voting.posed), voting.title))

    def answers(self) -> int:
        """How many people answered what is shown."""
        match self._scene:
            case Voting(current=Posed() as posed):
                return len(posed.votes)
            case Guessing() as guessing:
                return len(guessing.guesses)
            case _:
                return 0

    def _on_stage(self, kind: type[S]) -> S:
        if not isinstance(self._scene, kind):
            wanted = "pair of answers to vote on" if kind is Voting else "token to guess"
            raise NotOnStage(f"There is no {wanted} on stage now.")
        return self._scene


def _with(given: Mapping[str, V], owner: str, answer: V) -> dict[str, V]:
    if owner not in given and len(given) >= MOST_PEOPLE:
        raise Busy(f"{MOST_PEOPLE:,} people have answered already; no more are taken.")
    return {**given, owner: answer}
