"""How far judges of an evaluation agree with the people who voted on the same pairs of answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from playground.evaluation.judge import SAME
from playground.evaluation.subject import BASE
from playground.judging.verdicts import Preference, agreement
from playground.runs.store import RunStore
from playground.voting.arena import RUN
from playground.voting.ballots import EVALUATION, Ballots, Vote, meetings_of

PREFERENCES: dict[str, Preference] = {"win": "first", "tie": "tie", "loss": "second"}
"""What a judge of pairs says of a model's answer against the base's."""


def with_votes(
    store: RunStore, evaluation: str, judges: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The judges' entries with `votes`: `{"pairs", "share", "kappa"}`, or None where nobody voted on what they judged.

    Of several votes on a pair the majority's counts; as many for one answer as for the other are a tie.
    """
    voted = meetings_of(Ballots(store.database).votes_on(f"{EVALUATION}{evaluation}"))
    by_row = {row["row"]: row for row in rows}
    told = []
    for number, judge in enumerate(judges):
        people: list[Preference] = []
        judged: list[Preference] = []
        for pair, votes in voted.items():
            models = [_model(name, rows[0]["answers"]) for name in (pair.first, pair.second)]
            said = by_row[pair.row]["judges"][number] if pair.row in by_row else {}
            verdict = _preference(said, *models)
            if verdict is not None:
                people.append(majority(votes))
                judged.append(verdict)
        found = agreement(people, judged)
        told.append({**judge, "votes": found and {"pairs": found.pairs, "share": found.share, "kappa": found.kappa}})
    return told


def majority(votes: Sequence[Vote]) -> Preference:
    """What most people say of one pair."""
    lead = sum(vote.verdict == "first" for vote in votes) - sum(vote.verdict == "second" for vote in votes)
    return "tie" if not lead else "first" if lead > 0 else "second"


def _model(contestant: str, answers: Mapping[str, str]) -> str:
    """The id under which an evaluation has a contestant; whoever else stands there is the base."""
    own = contestant.removeprefix(RUN)
    return own if own in answers else BASE


def _preference(said: Mapping[str, Any], first: str, second: str) -> Preference | None:
    """What a judge says of two answers to one row; None where it says nothing that can be read."""
    one, other = said.get(first), said.get(second)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return "tie" if abs(one - other) < SAME else "first" if one > other else "second"
    if second == BASE and isinstance(one, str):
        return PREFERENCES[one]
    if first == BASE and isinstance(other, str):
        return {"first": "second", "second": "first", "tie": "tie"}[PREFERENCES[other]]  # type: ignore[return-value]
    return None
