"""Questions for a judge, and what its replies come to."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from playground.config.judging import JudgeSettings
from playground.judging.verdicts import Preference, agreed, preference_in, score_in


class Asker(Protocol):
    """Whoever replies to prompts."""

    def ask(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int,
        stop: threading.Event,
        report: Callable[[int], None] = ...,
    ) -> list[str]:
        """One reply per prompt, in their order; raises `PlaygroundError`."""


class Asked(NamedTuple):
    """What a row asks."""

    instruction: str
    input: str
    reference: str


@dataclass(frozen=True)
class Scored:
    """What a judge says of one answer."""

    score: float | None
    """0-100; None where the reply cannot be read."""
    reply: str


@dataclass(frozen=True)
class Compared:
    """What a judge says of two answers."""

    preference: Preference | None
    """The same in both orders, else a tie; None where a reply cannot be read."""
    turned: bool
    """Whether it preferred the same letter in both orders, and so the other answer."""
    replies: tuple[str, str]
    """In the order first and second, and in that of second and first."""


def scores(
    asker: Asker,
    settings: JudgeSettings,
    asked: Sequence[Asked],
    answers: Sequence[str],
    *,
    stop: threading.Event,
    report: Callable[[int], None] = lambda _: None,
) -> list[Scored]:
    """One verdict per answer. Raises as the asker."""
    prompts = [
        settings.score_prompt.format(**row._asdict(), answer=answer) for row, answer in zip(asked, answers, strict=True)
    ]
    replies = asker.ask(prompts, max_new_tokens=settings.max_new_tokens, stop=stop, report=report)
    return [Scored(score_in(reply), reply) for reply in replies]


def comparisons(
    asker: Asker,
    settings: JudgeSettings,
    asked: Sequence[Asked],
    first: Sequence[str],
    second: Sequence[str],
    *,
    stop: threading.Event,
    report: Callable[[int], None] = lambda _: None,
) -> list[Compared]:
    """One verdict per pair of answers, each pair shown in both orders. Raises as the asker."""
    prompts = [
        settings.pair_prompt.format(**row._asdict(), first=one, second=other)
        for lefts, rights in ((first, second), (second, first))
        for row, one, other in zip(asked, lefts, rights, strict=True)
    ]
    replies = asker.ask(prompts, max_new_tokens=settings.max_new_tokens, stop=stop, report=report)
    found = []
    for straight, swapped in zip(replies[: len(asked)], replies[len(asked) :], strict=True):
        one, other = preference_in(straight), preference_in(swapped)
        found.append(Compared(agreed(one, other), one == other and one not in (None, "tie"), (straight, swapped)))
    return found
