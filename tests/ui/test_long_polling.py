"""Answers that are held until something changes."""

import asyncio
import time

import pytest

from playground.errors import RunError
from playground.room.audience import Told
from playground.ui.long_polling import LONGEST, LOOK_EVERY, LongPoll, waits

LONG = 60.0
"""Seconds that no test waits to the end."""


class Stage:
    """What is on stage, and how often somebody looked."""

    def __init__(self) -> None:
        self.tag = "first"
        self.looks = 0
        self.broken = False

    async def now(self) -> Told:
        self.looks += 1
        if self.broken:
            raise RunError("There is no such run.")
        return Told(b"", self.tag, 0, 0.0)


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=3", 3.0),
        ("respond-async, wait=2", 2.0),
        ("handling=lenient;wait = 1", 1.0),
        ("wait=999999999", LONGEST),
        ("wait=9" + "9" * 400, 0.0),
        ("await=3", 0.0),
        ("wait=-1", 0.0),
        ("wait=soon", 0.0),
        ("", 0.0),
    ],
)
def test_the_header_says_how_long_to_wait(prefer: str, seconds: float) -> None:
    assert waits(prefer) == seconds


def test_who_has_something_else_is_told_at_once() -> None:
    async def asked() -> str:
        return (await asyncio.wait_for(LongPoll(Stage().now).other_than("another", LONG), 5)).tag

    assert asyncio.run(asked()) == "first"


def test_all_are_told_of_a_change_and_one_looks_for_them() -> None:
    stage = Stage()

    async def hundred() -> list[Told]:
        poll = LongPoll(stage.now)
        waiting = [asyncio.create_task(poll.other_than("first", LONG)) for _ in range(100)]
        await asyncio.sleep(2.5 * LOOK_EVERY)
        assert not any(task.done() for task in waiting)
        assert stage.looks <= 100 + 3  # each once, and one for all of them
        stage.tag = "second"
        return await asyncio.wait_for(asyncio.gather(*waiting), LONG)

    assert {told.tag for told in asyncio.run(hundred())} == {"second"}


def test_who_waited_in_vain_is_told_what_he_has_and_nobody_looks_any_more() -> None:
    stage = Stage()

    async def waited() -> tuple[Told, float, int]:
        poll = LongPoll(stage.now)
        begun = time.monotonic()
        told = await poll.other_than("first", 2 * LOOK_EVERY)
        taken = time.monotonic() - begun
        await asyncio.sleep(2 * LOOK_EVERY)
        looks = stage.looks
        await asyncio.sleep(2 * LOOK_EVERY)
        return told, taken, stage.looks - looks

    told, taken, looks = asyncio.run(waited())
    assert (told.tag, looks) == ("first", 0)
    assert taken >= 2 * LOOK_EVERY


def test_a_change_and_back_leaves_nobody_behind() -> None:
    stage = Stage()

    async def turned() -> tuple[str, str]:
        poll = LongPoll(stage.now)
        early = asyncio.create_task(poll.other_than("first", LONG))
        await asyncio.sleep(0)
        stage.tag = "second"
        late = asyncio.create_task(poll.other_than("second", LONG))
        told = await asyncio.wait_for(early, LONG)
        assert not late.done()
        stage.tag = "first"
        return told.tag, (await asyncio.wait_for(late, LONG)).tag

    assert asyncio.run(turned()) == ("second", "first")


def test_nobody_waits_where_the_app_ends() -> None:
    ending = False

    async def ended() -> list[Told]:
        nonlocal ending
        poll = LongPoll(Stage().now, lambda: ending)
        waiting = [asyncio.create_task(poll.other_than("first", LONG)) for _ in range(3)]
        await asyncio.sleep(LOOK_EVERY)
        ending = True
        return await asyncio.wait_for(asyncio.gather(*waiting, poll.other_than("first", LONG)), LONG / 2)

    assert [told.tag for told in asyncio.run(ended())] == ["first"] * 4


def test_what_goes_wrong_while_they_wait_is_told_to_each() -> None:
    stage = Stage()

    async def broken() -> list[Told | BaseException]:
        poll = LongPoll(stage.now)
        waiting = [asyncio.create_task(poll.other_than("first", LONG)) for _ in range(3)]
        await asyncio.sleep(0)
        stage.broken = True
        found = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), LONG)
        stage.broken = False
        stage.tag = "second"
        assert (await poll.other_than("first", LONG)).tag == "second"  # and the next one is served
        return found

    assert [str(one) for one in asyncio.run(broken())] == ["There is no such run."] * 3
