"""Whose job is next: people take turns, however many jobs each of them has waiting.

Start-time fair queueing (Goyal, Vin and Cheng 1996) with jobs of one size: every start of a job moves its owner one
round on, and nobody is served in a round while someone of an earlier round waits. Who comes new is in the present
round; so nobody saves up turns, and nobody who asks for much holds up someone who asks for little.
"""

from collections.abc import Sequence

from playground.runs.records import Waiting


class Turns:
    """The rounds of a queue. Any thread may ask for the order; only one at a time may start jobs."""

    def __init__(self) -> None:
        self._round = 0
        self._next: dict[str, int] = {}
        """The round in which each owner may start again, where it is later than the present one."""

    def order(self, waiting: Sequence[Waiting]) -> list[Waiting]:
        """Jobs in the order in which they will start if nothing changes; each owner's own stay as they came."""
        rounds: dict[str, int] = {}
        present, after = self._round, self._next
        turns: dict[str, int] = {}
        for job, owner in waiting:
            turns[job] = rounds.get(owner, max(present, after.get(owner, 0)))
            rounds[owner] = turns[job] + 1
        return sorted(waiting, key=lambda found: turns[found.job])

    def started(self, owner: str) -> None:
        """Notes that a job of an owner begins now."""
        self._round = max(self._round, self._next.get(owner, 0))
        later = {name: turn for name, turn in self._next.items() if turn > self._round}
        self._next = later | {owner: self._round + 1}
