"""What the Shift view has done in the background: an answer, and how far both models are from each other on it, at the
end of the run and at each of its saved steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.config.generation import GenerationSettings
from playground.errors import ModelError
from playground.runs.events import Progress
from playground.runs.steps import saved_steps
from playground.ui.compare_question import Asked
from playground.ui.desk import Work
from playground.ui.packing import packed
from playground.ui.services import Services

if TYPE_CHECKING:
    from playground.models.shift import Shift

SOURCES = ("tuned", "base", "reference", "typed")
"""Where an answer comes from: written by either model, a held-out row's, or the reader's own."""
LONGEST = 512
"""Tokens of an answer that are looked at."""


@dataclass(frozen=True)
class Wish:
    """What a person asked for."""

    run: str
    strength: float
    asked: Asked
    source: str
    typed: str
    settings: GenerationSettings


@dataclass(frozen=True)
class Text:
    """A prompt with an answer, told to one model."""

    run: str
    name: str
    """Of the run."""
    model: str
    """Title of the base."""
    vocabulary: str
    source: str
    ids: list[int]
    start: int


def look(services: Services, wish: Wish, work: Work) -> bool:
    """The shift on a new answer; see `compare_on` for what is given."""
    return compare_on(services, _text_of(services, wish, work), wish.strength, work)


def compare_on(services: Services, text: Text, strength: float, work: Work) -> bool:
    """Gives the shift on a text, as `assets/js/shift.js` takes it: first of the whole run, then of its saved steps from
    the newest to the oldest. Whether all of them are there.

    Raises:
        Cancelled: it was stopped; what there is by then was given.
    """
    from playground.models.shift import run_shift

    server, store = services.model_server(), services.store
    last = store.get(text.run).steps
    steps = [saved.step for saved in saved_steps(store.folder(text.run)) if saved.step < last]
    head = {
        "run": text.run, "name": text.name, "model": text.model, "vocabulary": text.vocabulary, "source": text.source,
        "strength": strength, "ids": text.ids, "start": text.start, "last": last,
    }  # fmt: skip
    found: list[dict[str, Any]] = []
    for done, step in enumerate([None, *reversed(steps)]):
        work.hear(Progress("shifting", done, 1 + len(steps), "steps"))
        seen = run_shift(server, text.ids, text.start, text.run, step=step, strength=strength, stop=work.stop)
        found.insert(0, {"step": last if step is None else step, **_packed(seen)})
        work.give({**head, "text": text, "steps": list(found)})
    return True


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """A result as JSON values."""
    return {name: value for name, value in result.items() if name != "text"}


def _text_of(services: Services, wish: Wish, work: Work) -> Text:
    from playground.models.side_by_side import answer_at

    server = services.model_server()
    # The answer belongs to this model; whoever loads another one meanwhile gets a refusal from the run, in words.
    title, vocabulary, tokenizer = services.status().get("title", ""), server.vocabulary_id, server.tokenizer
    if wish.source in ("tuned", "base"):
        work.hear(Progress("answering", 0, 0))
        run = wish.run if wish.source == "tuned" else None
        answer = answer_at(server, wish.asked.ids, run, wish.settings, wish.strength, work.stop)
        prompt = wish.asked.ids(tokenizer)
        ids, start = [*prompt, *answer.ids], len(prompt)
        if not answer.ids:
            raise ModelError("The model answered nothing; choose another prompt, or type an answer.")
    else:
        words = wish.asked.reference if wish.source == "reference" else wish.typed
        ids, start = wish.asked.answered(words, tokenizer)
    return Text(wish.run, wish.asked.config.name, title, vocabulary, wish.source, ids[: start + LONGEST], start)


def _packed(found: "Shift") -> dict[str, str]:
    kinds = {"ranks": "<i4", "choices": "<i4", "choice_ranks": "<i4", "base_ranks": "<i4", "movers": "<i4"}
    return {name: packed(value.numpy(), kinds.get(name, "<f4")) for name, value in found._asdict().items()}


def next_distributions(services: Services, result: dict[str, Any], step: object, at: object) -> dict[str, str]:
    """What both models expect at a place of the answer, as packed logits of the whole vocabulary.

    Raises:
        ModelError: there is no such place or step.
    """
    from playground.models.shift import next_pair

    text: Text = result["text"]
    known = [found["step"] for found in result["steps"]]
    if not _is_whole(at) or not 0 <= at < len(text.ids) - text.start:  # type: ignore[operator]
        raise ModelError(f"The answer has {len(text.ids) - text.start} tokens, counted from 0; got {at!r}.")
    if step not in known:
        raise ModelError(f"The run has the steps {', '.join(map(str, known))}; got {step!r}.")
    server = services.model_server()
    if server.vocabulary_id != text.vocabulary:
        raise ModelError(f"Another model is loaded meanwhile; load {text.model} again, or look at another answer.")
    before: Sequence[int] = text.ids[: text.start + at]  # type: ignore[operator]
    saved = None if step == result["last"] else step
    pair = next_pair(server, before, text.run, step=saved, strength=result["strength"])  # type: ignore[arg-type]
    return {"base": packed(pair.base.numpy(), "<f4"), "tuned": packed(pair.tuned.numpy(), "<f4")}


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
