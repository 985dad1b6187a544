"""The loaded model and what a run made of it answer beside each other, from the same random numbers."""

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from playground.config.generation import GenerationSettings
from playground.errors import Cancelled
from playground.models.batch import Answer
from playground.models.generation import OnTokens, generate
from playground.models.prompting import Prompt, prompt_ids
from playground.models.residence import Residence
from playground.models.shelf import Side
from playground.models.streams import streamed
from playground.models.strength import at_strength


@dataclass(frozen=True)
class PairUpdate:
    """Both answers so far."""

    base: str
    tuned: str
    done: bool
    ahead: int = 0
    """Requests that come first, while it waits for its turn."""


class Prompts(NamedTuple):
    """What each side is asked: not the same where both have a conversation of their own behind them."""

    base: Prompt
    tuned: Prompt


def stream_pair(
    server: Residence,
    prompts: Prompts,
    run: str,
    settings: GenerationSettings,
    *,
    strength: float = 1.0,
    stop: threading.Event | None = None,
) -> Generator[PairUpdate]:
    """Both answers as they grow; the last update has `done` set.

    The work is done in a thread of its own, so that a reader who is slow, or never comes back, holds nobody up. Stopped
    by `stop` or by closing the iterator, it ends with what there is.

    Args:
        strength: how much the run's adapter counts; see `at_strength`.

    Raises:
        PlaygroundError: see `Shelf.tuned` and `at_strength` for what can be wrong with a run.
    """

    def work(tell: Callable[[PairUpdate], None], stop: threading.Event) -> None:
        texts = ["", ""]

        def hear(side: int, text: str) -> None:
            texts[side] = text
            tell(PairUpdate(texts[0], texts[1], done=False))

        try:
            with server.turn(stop, lambda ahead: tell(PairUpdate("", "", done=False, ahead=ahead))) as resident:
                # The tuned side first: once an adapter is attached, the base has to be asked for by name.
                tuned = resident.shelf.tuned(run, stop)
                sides, tokenizer = [resident.shelf.base(), tuned], resident.loaded.tokenizer
                ids = [prompt_ids(tokenizer, prompt) for prompt in prompts]
                with at_strength(tuned, strength):
                    answers(tokenizer, sides, ids, settings, stop, hear)
        except Cancelled:
            pass  # what there is by then is told as the whole of it
        tell(PairUpdate(texts[0], texts[1], done=True))

    return streamed(work, stop)


def answer_at(
    server: Residence,
    prompt: Prompt,
    run: str | None,
    settings: GenerationSettings,
    strength: float,
    stop: threading.Event,
) -> Answer:
    """One answer of the base, or of a run at a strength. Raises as `stream_pair`; Cancelled where `stop` is set."""
    with server.turn(stop) as resident:
        side = resident.shelf.tuned(run, stop) if run else resident.shelf.base()
        tokenizer = resident.loaded.tokenizer
        with at_strength(side, strength if run else 1.0):
            return answers(tokenizer, [side], [prompt_ids(tokenizer, prompt)], settings, stop, None)[0]


def answers(
    tokenizer: PreTrainedTokenizerBase,
    sides: Sequence[Side],
    prompts: Sequence[list[int]],
    settings: GenerationSettings,
    stop: threading.Event,
    hear: OnTokens | None,
) -> list[Answer]:
    """One answer per side with the same random numbers: in one batch where one model gives all."""
    if all(side.model is sides[0].model for side in sides):
        names = [side.adapter for side in sides if side.adapter is not None]
        return generate(
            sides[0].model,
            tokenizer,
            [side.reading(ids) for side, ids in zip(sides, prompts, strict=True)],
            settings,
            stop=stop,
            on_tokens=hear,
            adapters=names or None,
            streams=[0] * len(sides),
        )
    found = []
    for at, (side, ids) in enumerate(zip(sides, prompts, strict=True)):
        heard = None if hear is None else lambda _, text, at=at: hear(at, text)
        found += answers(tokenizer, [side], [ids], settings, stop, heard)
    return found
