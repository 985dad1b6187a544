"""Beam search, small enough to read in one sitting, that keeps a record of every continuation it looked at.

What it finds equals transformers 5.23 `generate(num_beams=…)`, whose rule it follows (`GenerationMixin._beam_search`):

1. Every open beam is read; its tokens' log-probabilities are added to its own. Of all continuations of all beams the
   best few are considered: twice as many as beams, or more where several tokens end a text (`core.beam.considered`).
2. A considered text that ended, by an end-of-sequence token or because it has as many tokens as allowed, is finished
   if it is among the first `num_beams` considered; its score is then normalised by its length. An end that comes
   later in the order is dropped, and is no open beam either. The best `num_beams` finished texts are kept.
3. The first `num_beams` that did not end are the open beams of the next step.
4. The search is over after the last token allowed; or, once `num_beams` texts are finished, at once with early
   stopping "true", and otherwise when the best open beam could not beat the worst finished one
   (`core.beam.best_possible`).

One beam is greedy search, as in `generate`: it is over at its first end, whatever early stopping says.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import NoRepeatNGramLogitsProcessor, PreTrainedModel

from playground.config.beams import BeamSettings
from playground.core import beam, sampling
from playground.errors import Cancelled
from playground.models.generation import check_prompt, context_length, inference, require_room
from playground.models.prefill import empty_cache, keeps_all

Fate = Literal["kept", "finished", "pruned", "late"]
"""What becomes of a considered text: it stays open; it ended among the first `num_beams`; there were enough better
ones; it ended behind the first `num_beams`. A finished one may give way to others with better normalised scores."""
Outcome = Literal["length", "full", "settled"]
"""Why a search was over: the last token allowed, enough finished texts, or no open one could beat them."""


@dataclass(frozen=True)
class Candidate:
    """One considered text, as the token that it adds to its parent."""

    step: int
    """Tokens after the prompt, this one included; from 1."""
    rank: int
    """Place among all that this step considered; 1 is the best."""
    parent: int
    """Place of the text it continues in `Search.candidates`; -1 is the prompt."""
    token: int
    log_probability: float
    """Of the token after its parent, in nats."""
    score: float
    """Log-probability of the whole text after the prompt, in nats."""
    normalised: float
    """The score it has if it ends here; see `core.beam.normalised`."""
    fate: Fate


@dataclass
class Search:
    """A search as far as it has come."""

    prompt: list[int]
    longest: int
    """New tokens allowed; fewer than the settings say where the context ends before."""
    candidates: list[Candidate] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    """Places of the finished texts in `candidates`, best normalised score first, never more than beams."""
    open: list[int] = field(default_factory=lambda: [-1])
    """Places of the open beams, best first."""
    steps: int = 0
    outcome: Outcome | None = None
    """None while it goes on."""
    bound: float | None = None
    """What the best open beam was last taken to reach at most, once enough texts are finished."""

    def copy(self) -> "Search":
        """The record as it is now; its own goes on."""
        return replace(self, candidates=list(self.candidates), finished=list(self.finished))

    def tokens(self, place: int) -> list[int]:
        """Ids of the text after the prompt that a candidate is the last token of."""
        ids: list[int] = []
        while place >= 0:
            ids.append(self.candidates[place].token)
            place = self.candidates[place].parent
        return ids[::-1]


def search(
    model: PreTrainedModel,
    prompt: Sequence[int],
    settings: BeamSettings,
    ends: Sequence[int],
    *,
    adapter: str | None = None,
    stop: threading.Event | None = None,
    on_step: Callable[[Search], None] | None = None,
) -> Search:
    """Looks for the texts of highest score after a prompt.

    Args:
        ends: ids of the tokens that end a text.
        on_step: told after each step; the record grows on afterwards.

    Raises:
        ModelError: the prompt is empty or leaves no room in the model's context.
        OutOfMemory: what the model would remember of so many texts does not fit.
        Cancelled: `stop` was set.
    """
    context = context_length(model)
    check_prompt(prompt, context, new_tokens=1)
    longest = settings.max_new_tokens if context is None else min(settings.max_new_tokens, context - len(prompt))
    require_room(model, settings.num_beams, len(prompt) + longest)
    found = Search(list(prompt), longest)
    with inference(model):
        beams = Beams(model, prompt, adapter)
        scores = torch.zeros(1, device=model.device)
        while found.outcome is None:
            if stop and stop.is_set():
                raise Cancelled("Stopped while searching.")
            allowed = _without_repeats(beams.ids, beams.log_probabilities(), settings.no_repeat_ngram_size)
            considered = beam.candidates(allowed, scores, beam.considered(settings.num_beams, len(ends)))
            kept = _judge(found, considered, settings, ends)
            scores = considered.scores[kept]
            found.outcome = _outcome(found, settings)
            if found.outcome is None:
                beams.go_on(considered.parents[kept], considered.tokens[kept])
            if on_step:
                on_step(found)
    return found


def _judge(found: Search, considered: beam.Candidates, settings: BeamSettings, ends: Sequence[int]) -> list[int]:
    """Records what a step considered and what becomes of it; gives the places of the new open beams among that."""
    found.steps += 1
    last, before = found.steps == found.longest, len(found.candidates)
    kept: list[int] = []
    columns = (considered.scores, considered.parents, considered.tokens, considered.log_probabilities)
    for place, (score, row, token, added) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        fate: Fate = "pruned"
        if (last or token in ends) and place < settings.num_beams:
            fate = "finished"
            found.finished.append(before + place)
        elif token in ends:
            fate = "late"
        elif not last and len(kept) < settings.num_beams:
            fate = "kept"
            kept.append(place)
        normalised = beam.normalised(score, found.steps, settings.length_penalty)
        parent = found.open[row]
        found.candidates.append(Candidate(found.steps, place + 1, parent, token, added, score, normalised, fate))
    # Stable: of equals, the one that was finished first stays.
    found.finished.sort(key=lambda place: -found.candidates[place].normalised)
    del found.finished[settings.num_beams :]
    found.open = [before + place for place in kept]
    return kept


def _outcome(found: Search, settings: BeamSettings) -> Outcome | None:
    """Why the search is over after the step just judged, if it is."""
    if found.steps == found.longest:
        return "length"
    if len(found.finished) < settings.num_beams:
        return None
    if settings.early_stopping == "true" or settings.num_beams == 1:
        return "full"
    found.bound = beam.best_possible(
        found.candidates[found.open[0]].score,
        found.steps,
        found.longest,
        settings.length_penalty,
        patient=settings.early_stopping == "never",
    )
    return None if found.bound > found.candidates[found.finished[-1]].normalised else "settled"


def _without_repeats(ids: Tensor, log_probabilities: Tensor, size: int) -> Tensor:
    """Log-probabilities (rows, vocab) after the texts `ids` (rows, length), -inf for every token that would complete a
    run of `size` tokens that is in its row already; they are not renormalised."""
    if size == 0:
        return log_probabilities
    virtual = int((ids[0] >= log_probabilities.shape[-1]).sum())
    blocked: Tensor = NoRepeatNGramLogitsProcessor(size)(ids[:, virtual:], log_probabilities)
    return blocked


class Beams:
    """Texts that are read side by side, and what the model remembers of them."""

    def __init__(self, model: PreTrainedModel, prompt: Sequence[int], adapter: str | None) -> None:
        self.model = model
        self.adapter = adapter
        self.ids = torch.tensor([list(prompt)], device=model.device)
        """(rows, length); one row at first."""
        # Models that keep a state instead, or a window, read every text from its beginning.
        self.cache = empty_cache(model) if keeps_all(model) else None

    def log_probabilities(self) -> Tensor:
        """Of each row's next token, float32 (rows, vocab).

        Raises:
            PlaygroundError: the logits are no distribution.
        """
        unread = self.ids if self.cache is None else self.ids[:, self.cache.get_seq_length() :]
        options: dict[str, Any] = {} if self.adapter is None else {"adapter_names": [self.adapter] * len(self.ids)}
        if self.cache is not None:
            options["past_key_values"] = self.cache
        output = self.model(
            input_ids=unread,
            attention_mask=torch.ones_like(self.ids),
            use_cache=self.cache is not None,
            logits_to_keep=1,
            **options,
        )
        logits = output.logits[:, -1].float()
        sampling.require_distribution(logits)
        return torch.log_softmax(logits, dim=-1)

    def go_on(self, rows: Tensor, tokens: Tensor) -> None:
        """Takes the texts of some rows, in any order and more than once, each with a token more."""
        if self.cache is not None:
            self.cache.reorder_cache(rows)  # type: ignore[arg-type]  # any tensor of int64
        self.ids = torch.cat([self.ids[rows], tokens.unsqueeze(-1)], dim=-1)
