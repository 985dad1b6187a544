"""One loaded model for many people: the requests they make of it."""

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase

from playground.config.generation import GenerationSettings
from playground.errors import Cancelled, ModelError
from playground.models.detokenise import AnswerText, decode
from playground.models.generation import Answer, OnTokens, generate, next_logits
from playground.models.prompting import Prompt, chat_ids, prompt_ids, start_ids
from playground.models.residence import Residence, ServerStatus
from playground.models.shelf import Side
from playground.models.trace import Trace, trace

__all__ = ["ModelServer", "NextToken", "PairUpdate", "Prompt", "ServerStatus"]


@dataclass(frozen=True)
class NextToken:
    """The model's view of what comes next."""

    ids: list[int]
    """The text as the model saw it: the prompt, and the tokens drawn after it."""
    tokens: list[str]
    """Its text, token by token."""
    logits: npt.NDArray[np.float32]
    """(vocab,) before any transformation."""
    vocabulary_id: str
    """Which `token_texts` the logits belong to."""
    drawn: str = ""
    """Text of the drawn tokens."""
    trace: Trace | None = None
    """What the model thought of the text's own last tokens, where that was asked for."""


@dataclass(frozen=True)
class PairUpdate:
    """Both answers so far."""

    base: str
    tuned: str
    done: bool
    ahead: int = 0
    """Requests that come first, while it waits for its turn."""


Updates = SimpleQueue[PairUpdate | Exception]


class ModelServer(Residence):
    """Answers of the resident model. Every method may be called from any thread.

    A request keeps its turn until it is answered, because adapters come and go on the one model; turns are given in
    the order of asking.
    """

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """That of the loaded model; ModelError where there is none."""
        return self.require().loaded.tokenizer

    @property
    def vocabulary_id(self) -> str:
        """Names `token_texts`; ModelError where no model is loaded."""
        return self.require().vocabulary_id

    def token_texts(self) -> list[str]:
        """The text of every token id; see `detokenise.token_texts`. ModelError where no model is loaded."""
        return self.require().texts

    def tokenise(self, text: str) -> list[int]:
        """The tokens that a piece of text becomes by itself, without special tokens. ModelError without a model."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def beginning(self, text: str, tokens: int) -> str:
        """The text of a plain prompt's first tokens, special ones left out. ModelError as `next_token`."""
        tokenizer = self.tokenizer
        return decode(tokenizer, start_ids(tokenizer, text)[:tokens])

    def next_token(
        self, text: str, *, chat: bool = False, run: str | None = None, drawn: Sequence[int] = (), traced: int = 0
    ) -> NextToken:
        """Logits of the token after a text.

        Args:
            text: may be empty; see `start_ids`.
            chat: put it through the model's chat template, as a message of the user.
            run: look at the model as this run left it.
            drawn: tokens that come after the text already.
            traced: of how many tokens at the end `trace` speaks.

        Raises:
            ModelError: no model, no chat template, nothing to start from, or a text longer than the context.
            PlaygroundError: see `Shelf.tuned` for what can be wrong with a run.
        """
        with self.turn() as resident:
            tokenizer = resident.loaded.tokenizer
            prompt = chat_ids(tokenizer, text) if chat else start_ids(tokenizer, text)
            ids = [*prompt, *drawn]
            side = resident.shelf.tuned(run, threading.Event()) if run else resident.shelf.base()
            seen = trace(side.model, ids, last=traced, adapter=side.adapter) if traced else None
            logits = seen.next_logits if seen else next_logits(side.model, ids, adapter=side.adapter)
            tokens = [resident.texts[found] for found in ids]
            after = AnswerText(tokenizer, prompt)
            after.ids = list(drawn)
            return NextToken(ids, tokens, logits.numpy(), resident.vocabulary_id, after.whole(), seen)

    def answer(
        self,
        prompt: Prompt,
        settings: GenerationSettings,
        *,
        run: str | None = None,
        stop: threading.Event | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        """One answer of the model, or of the model as a run left it.

        Raises:
            Cancelled: `stop` was set, in line or while answering.
            PlaygroundError: as `next_token`.
        """
        stop = stop or threading.Event()
        with self.turn(stop) as resident:
            side = resident.shelf.tuned(run, stop) if run else resident.shelf.base()
            ids = prompt_ids(resident.loaded.tokenizer, prompt)
            heard = None if on_text is None else lambda _, text: on_text(text)
            return _answers(resident.loaded.tokenizer, [side], ids, settings, stop, heard)[0]

    def stream_pair(
        self, prompt: Prompt, run: str, settings: GenerationSettings, stop: threading.Event | None = None
    ) -> Generator[PairUpdate]:
        """Both answers as they grow, from the same random numbers; the last update has `done` set.

        The work is done in a thread of its own, so that a reader who is slow, or never comes back, holds nobody up.
        Stopped by `stop` or by closing the iterator, it ends with what there is.

        Raises:
            PlaygroundError: as `answer`, but for Cancelled.
        """
        stop = stop or threading.Event()
        updates: Updates = SimpleQueue()
        threading.Thread(
            target=self._write_pair, args=(prompt, run, settings, stop, updates), name="answering", daemon=True
        ).start()
        try:
            while True:
                update = updates.get()
                while not updates.empty():
                    update = updates.get()
                if isinstance(update, Exception):
                    raise update
                yield update
                if update.done:
                    return
        finally:
            stop.set()

    def forget(self, run: str) -> None:
        """Gives back, in its turn, the memory that a run's weights take beside the loaded model; returns at once."""
        resident = self._resident
        if resident is not None and resident.shelf.holds(run):
            threading.Thread(target=self._forget, args=(run,), name="forgetting", daemon=True).start()

    def _forget(self, run: str) -> None:
        with contextlib.suppress(ModelError), self.turn() as resident:
            resident.shelf.forget(run)

    def _write_pair(
        self, prompt: Prompt, run: str, settings: GenerationSettings, stop: threading.Event, updates: Updates
    ) -> None:
        texts = ["", ""]

        def hear(side: int, text: str) -> None:
            texts[side] = text
            updates.put(PairUpdate(texts[0], texts[1], done=False))

        def wait(ahead: int) -> None:
            updates.put(PairUpdate("", "", done=False, ahead=ahead))

        try:
            with self.turn(stop, wait) as resident:
                # The tuned side first: once an adapter is attached, the base has to be asked for by name.
                tuned = resident.shelf.tuned(run, stop)
                ids = prompt_ids(resident.loaded.tokenizer, prompt)
                _answers(resident.loaded.tokenizer, [resident.shelf.base(), tuned], ids, settings, stop, hear)
            updates.put(PairUpdate(texts[0], texts[1], done=True))
        except Cancelled:
            updates.put(PairUpdate(texts[0], texts[1], done=True))
        except Exception as error:  # noqa: BLE001, the edge of a thread: whoever reads the updates raises it
            updates.put(error)


def _answers(
    tokenizer: PreTrainedTokenizerBase,
    sides: Sequence[Side],
    ids: list[int],
    settings: GenerationSettings,
    stop: threading.Event,
    hear: OnTokens | None,
) -> list[Answer]:
    """One answer per side to the same prompt with the same random numbers: in one batch where one model gives all."""
    if all(side.model is sides[0].model for side in sides):
        names = [side.adapter for side in sides if side.adapter is not None]
        count = len(sides)
        return generate(
            sides[0].model,
            tokenizer,
            [ids] * count,
            settings,
            stop=stop,
            on_tokens=hear,
            adapters=names or None,
            streams=[0] * count,
        )
    answers = []
    for at, side in enumerate(sides):
        heard = None if hear is None else lambda _, text, at=at: hear(at, text)
        answers += _answers(tokenizer, [side], ids, settings, stop, heard)
    return answers
