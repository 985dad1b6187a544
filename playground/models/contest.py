"""A beam search on the loaded model, for a page to follow: in its turn, and held against greedy and against chance."""

import contextlib
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from playground.config.beams import BeamSettings
from playground.errors import OutOfMemory
from playground.models import rivals
from playground.models.batch import end_tokens
from playground.models.beams import Search, search
from playground.models.prompting import chat_ids, start_ids
from playground.models.rivals import Rival
from playground.models.serving import ModelServer
from playground.models.streams import streamed

DRAWN = 16
"""Texts drawn from the model to hold the best beam against."""


@dataclass(frozen=True)
class Contest:
    """A search and its rivals, as far as they have come."""

    ahead: int = 0
    """Requests that come first, while it waits for its turn."""
    search: Search | None = None
    greedy: Rival | None = None
    """None until the search is over, and always where it has one beam, which is greedy itself."""
    drawn: tuple[Rival, ...] = ()
    """Empty until greedy's answer is there, or where memory is too short for so many texts."""
    ends: tuple[int, ...] = ()
    """Tokens that end a text."""
    vocabulary_id: str = ""
    """Names the texts of the tokens; see `ModelServer.vocabulary_id`."""


def contest(server: ModelServer, text: str, settings: BeamSettings, *, chat: bool, run: str) -> Generator[Contest]:
    """How the search goes; closing the iterator stops it at the next token.

    Args:
        chat: put the text through the model's chat template, as a message of the user.
        run: look with the model as this run left it; "" is the loaded model itself.

    Raises:
        PlaygroundError: as `ModelServer.next_token`, and OutOfMemory where so many beams do not fit.
    """

    def work(tell: Callable[[Contest], None], stop: threading.Event) -> None:
        with server.turn(stop, lambda ahead: tell(Contest(ahead))) as resident:
            tokenizer = resident.loaded.tokenizer
            prompt = chat_ids(tokenizer, text) if chat else start_ids(tokenizer, text)
            side = resident.shelf.tuned(run, stop) if run else resident.shelf.base()
            ends = end_tokens(side.model, tokenizer)
            now = Contest(ends=tuple(ends), vocabulary_id=resident.vocabulary_id)

            def on_step(found: Search) -> None:
                tell(replace(now, search=replace(found.copy(), prompt=prompt)))

            read = side.reading(prompt)
            found = search(side.model, read, settings, ends, adapter=side.adapter, stop=stop, on_step=on_step)
            now = replace(now, search=replace(found, prompt=prompt))
            if settings.num_beams > 1:
                likeliest = rivals.greedy(side.model, read, settings, ends, adapter=side.adapter, stop=stop)
                now = replace(now, greedy=likeliest)
                tell(now)
            with contextlib.suppress(OutOfMemory):
                samples = rivals.drawn(
                    side.model, read, DRAWN, found.longest, ends, seed=settings.seed, adapter=side.adapter, stop=stop
                )
                now = replace(now, drawn=tuple(samples))
            tell(now)

    return streamed(work)
