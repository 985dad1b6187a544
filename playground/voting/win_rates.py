"""How often the votes prefer one model to others, with the interval that as many votes leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.core.intervals import wilson_in_groups
from playground.voting.ballots import Vote, meetings_of

WORTH = {"first": 1.0, "tie": 0.5, "second": 0.0}
"""Of a vote for the first model; a tie is half a win."""


@dataclass(frozen=True)
class WinRate:
    """Of one model over those it met."""

    rate: float
    """0-1; a tie is half a win."""
    interval: tuple[float, float]
    """95 %, by Wilson; votes on the same two answers count for as much as they agree less than others do."""
    wins: int
    ties: int
    losses: int
    pairs: int
    """Pairs of answers that were voted on."""
    voters: int

    def to_json(self) -> dict[str, Any]:
        """What is kept and shown."""
        return {
            "rate": self.rate, "interval": list(self.interval), "wins": self.wins, "ties": self.ties,
            "losses": self.losses, "votes": self.wins + self.ties + self.losses, "pairs": self.pairs,
            "voters": self.voters,
        }  # fmt: skip


def win_rate(model: str, votes: Sequence[Vote]) -> WinRate | None:
    """Of a contestant over all others; None where nobody voted on it."""
    met = [vote for vote in votes if model in (vote.pair.first, vote.pair.second)]
    if not met:
        return None
    groups = [
        (sum(_worth(model, vote) for vote in given), len(given)) for given in meetings_of(met).values()
    ]  # fmt: skip
    values = [_worth(model, vote) for vote in met]
    return WinRate(
        sum(values) / len(values),
        wilson_in_groups(groups),
        values.count(1.0),
        values.count(0.5),
        values.count(0.0),
        len(groups),
        len({vote.owner for vote in met}),
    )


def _worth(model: str, vote: Vote) -> float:
    worth = WORTH[vote.verdict]
    return worth if vote.pair.first == model else 1 - worth
