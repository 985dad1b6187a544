"""What hangs into transformers' `generate`: our settings as logits processors, a random stream per row, and stop.

Greedy, sampling and beam search all run with `do_sample=False`; a draw is the argmax of logits with noise in them
(`core.sampling.draw`), so that every row has random numbers of its own.
"""

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

from playground.config.generation import GenerationSettings
from playground.core import sampling


def random_stream(seed: int, index: int, device: torch.device) -> torch.Generator:
    """The random numbers of one answer; different for every pair of seed and index, the same on every call."""
    mixed = int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])
    return torch.Generator(sampling.precise(device)).manual_seed(mixed)


class Penalties(LogitsProcessor):
    """Repetition, presence and frequency penalty over prompt and answer. Unlike transformers' own repetition penalty
    it leaves all padding out of account: a row is not penalised for the padding token, which is often the
    end-of-sequence token too."""

    def __init__(self, attention_mask: Tensor, settings: GenerationSettings) -> None:
        self.prompt_mask = attention_mask.bool()
        self.settings = settings

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """(rows * beams, length), (rows * beams, vocab) -> (rows * beams, vocab)"""
        mask = self.prompt_mask.repeat_interleave(input_ids.shape[0] // self.prompt_mask.shape[0], dim=0)
        # Virtual tokens are nothing that could be repeated; like padding they count as outside the vocabulary.
        prompt = input_ids[:, : mask.shape[1]].masked_fill(~mask, scores.shape[-1]).clamp(max=scores.shape[-1])
        ids = torch.cat([prompt, input_ids[:, mask.shape[1] :]], dim=1)
        chosen = self.settings
        if chosen.repetition_penalty != 1:
            scores = sampling.repetition_penalty(scores, ids, chosen.repetition_penalty)
        if chosen.presence_penalty:
            scores = sampling.presence_penalty(scores, ids, chosen.presence_penalty)
        if chosen.frequency_penalty:
            scores = sampling.frequency_penalty(scores, ids, chosen.frequency_penalty)
        return scores


class Draw(LogitsProcessor):
    """Temperature and the cuts, and then the noise whose argmax is a draw; one random stream per row."""

    def __init__(self, settings: GenerationSettings, streams: Sequence[torch.Generator]) -> None:
        self.settings = settings
        self.streams = streams

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG002, transformers' interface
        """(rows, length), (rows, vocab) -> (rows, vocab), non-negative"""
        chosen = self.settings
        scores = sampling.temperature(scores, chosen.temperature)
        scores = sampling.min_p(sampling.top_p(sampling.top_k(scores, chosen.top_k), chosen.top_p), chosen.min_p)
        scores = sampling.typical_p(scores, chosen.typical_p)
        noise = [sampling.exponential_noise((scores.shape[-1],), stream) for stream in self.streams]
        raced = sampling.race(scores, torch.stack(noise))
        return raced if raced.device == scores.device else raced.float().to(scores.device)


class Finite(LogitsProcessor):
    """Refuses NaN before an argmax makes a token of it."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG002, transformers' interface
        """Scores as they are; PlaygroundError where they are no distribution."""
        sampling.require_distribution(scores)
        return scores


def processors(
    settings: GenerationSettings, attention_mask: Tensor, streams: Sequence[torch.Generator]
) -> LogitsProcessorList:
    """The settings as transformers' `generate` takes them, in its own order."""
    chain = LogitsProcessorList([Finite()])
    if settings.repetition_penalty != 1 or settings.presence_penalty or settings.frequency_penalty:
        chain.append(Penalties(attention_mask, settings))
    if settings.strategy == "sampling" and settings.temperature >= sampling.ARGMAX_BELOW:
        chain.append(Draw(settings, streams))
    return chain


class StopWhenAsked(StoppingCriteria):
    """Ends all rows once an event is set; looked at between tokens."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: object) -> Tensor:  # noqa: ARG002
        """(rows, length) -> (rows,) bool"""
        return torch.full((input_ids.shape[0],), self.stop.is_set(), device=input_ids.device)


class ManyEnded(StoppingCriteria):
    """Interrupts a batch once a quarter of its rows have ended, so that it can go on without them. To leave a row out
    earlier costs more than it saves: the cache of all others is copied."""

    def __init__(self, ends: Sequence[int], start: int) -> None:
        self.ends = ends
        self.start = start
        """Column of the first new token."""

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: object) -> Tensor:  # noqa: ARG002
        """(rows, length) -> (rows,) bool"""
        ends = torch.tensor(self.ends, device=input_ids.device)
        ended = torch.isin(input_ids[:, self.start :], ends).any(dim=1)
        return (ended.sum() * 4 >= len(ended)).expand(len(ended)) & torch.ones_like(ended)


class NewTokens(BaseStreamer):
    """Hands the tokens of each step on, (rows,) at a time; the prompt, which transformers sends first, is left out."""

    def __init__(self, receive: Callable[[list[int]], None]) -> None:
        self.receive = receive
        self.prompt_seen = False

    def put(self, value: Tensor) -> None:
        """Called by `generate`: once with the prompts, then once per step."""
        if self.prompt_seen:
            self.receive(value.tolist())
        self.prompt_seen = True

    def end(self) -> None:
        """Called by `generate` when it is done."""
