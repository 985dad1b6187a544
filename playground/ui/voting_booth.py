"""What blind votes need beside the fields of their page: open ballots for one person, and the table for all."""

import random
import threading
from collections.abc import Collection, Iterator
from typing import Any

from playground.config import codec
from playground.config.voting import VotingSettings
from playground.errors import ConfigError, DataError
from playground.ui.data_shelf import Kept
from playground.ui.identity import Person
from playground.ui.pacing import act
from playground.ui.services import Services
from playground.ui.voting_live import live_arena
from playground.voting.arena import Arena, EvaluationArena, evaluation_arena, title
from playground.voting.ballots import Ballot, Ballots, Pair, Vote
from playground.voting.drawing import Matchup, draw
from playground.voting.preferences import preferences
from playground.voting.standings import standings

OPEN = 2
"""Ballots that a page holds: the one being read, and the next, so that nobody waits."""
OPEN_INSTANT = 6
"""Where no answer has to be written first."""
SAME_IN_A_ROW = 12
"""Pairs of equal answers that are written in vain before one is asked to change something."""
LATEST = 50
"""Of one's own votes, how many are listed."""


class VotingBooth:
    """One per app; cheap to make."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._written: Kept[str] = Kept(512)
        self._evaluations: Kept[EvaluationArena] = Kept(8)
        self._tables: Kept[dict[str, Any]] = Kept(16)
        self._drawing: Kept[threading.Lock] = Kept(256)
        self._chance = random.SystemRandom()

    @property
    def ballots(self) -> Ballots:
        """Those of this home."""
        return Ballots(self._services.store.database)

    def count(self, known: Person, max_new_tokens: int = 0) -> None:
        """Counts what a person does here against the rules of the room; see `pacing.act`."""
        act(self._services, known, max_new_tokens=max_new_tokens)

    def arena(self, settings: VotingSettings, known: Person) -> Arena:
        """Where the answers come from.

        Raises:
            PlaygroundError: see `evaluation_arena` and `live_arena`.
        """
        if settings.evaluation:
            store = self._services.store
            store.get(settings.evaluation)  # it may have been deleted since
            return self._evaluations.get(settings.evaluation, lambda: evaluation_arena(store, settings.evaluation))
        return live_arena(self._services, settings, known, self.ballots, self._written)

    def states(self, arena: Arena, known: Person) -> Iterator[dict[str, Any]]:
        """What the page shows of an arena: where answers must be written, at once as it stands and after each ballot.

        Raises:
            PlaygroundError: answers cannot be written.
        """
        state = self._state(arena, known)
        if not arena.instant:
            yield state
        # One at a time for each person: two votes in a row must not draw the same pair.
        with self._drawing.get((known.owner, arena.source), threading.Lock):
            while state["drawing"]:
                handed = self._hand_one(arena, known)
                state = self._state(arena, known)
                state["drawing"] &= handed
                if not arena.instant:
                    yield state
        if arena.instant:
            yield state

    def _hand_one(self, arena: Arena, known: Person) -> bool:
        """Adds an open ballot, and says whether there was one to add."""
        if sum(ballot.verdict is None for ballot in self._mine(arena, known)) >= _most(arena):
            return False
        seen = [_matchup(ballot) for ballot in self.ballots.of(known.owner, arena.source)]
        pair = self.unlike(arena, seen)
        if pair is not None:
            self.ballots.hand(pair, known.owner)
        return pair is not None

    def unlike(self, arena: Arena, seen: Collection[Matchup]) -> Pair | None:
        """Two answers that differ, written now where they must be; None where all of them are among the `seen`.

        Raises:
            DataError: one pair after the other was the same answer twice.
            PlaygroundError: answers cannot be written.
        """
        for _ in range(SAME_IN_A_ROW):
            asked = self.ballots.asked(arena.source)
            found = draw(arena.contestants, arena.rows, asked, {*seen, *arena.alike()}, self._chance)
            if found is None:
                return None
            pair = arena.pair(found)
            if not pair.alike:
                return pair
            self.ballots.keep(pair)
        raise DataError(
            f"The models gave the same answer to {SAME_IN_A_ROW} questions in a row. Draw answers by sampling, ask "
            "something else, or choose models that differ more."
        )

    def _mine(self, arena: Arena, known: Person) -> list[Ballot]:
        """A person's ballots on an arena's pairs, oldest first."""
        names = set(arena.contestants)
        ballots = self.ballots.of(known.owner, arena.source)
        return [ballot for ballot in ballots if {ballot.pair.first, ballot.pair.second} <= names]

    def _state(self, arena: Arena, known: Person) -> dict[str, Any]:
        mine, models = self._mine(arena, known), len(arena.contestants)
        unread = [ballot for ballot in mine if ballot.verdict is None]
        alike = len([one for one in arena.alike() if {one.first, one.second} <= set(arena.contestants)])
        total = len(arena.rows) * models * (models - 1) // 2 - alike
        return {
            "state": "open",
            "source": arena.source,
            "ballots": [ballot.shown() for ballot in unread[: _most(arena)]],
            "voted": len(mine) - len(unread),
            "total": total,
            "alike": alike,
            "drawing": len(unread) < _most(arena) and len(mine) < total,
        }

    def standings(self, arena: Arena, known: Person, *, everybody: bool) -> dict[str, Any]:
        """The table, one's own latest votes, and how many preferences a data set of these votes would have."""
        votes = self.votes(arena, known, everybody=everybody)
        return {
            "everybody": everybody,
            "table": self._table(arena, known, votes, everybody=everybody),
            "mine": [self._listed(ballot) for ballot in reversed(self._mine(arena, known)) if ballot.verdict][:LATEST],
            "preferences": len(preferences(votes).rows),
        }

    def votes(self, arena: Arena, known: Person, *, everybody: bool) -> list[Vote]:
        """The votes between an arena's models: one's own, or all on what one may read."""
        seen_by = None if known.host else known.owner
        return self.ballots.votes(arena.contestants, owner=None if everybody else known.owner, seen_by=seen_by)

    def _table(self, arena: Arena, known: Person, votes: list[Vote], *, everybody: bool) -> dict[str, Any]:
        def make() -> dict[str, Any]:
            found = standings(arena.contestants, votes)
            return found.to_json([title(model, self._services.store) for model in found.models])

        key = (tuple(arena.contestants), self.ballots.stamp(), known, everybody)
        return self._tables.get(key, make)

    def _listed(self, ballot: Ballot) -> dict[str, Any]:
        names = [title(name, self._services.store) for name in (ballot.pair.first, ballot.pair.second)]
        left, right = reversed(names) if ballot.swapped else names
        return {**ballot.shown(), "choice": ballot.choice, "names": [left, right]}


def _matchup(ballot: Ballot) -> Matchup:
    return Matchup(ballot.pair.row, ballot.pair.first, ballot.pair.second)


def _most(arena: Arena) -> int:
    return OPEN_INSTANT if arena.instant else OPEN


def settings_of(kept: object) -> VotingSettings | None:
    """What is voted under; None before the first start, and where a newer or older version kept it."""
    if not isinstance(kept, dict):
        return None
    try:
        return codec.decode_section(VotingSettings, kept)
    except ConfigError:
        return None
