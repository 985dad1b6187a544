"""Continuations of one prompt as they grow: one token of each at every step.

The tokens are those that `generation.generate` draws for the same settings; here the work can be left after every step,
and the probabilities that a token was drawn with are kept instead of computed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

from playground.config.generation import GenerationSettings
from playground.core import sampling
from playground.models.batch import end_tokens
from playground.models.decoding import Penalties, random_stream
from playground.models.detokenise import AnswerText
from playground.models.generation import check_prompt, context_length
from playground.models.memory import available
from playground.models.prefill import empty_cache, keeps_all, keys_and_values
from playground.models.shelf import Side

ROWS_AT_ONCE = 64
"""Rows of one forward pass on a CPU, which gains nothing by more, while others wait longer for it."""
LOGITS_AT_ONCE = 2**24
"""Most numbers of a step's logits that are worked on together."""


@dataclass(frozen=True)
class Rollout:
    """One continuation."""

    ids: list[int]
    """New tokens, the end-of-sequence token included where it ended by one."""
    text: str
    """Special tokens left out."""
    ended: bool
    """Whether the model ended it; otherwise it was cut at the longest allowed length, or at the end of the context."""
    logs: list[float]
    """ln p of each token under the distribution it was drawn from: after penalties, temperature and cuts."""
    raw_logs: list[float]
    """ln p of each token under the model's own distribution, at temperature 1 with nothing cut."""


@dataclass
class _Row:
    """One continuation as it grows."""

    stream: torch.Generator
    text: AnswerText
    ended: bool = False
    logs: list[float] = field(default_factory=list)
    raw_logs: list[float] = field(default_factory=list)


class Drawing:
    """Rollouts under way: `step` draws one token of every open row of the batch at hand, until `done`."""

    def __init__(
        self,
        side: Side,
        tokenizer: PreTrainedTokenizerBase,
        prompt: list[int],
        settings: GenerationSettings,
        count: int,
        *,
        rows_at_once: int | None = None,
    ) -> None:
        """Begins nothing yet.

        Args:
            rows_at_once: of one batch; by default as many as memory allows.

        Raises:
            ModelError: the prompt is empty or leaves no room in the model's context.
        """
        model, read = side.model, len(side.lead) + len(prompt)
        context = context_length(model)
        check_prompt(side.reading(prompt) if prompt else prompt, context, new_tokens=1)
        self.tokenizer = tokenizer
        self.prompt = prompt
        self.settings = settings
        self.count = count
        self.longest = min(settings.max_new_tokens, (context or 2**62) - read)
        self.ends = end_tokens(model, tokenizer)
        self.finished: list[Rollout] = []
        self.rows_at_once = rows_at_once
        self._batch: list[_Row] = []
        self._open: list[_Row] = []
        self._cache: DynamicCache | None = None
        self._next: Tensor | None = None

    @property
    def done(self) -> bool:
        """Whether every rollout is whole."""
        return len(self.finished) == self.count

    @property
    def total(self) -> int:
        """Tokens, if no rollout ends early."""
        return self.count * self.longest

    @property
    def drawn(self) -> int:
        """Tokens that are done with: drawn, or not needed because their rollout has ended."""
        under_way = sum(self.longest if row.ended else len(row.logs) for row in self._batch)
        return len(self.finished) * self.longest + under_way

    def step(self, side: Side) -> None:
        """One token more for each open row; to be called within `inference`.

        Raises:
            PlaygroundError: the logits are no distribution.
        """
        logits = self._first(side) if not self._batch else self._following(side)
        tokens = torch.cat([self._take(*piece) for piece in _pieces(logits, self._open)])
        kept = [at for at, row in enumerate(self._open) if not row.ended and len(row.logs) < self.longest]
        self._next = tokens[kept].unsqueeze(1)
        if self._cache is not None and kept and len(kept) < len(self._open):
            self._cache.batch_select_indices(torch.tensor(kept, device=tokens.device))
        self._open = [self._open[at] for at in kept]
        if not self._open:
            self.finished += [_whole(row) for row in self._batch]
            self._batch, self._cache, self._next = [], None, None

    def _first(self, side: Side) -> Tensor:
        """Begins a batch: reads the prompt once; (1, vocab) logits, the same for all its rows."""
        ids = torch.tensor([side.reading(self.prompt)], device=side.model.device)
        cache = empty_cache(side.model) if keeps_all(side.model) else None
        logits = _forward(side, ids, cache)
        rows = self.rows_at_once or _rows_for(side.model, cache, ids.shape[1], self.longest, logits.shape[-1])
        start = len(self.finished)
        self._batch = [
            _Row(random_stream(self.settings.seed, index, ids.device), AnswerText(self.tokenizer, self.prompt))
            for index in range(start, min(start + rows, self.count))
        ]
        self._open = list(self._batch)
        if cache is not None:
            cache.batch_repeat_interleave(len(self._batch))
        self._cache = cache
        return logits.expand(len(self._batch), -1)

    def _following(self, side: Side) -> Tensor:
        """(open rows, vocab) logits after the tokens drawn last."""
        if self._cache is not None:
            assert self._next is not None  # noqa: S101, there was a step before
            return _forward(side, self._next, self._cache)
        # Models that keep a state or a window read everything anew: what they keep cannot be split into rows.
        read = [side.reading(self.prompt + row.text.ids) for row in self._open]
        ids = torch.tensor(read, device=side.model.device)
        return _forward(side, ids, None)

    def _take(self, logits: Tensor, rows: Sequence[_Row]) -> Tensor:
        """Draws a token for each of some rows, (rows, vocab) -> (rows,), and writes it down."""
        sampling.require_distribution(logits)
        policy = self._policy(logits, rows)
        if self.settings.temperature < sampling.ARGMAX_BELOW:
            tokens = policy.argmax(dim=-1)
        else:
            width = policy.shape[-1]
            noise = torch.stack([sampling.exponential_noise((width,), row.stream) for row in rows])
            tokens = sampling.draw(policy, noise)
        chosen = tokens.unsqueeze(-1)
        logs, raw_logs = (
            scores.log_softmax(dim=-1).gather(-1, chosen).squeeze(-1).tolist() for scores in (policy, logits)
        )
        for row, token, log, raw in zip(rows, tokens.tolist(), logs, raw_logs, strict=True):
            row.text.ids.append(token)
            row.logs.append(log)
            row.raw_logs.append(raw)
            row.ended = token in self.ends
        return tokens

    def _policy(self, logits: Tensor, rows: Sequence[_Row]) -> Tensor:
        """Logits of the distribution that is drawn from, (rows, vocab); in the order of `core.sampling`."""
        chosen = self.settings
        if chosen.repetition_penalty != 1 or chosen.presence_penalty or chosen.frequency_penalty:
            ids = torch.tensor([self.prompt + row.text.ids for row in rows], device=logits.device)
            logits = Penalties(torch.ones_like(ids[:, : len(self.prompt)]), chosen)(ids, logits)
        logits = sampling.temperature(logits, chosen.temperature)
        logits = sampling.min_p(sampling.top_p(sampling.top_k(logits, chosen.top_k), chosen.top_p), chosen.min_p)
        return sampling.typical_p(logits, chosen.typical_p)


def _forward(side: Side, ids: Tensor, cache: DynamicCache | None) -> Tensor:
    """(rows, vocab) float32 logits after `ids` (rows, new tokens), behind what the cache holds."""
    before = 0 if cache is None else cache.get_seq_length()
    options = {} if side.adapter is None else {"adapter_names": [side.adapter] * ids.shape[0]}
    output = side.model(
        input_ids=ids,
        attention_mask=torch.ones((ids.shape[0], before + ids.shape[1]), dtype=torch.long, device=ids.device),
        past_key_values=cache,
        use_cache=cache is not None,
        logits_to_keep=1,
        **options,
    )
    logits: Tensor = output.logits[:, -1].float()
    return logits


def _pieces(logits: Tensor, rows: Sequence[_Row]) -> list[tuple[Tensor, Sequence[_Row]]]:
    """Rows that are worked on together: the noise of a large vocabulary is large."""
    size = max(1, LOGITS_AT_ONCE // logits.shape[-1])
    return [(logits[at : at + size], rows[at : at + size]) for at in range(0, len(rows), size)]


def _rows_for(model: PreTrainedModel, cache: DynamicCache | None, prompt: int, longest: int, vocabulary: int) -> int:
    """How many rows a batch may have, so that its cache and logits take a quarter of the memory there is."""
    per_token = 0
    if cache is not None:
        held = sum(state.nbytes for index in range(len(cache.layers)) for state in keys_and_values(cache, index))
        per_token = held // max(1, prompt)
    # While the cache grows there are two of a layer, of the logits there are float32 and what the model gave.
    row = 2 * per_token * (prompt + longest) + 8 * vocabulary
    most = max(1, available(model.device.type) // 4 // row)
    return min(most, ROWS_AT_ONCE) if model.device.type == "cpu" else most


def _whole(row: _Row) -> Rollout:
    return Rollout(list(row.text.ids), row.text.whole(), row.ended, row.logs, row.raw_logs)
