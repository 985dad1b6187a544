"""Whose job is next, by hand."""

from playground.jobs.fairness import Turns
from playground.runs.records import Waiting


def line(names: str) -> list[Waiting]:
    """Jobs a1, b1, a2 … of owners a, b, a …, in the order in which they came."""
    return [Waiting(f"{owner}{names[:at].count(owner) + 1}", owner) for at, owner in enumerate(names)]


def served(turns: Turns, waiting: list[Waiting]) -> list[str]:
    """All of them, each started as its turn comes."""
    order = []
    while waiting:
        job, owner = turns.order(waiting)[0]
        turns.started(owner)
        waiting = [found for found in waiting if found.job != job]
        order.append(job)
    return order


def test_owners_take_turns_and_their_own_jobs_stay_in_order() -> None:
    assert [found.job for found in Turns().order(line("aaabbc"))] == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_the_order_that_is_told_is_the_order_that_comes() -> None:
    turns = Turns()
    turns.started("a")
    told = [found.job for found in turns.order(line("aaabbc"))]
    assert served(turns, line("aaabbc")) == told == ["b1", "c1", "a1", "b2", "a2", "a3"]


def test_who_was_just_served_comes_after_who_was_not() -> None:
    turns = Turns()
    for owner in "aaa":
        turns.started(owner)
    assert [found.job for found in turns.order(line("ab"))] == ["b1", "a1"]


def test_nobody_saves_up_turns() -> None:
    turns = Turns()
    for owner in "aaaa":
        turns.started(owner)
    # b was not here for four rounds; that is no claim to four jobs in a row. Within a round, who came first goes first.
    assert served(turns, line("bbbba")) == ["b1", "b2", "a1", "b3", "b4"]
