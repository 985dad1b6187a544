"""One batch of prompts on its way through transformers' `generate`.

Two things are done here that transformers leaves undone: prompts of one template are read together (`prefill`), and
rows that have ended leave the batch. Neither changes an answer; both are for evaluations, where prompts begin alike and
answers differ in length.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase, StoppingCriteriaList

from playground.config.generation import GenerationSettings
from playground.models.decoding import ManyEnded, NewTokens, StopWhenAsked, processors, random_stream
from playground.models.detokenise import AnswerText
from playground.models.prefill import empty_cache, keeps_all, left_padded, plan, read

OnTokens = Callable[[int, str], None]
"""Called with the index of a prompt and its whole answer so far, whenever that has grown."""


@dataclass(frozen=True)
class Answer:
    """What a model wrote after one prompt."""

    ids: list[int]
    """New tokens, without padding; the end-of-sequence token included where it ended by one."""
    text: str
    """Special tokens left out."""
    ended: bool
    """Whether the model ended it; otherwise the longest answer, or the context, was reached."""


@dataclass
class BatchCall:
    """Everything that one batch needs; `run` it once. Lists go by place in the batch."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    prompts: Sequence[list[int]]
    settings: GenerationSettings
    streams: Sequence[int]
    """Which random numbers each row gets."""
    adapters: Sequence[str] | None
    on_tokens: OnTokens | None
    on_progress: Callable[[float], None]
    """Told how many rows, or parts of one, are done since the last call; all of them together make the batch."""

    texts: list[AnswerText] = field(init=False)
    ends: list[int] = field(init=False)
    live: list[int] = field(init=False)
    """Places of the rows that are still being written."""
    written: int = field(init=False, default=0)
    """Tokens that the longest answer has."""
    told: float = field(init=False, default=0.0)
    """Rows that `on_progress` has heard of."""

    def __post_init__(self) -> None:
        self.texts = [AnswerText(self.tokenizer, prompt) for prompt in self.prompts]
        self.ends = end_tokens(self.model, self.tokenizer)
        self.live = list(range(len(self.prompts)))

    def run(self, stop: threading.Event) -> list[Answer]:
        """The answers; with `stop` set, as far as they have come."""
        device, beams = self.model.device, self.settings.strategy == "beam"
        generators = [random_stream(self.settings.seed, stream, device) for stream in self.streams]
        cache = empty_cache(self.model) if not beams and keeps_all(self.model) else None
        groups = [] if cache is None or (self.adapters and len(set(self.adapters)) > 1) else plan(self.prompts)
        if groups:
            options = {"adapter_names": self.adapters[:1]} if self.adapters else {}
            cache, ids, mask, self.live = read(self.model, self.prompts, groups, options)
        else:
            ids, mask = left_padded(self.prompts, self._pad(), device)
        while self.live and not stop.is_set():
            chain = processors(self.settings, mask, [generators[place] for place in self.live])
            output = self.model.generate(  # type: ignore[operator]
                input_ids=ids, attention_mask=mask, logits_processor=chain, **self._options(stop, cache, ids.shape[1])
            )
            new = output[:, ids.shape[1] :]
            if beams:
                self._take_whole(new.tolist())
                break
            self.written += new.shape[1]
            going = [at for at, place in enumerate(self.live) if self._is_open(place)]
            self.live = [self.live[at] for at in going]
            if cache is not None and self.live:
                kept = torch.tensor(going, device=device)
                cache.batch_select_indices(kept)
                ids = output[kept]
                mask = torch.cat([mask[kept], torch.ones_like(new[kept])], dim=1)
        self.on_progress(len(self.prompts) - self.told)
        return [self._answer(place) for place in range(len(self.prompts))]

    def _options(self, stop: threading.Event, cache: DynamicCache | None, length: int) -> dict[str, Any]:
        """All of `generate` but the rows: every option that matters is given, none is left to a default."""
        beams = self.settings.num_beams if self.settings.strategy == "beam" else 1
        stopping = StoppingCriteriaList([StopWhenAsked(stop)])
        if cache is not None and self.ends:
            stopping.append(ManyEnded(self.ends, length))
        return {
            "max_new_tokens": self.settings.max_new_tokens - self.written,
            "do_sample": False,
            "num_beams": beams,
            "length_penalty": 1.0,
            "early_stopping": False,
            "use_cache": True,
            "eos_token_id": self.ends or None,
            "pad_token_id": self._pad(),
            "stopping_criteria": stopping,
            "streamer": NewTokens(self._receive) if beams == 1 else None,
            **({} if cache is None else {"past_key_values": cache}),
            **({"adapter_names": [self.adapters[place] for place in self.live]} if self.adapters else {}),
        }

    def _receive(self, tokens: list[int]) -> None:
        """One step's tokens of the live rows."""
        for place, token in zip(self.live, tokens, strict=True):
            if not self._is_open(place):
                continue
            text = self.texts[place]
            shown = text.settled() if self.on_tokens else ""
            text.ids.append(token)
            if self.on_tokens and (grown := text.settled()) != shown:
                self.on_tokens(place, grown)
        longest = self.settings.max_new_tokens
        done = sum(len(text.ids) / longest if self._is_open(at) else 1 for at, text in enumerate(self.texts))
        self.on_progress(done - self.told)
        self.told = done

    def _take_whole(self, answers: list[list[int]]) -> None:
        """Answers of a beam search, with whatever follows their end cut off."""
        for text, tokens in zip(self.texts, answers, strict=True):
            text.ids = tokens[: next((at + 1 for at, token in enumerate(tokens) if token in self.ends), len(tokens))]

    def _is_open(self, place: int) -> bool:
        ids = self.texts[place].ids
        return len(ids) < self.settings.max_new_tokens and not (ids and ids[-1] in self.ends)

    def _answer(self, place: int) -> Answer:
        text = self.texts[place]
        answer = Answer(text.ids, text.whole(), bool(text.ids) and text.ids[-1] in self.ends)
        if self.on_tokens and (self.settings.strategy == "beam" or answer.text != text.settled()):
            self.on_tokens(place, answer.text)
        return answer

    def _pad(self) -> int:
        """Any token will do: the attention mask says what is padding."""
        return self.ends[0] if self.ends else 0


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Every token that ends an answer: the tokenizer's, and those the model was published with."""
    published = model.generation_config.eos_token_id if model.generation_config else None
    several = published if isinstance(published, list) else [published]
    return sorted({token for token in (*several, tokenizer.eos_token_id) if token is not None})
