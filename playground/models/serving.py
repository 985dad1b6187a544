"""One loaded model for many people: the requests they make of it."""

import contextlib
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerBase

from playground.config.generation import GenerationSettings
from playground.errors import ModelError
from playground.models.detokenise import AnswerText, decode
from playground.models.generation import Answer
from playground.models.prompting import Prompt, chat_ids, prompt_ids, start_ids
from playground.models.residence import Residence, ServerStatus
from playground.models.side_by_side import PairUpdate, Prompts, answers, stream_pair
from playground.models.trace import Trace

__all__ = ["ModelServer", "NextToken", "PairUpdate", "Prompt", "ServerStatus"]


@dataclass(frozen=True)
class NextToken:
    """The model's view of what comes next."""

    ids: list[int]
    """The text as the model saw it: the prompt, and the tokens drawn after it."""
    tokens: list[str]
    """Its text, token by token."""
    logits: npt.NDArray[np.float32]
    """(vocab,) before any transformation; shared, not to be changed."""
    vocabulary_id: str
    """Which `token_texts` the logits belong to."""
    drawn: str = ""
    """Text of the drawn tokens."""
    trace: Trace | None = None
    """What the model thought of the text's own last tokens, where that was asked for."""


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
            found = resident.recent.read(side, ids, traced=traced)
            tokens = [resident.texts[token] for token in ids]
            after = AnswerText(tokenizer, prompt)
            after.ids = list(drawn)
            return NextToken(ids, tokens, found.logits, resident.vocabulary_id, after.whole(), found.trace)

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
            return answers(resident.loaded.tokenizer, [side], [ids], settings, stop, heard)[0]

    def stream_pair(
        self, prompt: Prompt, run: str, settings: GenerationSettings, stop: threading.Event | None = None
    ) -> Generator[PairUpdate]:
        """`side_by_side.stream_pair` of one prompt."""
        return stream_pair(self, Prompts(prompt, prompt), run, settings, stop=stop)

    def forget(self, run: str) -> None:
        """Gives back, in its turn, the memory that a run's weights take beside the loaded model; returns at once."""
        resident = self._resident
        if resident is not None and resident.shelf.holds(run):
            threading.Thread(target=self._forget, args=(run,), name="forgetting", daemon=True).start()

    def _forget(self, run: str) -> None:
        with contextlib.suppress(ModelError), self.turn() as resident:
            resident.shelf.forget(run)
