"""The table of the models that were voted on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.core.intervals import wilson
from playground.voting.ballots import Vote, meetings_of
from playground.voting.strengths import Meeting, Strengths, strengths


@dataclass(frozen=True)
class Tally:
    """Votes for one model, or for one against another."""

    wins: int = 0
    ties: int = 0
    losses: int = 0

    @property
    def total(self) -> int:
        """Votes."""
        return self.wins + self.ties + self.losses

    def to_json(self) -> dict[str, Any] | None:
        """With the win rate, in which a tie is half a win, and its 95 % interval by Wilson; None without votes."""
        if not self.total:
            return None
        rate = (self.wins + self.ties / 2) / self.total
        counts = {"wins": self.wins, "ties": self.ties, "losses": self.losses, "votes": self.total}
        return {**counts, "rate": rate, "interval": list(wilson(rate, self.total))}


@dataclass(frozen=True)
class Standings:
    """Models by strength, the strongest first."""

    models: tuple[str, ...]
    strengths: Strengths
    tallies: dict[tuple[int, int], Tally]
    """Of the model at the first place against that at the second."""
    votes: int
    pairs: int
    """Pairs of answers that were voted on."""
    voters: int

    def to_json(self, titles: Sequence[str]) -> dict[str, Any]:
        """What the page shows.

        Args:
            titles: of `models`, in their order.
        """
        places = range(len(self.models))
        return {
            "models": [
                {
                    "title": titles[place],
                    "points": self.strengths.points[place],
                    "interval": list(self.strengths.intervals[place]),
                    "tally": self._overall(place).to_json(),
                    "surely_below": [above for above in range(place) if self.strengths.sure[above, place]],
                }
                for place in places
            ],
            "matrix": [[self.tallies.get((row, column), Tally()).to_json() for column in places] for row in places],
            "votes": self.votes,
            "pairs": self.pairs,
            "voters": self.voters,
        }

    def _overall(self, place: int) -> Tally:
        met = [tally for (one, _), tally in self.tallies.items() if one == place]
        return Tally(sum(one.wins for one in met), sum(one.ties for one in met), sum(one.losses for one in met))


def standings(models: Sequence[str], votes: Sequence[Vote]) -> Standings:
    """The models' standings; only votes between them may be given."""
    found = strengths(len(models), _meetings(list(models), votes))
    order = sorted(range(len(models)), key=lambda place: -found.points[place])
    ranked = tuple(models[place] for place in order)
    tallies: dict[tuple[int, int], list[int]] = {}
    for vote in votes:
        one, other = ranked.index(vote.pair.first), ranked.index(vote.pair.second)
        column = ("first", "tie", "second").index(vote.verdict)
        tallies.setdefault((one, other), [0, 0, 0])[column] += 1
        tallies.setdefault((other, one), [0, 0, 0])[2 - column] += 1
    return Standings(
        ranked,
        Strengths(
            tuple(found.points[place] for place in order),
            tuple(found.intervals[place] for place in order),
            {
                (one, other): found.sure[min(order[one], order[other]), max(order[one], order[other])]
                for other in range(len(order))
                for one in range(other)
            },
        ),
        {places: Tally(*counts) for places, counts in tallies.items()},
        len(votes),
        len(meetings_of(votes)),
        len({vote.owner for vote in votes}),
    )


def _meetings(models: list[str], votes: Sequence[Vote]) -> list[Meeting]:
    worth = {"first": 1.0, "tie": 0.5, "second": 0.0}
    found = []
    for pair, given in meetings_of(votes).items():
        won = sum(worth[vote.verdict] for vote in given)
        found.append(Meeting(models.index(pair.first), models.index(pair.second), won, len(given) - won))
    return found
