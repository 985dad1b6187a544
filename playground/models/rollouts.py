"""Rollouts of one prompt from the model that many people share: drawn in between what others ask of it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from playground.config.generation import GenerationSettings
from playground.errors import Cancelled, ModelError
from playground.models.drawing import Drawing, Rollout
from playground.models.generation import inference
from playground.models.prompting import Prompt, chat_ids, prompt_ids
from playground.models.residence import Residence, Resident
from playground.runs.events import Progress

__all__ = ["Drawn", "Rollout", "Wish", "draw"]

TURN_SECONDS = 0.25
"""How long the model is kept while somebody else waits for it; a step that was begun is ended."""


@dataclass(frozen=True)
class Drawn:
    """Rollouts of one prompt, in the order of their random numbers."""

    prompt: list[int]
    """As the model saw it."""
    rollouts: list[Rollout]
    tokens: dict[int, str]
    """The text of every token in them."""
    complete: bool
    """Whether all that were asked for are here; of a stopped drawing only whole batches are, as the short ones of an
    unfinished batch come first and are no fair sample."""
    model: str
    """Title of the model that drew them."""


@dataclass(frozen=True)
class Wish:
    """What is to be drawn: a prompt, how often, and how."""

    prompt: Prompt
    settings: GenerationSettings
    count: int
    chat: bool = False
    """A text is a user's message that goes through the model's chat template."""
    run: str | None = None
    """Draw from the model as this run left it."""


def draw(
    server: Residence,
    wish: Wish,
    *,
    stop: threading.Event | None = None,
    report: Callable[[Progress], None] | None = None,
    on_place: Callable[[int], None] | None = None,
) -> Drawn:
    """Draws rollouts from the loaded model, between the requests of others.

    Args:
        stop: looked at before every token.
        report: hears after every step how many tokens are drawn, of as many as there can be at most.
        on_place: told how many requests are ahead whenever the model has to be waited for.

    Raises:
        ModelError: no model, no chat template, a prompt that is empty or leaves no room in the context, or a model
            that was replaced meanwhile.
        PlaygroundError: what can be wrong with a run; see `Shelf.tuned`.
        Cancelled: `stop` was set before the first batch was whole.
    """
    stop = stop or threading.Event()
    drawer = _Drawer(server, wish, stop, report)
    try:
        while not (drawer.drawing and drawer.drawing.done):
            with server.turn(stop, on_place) as resident:
                drawer.go_on(resident)
    except Cancelled:
        if drawer.drawing is None or not drawer.drawing.finished:
            raise
    return drawer.drawn()


@dataclass
class _Drawer:
    """A drawing from turn to turn."""

    server: Residence
    wish: Wish
    stop: threading.Event
    report: Callable[[Progress], None] | None
    drawing: Drawing | None = None
    resident: Resident | None = None

    def go_on(self, resident: Resident) -> None:
        """Draws until all is done, or somebody else wants the model.

        Raises:
            Cancelled: `stop` was set.
        """
        if self.resident not in (None, resident):
            raise ModelError("The model was replaced while rollouts were being drawn from it; draw them again.")
        wish, tokenizer = self.wish, resident.loaded.tokenizer
        side = resident.shelf.tuned(wish.run, self.stop) if wish.run else resident.shelf.base()
        drawing = self.drawing or Drawing(side, tokenizer, _ids(tokenizer, wish), wish.settings, wish.count)
        self.resident, self.drawing = resident, drawing
        # A whole model beside the loaded one might have to be read anew after somebody else's turn.
        patient = wish.run is not None and side.adapter is None
        leave = time.monotonic() + TURN_SECONDS
        with inference(side.model):
            while not drawing.done:
                if self.stop.is_set():
                    raise Cancelled("Stopped before the first rollouts were whole.")
                drawing.step(side)
                if self.report:
                    self.report(Progress("drawing", drawing.drawn, drawing.total, "tokens"))
                if self.server.turns.waiting and time.monotonic() > leave and not patient:
                    return

    def drawn(self) -> Drawn:
        """What there is."""
        assert self.resident is not None  # noqa: S101, there was a turn
        assert self.drawing is not None  # noqa: S101
        found, texts = self.drawing.finished, self.resident.texts
        tokens = {token: texts[token] for rollout in found for token in rollout.ids}
        return Drawn(self.drawing.prompt, found, tokens, self.drawing.done, self.resident.loaded.info.title)


def _ids(tokenizer: PreTrainedTokenizerBase, wish: Wish) -> list[int]:
    if wish.chat and isinstance(wish.prompt, str):
        return chat_ids(tokenizer, wish.prompt)
    return prompt_ids(tokenizer, wish.prompt)
