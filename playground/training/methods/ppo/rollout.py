"""Roll out: the policy answers many prompts at once.

One forward pass a token for all open answers, a cache, and one random number per token, drawn beforehand: an answer
depends on its prompt and its row of numbers alone, not on what is written beside it.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

from playground.config.methods.ppo import PPOSettings
from playground.core import sampling
from playground.models.prefill import empty_cache, keeps_all, left_padded
from playground.models.quick_lora import folded
from playground.training.methods.ppo.actor import Actor, positions

ENDED_SHARE = 4
"""Ended answers leave the batch once they are one in so many of it: earlier, the cache of all others is copied for
more than it saves."""


class Rollouts(NamedTuple):
    """B answers to as many prompts, of up to T tokens behind prompts of up to P."""

    ids: Tensor
    """(B, P + T): prompts, padded on the left, and answers, padded on the right."""
    attention: Tensor
    """(B, P + T), 1 where there is a token; not told from the ids, as the padding token may be a token of the text."""
    mask: Tensor
    """(B, T), 1 where there is a token of the answer, its end-of-sequence token included."""
    ended: Tensor
    """(B,) bool: whether the policy ended the answer; otherwise it was cut at the longest allowed length."""

    @property
    def answers(self) -> Tensor:
        """(B, T): the answers' part of `ids`."""
        return self.ids[:, -self.mask.shape[1] :]

    @property
    def lengths(self) -> Tensor:
        """(B,): tokens of each answer, at least 1."""
        return self.mask.sum(dim=1)

    def prompt_ids(self, row: int) -> list[int]:
        """One prompt without padding."""
        prompt = slice(0, self.ids.shape[1] - self.mask.shape[1])
        found: list[int] = self.ids[row, prompt][self.attention[row, prompt].bool()].tolist()
        return found

    def answer_ids(self, row: int) -> list[int]:
        """One answer without padding."""
        found: list[int] = self.answers[row, : int(self.lengths[row])].tolist()
        return found


def roll_out(
    actor: Actor,
    prompts: Sequence[list[int]],
    settings: PPOSettings,
    numbers: Tensor,
    ends: Sequence[int],
    tick: Callable[[], None],
) -> Rollouts:
    """An answer to each prompt, drawn from the policy.

    Args:
        numbers: (B, longest answer) float64, uniform in [0, 1).
        ends: tokens that end an answer.
        tick: called before each token of a batch; whatever it raises ends the work.

    Raises:
        PlaygroundError: the policy's logits are no distribution.
    """
    size = settings.rollout_batch
    with torch.no_grad(), folded(actor.model, min(size, len(prompts))), actor.autocast():
        parts = [
            _Writing(actor, prompts[at : at + size], settings, numbers[at : at + size], ends).run(tick)
            for at in range(0, len(prompts), size)
        ]
    return _joined(prompts, parts, actor.device)


class _Writing:
    """One batch of answers as it is written."""

    def __init__(
        self, actor: Actor, prompts: Sequence[list[int]], settings: PPOSettings, numbers: Tensor, ends: Sequence[int]
    ) -> None:
        self.model: Any = actor.model
        self.settings = settings
        self.numbers = numbers.to(sampling.precise(actor.device))
        self.ends = torch.tensor(list(ends), device=actor.device)
        self.ids, self.attention = left_padded(prompts, 0, actor.device)
        self.answers = torch.zeros_like(numbers, dtype=torch.long, device=actor.device)
        self.lengths = torch.full((len(prompts),), numbers.shape[1], device=actor.device)
        self.ended = torch.zeros(len(prompts), dtype=torch.bool, device=actor.device)
        self.live = torch.arange(len(prompts), device=actor.device)
        """Rows of the batch that the cache holds."""

    def run(self, tick: Callable[[], None]) -> "_Writing":
        """Writes to the end of every answer."""
        cache = empty_cache(self.model)
        leaves = keeps_all(self.model)
        given = self.ids
        for step in range(self.numbers.shape[1]):
            tick()
            tokens = self._draw(self._logits(given, cache), step)
            self.answers[self.live, step] = tokens
            self._note_ends(tokens, step)
            going = ~self.ended[self.live]
            count = int(going.sum())
            if not count:
                break
            if leaves and (len(going) - count) * ENDED_SHARE >= len(going):
                cache.batch_select_indices(going.nonzero().squeeze(1))
                self.live, self.attention, tokens = self.live[going], self.attention[going], tokens[going]
            self.attention = torch.cat([self.attention, self.attention.new_ones(len(tokens), 1)], dim=1)
            given = tokens.unsqueeze(1)
        return self

    def _logits(self, given: Tensor, cache: DynamicCache) -> Tensor:
        """(rows, vocabulary) float32 behind the tokens given last."""
        places = {name: value[:, -given.shape[1] :] for name, value in positions(self.model, self.attention).items()}
        output = self.model(
            input_ids=given,
            attention_mask=self.attention,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **places,
        )
        logits: Tensor = output.logits[:, -1].float()
        return logits

    def _draw(self, logits: Tensor, step: int) -> Tensor:
        sampling.require_distribution(logits)
        tempered = sampling.temperature(logits, self.settings.temperature)
        kept = sampling.top_p(sampling.top_k(tempered, self.settings.top_k), self.settings.top_p)
        return sampling.draw_at(kept, self.numbers[self.live.to(self.numbers.device), step])

    def _note_ends(self, tokens: Tensor, step: int) -> None:
        ends = torch.isin(tokens, self.ends) & ~self.ended[self.live]
        self.lengths[self.live[ends]] = step + 1
        self.ended[self.live[ends]] = True


def _joined(prompts: Sequence[list[int]], parts: Sequence[_Writing], device: torch.device) -> Rollouts:
    lengths = torch.cat([part.lengths for part in parts])
    longest = int(lengths.max())
    before, attention = left_padded(prompts, 0, device)
    mask = (torch.arange(longest, device=device) < lengths.unsqueeze(1)).long()
    answers = torch.cat([part.answers[:, :longest] for part in parts]) * mask
    return Rollouts(
        torch.cat([before, answers], dim=1),
        torch.cat([attention, mask], dim=1),
        mask,
        torch.cat([part.ended for part in parts]),
    )
