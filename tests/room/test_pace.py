"""How much one person and one address may ask in a minute."""

import time

import pytest

from playground.config.room import RoomSettings
from playground.room.pace import Pace, TooFast

RULES = RoomSettings(actions_per_minute=3, actions_per_address=5)


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "time", made)
    return made


def test_the_window_moves_with_the_clock(clock: Clock) -> None:
    pace = Pace()
    for _ in range(3):
        pace.count(RULES, "ann", "")
        clock.now += 10
    with pytest.raises(TooFast, match=r"You asked for 3 things within a minute.*nothing is lost, try again in 30 s"):
        pace.count(RULES, "ann", "")
    pace.count(RULES, "ben", "")
    clock.now += 30.5  # the first of the three lies a minute back
    pace.count(RULES, "ann", "")
    with pytest.raises(TooFast) as told:
        pace.count(RULES, "ann", "")
    assert told.value.retry_after == 10


def test_another_key_does_not_help_for_long(clock: Clock) -> None:
    pace = Pace()
    for person in range(5):
        pace.count(RULES, f"person {person}", "198.51.100.7")
    with pytest.raises(TooFast, match="This network asked for 5 things"):
        pace.count(RULES, "a sixth person", "198.51.100.7")
    pace.count(RULES, "a sixth person", "198.51.100.8")


def test_what_is_refused_does_not_count(clock: Clock) -> None:
    pace = Pace()
    for _ in range(3):
        pace.count(RULES, "ann", "")
    for _ in range(20):
        clock.now += 1
        with pytest.raises(TooFast):
            pace.count(RULES, "ann", "")
    clock.now += 41
    pace.count(RULES, "ann", "")


def test_a_change_of_the_rules_holds_at_once(clock: Clock) -> None:
    pace = Pace()
    for _ in range(3):
        pace.count(RULES, "ann", "")
    with pytest.raises(TooFast):
        pace.count(RULES, "ann", "")
    pace.count(RoomSettings(actions_per_minute=10), "ann", "")


def test_files_that_are_sent_count_by_their_address(clock: Clock) -> None:
    pace = Pace()
    for _ in range(3):
        pace.upload(RULES, "198.51.100.7")
    with pytest.raises(TooFast, match="This network asked for 3 things"):
        pace.upload(RULES, "198.51.100.7")
