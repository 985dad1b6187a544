"""What a model thought of the tokens of a text, each seen from the tokens before it.

Of the whole vocabulary, yet without ever holding more of it than a few million numbers: a text is read in pieces, each
behind a cache of what came before.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.core.sampling import entropy, require_distribution
from playground.models.generation import check_prompt, context_length, inference
from playground.models.prefill import empty_cache, keeps_all

ALTERNATIVES = 10
LOGITS_AT_ONCE = 2**23
"""Most numbers in one piece of logits: 32 MiB in float32, 170 tokens of a vocabulary of 49,152 or 55 of 151,936."""


class Trace(NamedTuple):
    """The last n tokens of a text under the model's raw distribution: temperature 1, nothing cut. On the CPU."""

    start: int
    """Place in the text of the first of them; at least 1, as nothing comes before the first token of a text."""
    log_probabilities: Tensor
    """(n,) float32, ln p of each token, in nats."""
    ranks: Tensor
    """(n,) int32, 1 for the likeliest; equals stand in the order of their ids."""
    entropies: Tensor
    """(n,) float32, of the distribution that each token was one choice of, in nats."""
    alternatives: Tensor
    """(n, 10) int32, the likeliest tokens in its place, likeliest first; fewer columns in a smaller vocabulary."""
    alternative_log_probabilities: Tensor
    """(n, 10) float32, theirs."""
    next_logits: Tensor
    """(vocab,) float32, logits of the token after the text."""


def trace(model: PreTrainedModel, ids: Sequence[int], *, last: int, adapter: str | None = None) -> Trace:
    """Reads a text once and says how likely its `last` tokens were.

    Raises:
        ModelError: `ids` is empty or longer than the model's context.
        PlaygroundError: the logits are no distribution.
    """
    check_prompt(ids, context_length(model), new_tokens=0)
    start = max(1, len(ids) - last)
    options = {} if adapter is None else {"adapter_names": [adapter]}
    found: list[tuple[Tensor, ...]] = []
    place = start
    with inference(model):
        for logits in logits_in_pieces(model, torch.tensor([list(ids)], device=model.device), start - 1, options):
            require_distribution(logits)
            followed = ids[place : place + len(logits)]
            found.append(
                _views(logits[: len(followed)], torch.tensor(followed, device=logits.device, dtype=torch.long))
            )
            place += len(followed)
            behind = logits[-1]
    log_probabilities, ranks, entropies, ids_of_best, best = (
        torch.cat(parts).cpu() for parts in zip(*found, strict=True)
    )
    return Trace(start, log_probabilities, ranks, entropies, ids_of_best, best, behind.cpu())


def logits_in_pieces(model: PreTrainedModel, ids: Tensor, first: int, options: dict[str, Any]) -> Iterator[Tensor]:
    """Logits at the places `first` to the end of `ids` (1, length), in pieces (places, vocab) of float32."""
    length = ids.shape[1]
    size = max(1, LOGITS_AT_ONCE // model.config.get_text_config().vocab_size)
    cache = empty_cache(model) if length - first > size and keeps_all(model) else None
    read = 0
    if cache is not None and first > 0:
        model(input_ids=ids[:, :first], past_key_values=cache, use_cache=True, logits_to_keep=1, **options)
        read = first
    for begin in range(first, length, size):
        end = min(begin + size, length)
        kept = {} if cache is None else {"past_key_values": cache}
        output = model(
            input_ids=ids[:, read:end],
            attention_mask=torch.ones_like(ids[:, :end]),
            use_cache=cache is not None,
            logits_to_keep=end - begin,
            **kept,
            **options,
        )
        # Without a cache that can be gone on from, every piece is read from the beginning of the text.
        read = end if cache is not None else 0
        yield output.logits[0, begin - end :].float()


def _views(logits: Tensor, followed: Tensor) -> tuple[Tensor, ...]:
    """What each row of logits (n, vocab) thought of the token that followed (n,); the tensors of `Trace`."""
    log_probabilities = logits.log_softmax(dim=-1)
    chosen = logits.gather(-1, followed.unsqueeze(-1))
    ids = torch.arange(logits.shape[-1], device=logits.device)
    ahead = (logits > chosen) | ((logits == chosen) & (ids < followed.unsqueeze(-1)))
    best = torch.topk(log_probabilities, min(ALTERNATIVES, logits.shape[-1]), dim=-1)
    return (
        log_probabilities.gather(-1, followed.unsqueeze(-1)).squeeze(-1),
        (ahead.sum(dim=-1) + 1).int(),
        entropy(log_probabilities.exp()),
        best.indices.int(),
        best.values,
    )
