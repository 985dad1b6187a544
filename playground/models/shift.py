"""Where in an answer a tuned model speaks otherwise than its base: both read the same text, token by token.

The classes are those of Lin et al. 2023, "The Unlocking Spell on Base LLMs" (arXiv:2312.01552): a place is unshifted
where the tuned model's choice is the base's own, marginal where it is the base's second or third, and else shifted.
They look at greedy answers of the tuned model, whose tokens are its choices; of any other text we take the tuned
model's likeliest token at each place, which there comes to the same.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from playground.core.divergence import divergence
from playground.core.sampling import require_distribution
from playground.errors import ModelError
from playground.models.generation import check_prompt, context_length, inference, next_logits
from playground.models.residence import Residence
from playground.models.shelf import Side
from playground.models.strength import at_strength
from playground.models.trace import logits_in_pieces

MOVERS = 5
"""Tokens that gained most, and as many that lost most, at each place."""
NUMBERS_AT_ONCE = 2**20
"""Probabilities of one model that are looked at together: 8 MiB in float64."""


class Shift(NamedTuple):
    """The last n tokens of a text, each seen from the tokens before it at temperature 1. On the CPU."""

    to_base: Tensor
    """(n,) float64, KL(tuned ‖ base) in nats over the whole vocabulary."""
    to_tuned: Tensor
    """(n,) float64, KL(base ‖ tuned) in nats."""
    base_logps: Tensor
    """(n,) float64, ln p of the token by the base."""
    tuned_logps: Tensor
    """(n,) float64, by the tuned model."""
    base_ranks: Tensor
    """(n,) int32, rank of the token in the base, from 1; equals stand in the order of their ids."""
    choices: Tensor
    """(n,) int32, the tuned model's likeliest token."""
    choice_ranks: Tensor
    """(n,) int32, its rank in the base: what the class hangs on."""
    movers: Tensor
    """(n, 2·m) int32, the tokens that gained most, most first, then those that lost most, most first; m is `MOVERS`,
    or as many as a small vocabulary has."""
    movers_base: Tensor
    """(n, 2·m) float64, their probabilities by the base."""
    movers_tuned: Tensor
    """(n, 2·m) float64, by the tuned model."""


class NextPair(NamedTuple):
    """What both models expect after a text; (vocab,) float32 logits."""

    base: Tensor
    tuned: Tensor


def shift(base: Side, tuned: Side, ids: Sequence[int], start: int) -> Shift:
    """Reads a text with both models.

    Args:
        ids: the whole text.
        start: place of the first token that is looked at; at least 1.

    Raises:
        ModelError: the text is empty, longer than the context, or has no token from `start` on.
        PlaygroundError: the logits are no distribution.
    """
    _check(base, tuned, ids)
    if not 1 <= start < len(ids):
        raise ModelError("The answer is empty; there is no token to compare the two models on.")
    found: list[tuple[Tensor, ...]] = []
    place = start
    with inference(base.model), inference(tuned.model):
        for ours, theirs in zip(_read(tuned, ids, start), _read(base, ids, start), strict=True):
            rows = max(1, NUMBERS_AT_ONCE // ours.shape[-1])
            for first in range(0, len(ours), rows):
                some, same = ours[first : first + rows], theirs[first : first + rows]
                found.append(_views(some.cpu(), same.cpu(), torch.tensor(ids[place : place + len(some)])))
                place += len(some)
    return Shift(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def run_shift(
    server: Residence,
    ids: Sequence[int],
    start: int,
    run: str,
    *,
    step: int | None = None,
    strength: float = 1.0,
    stop: threading.Event | None = None,
) -> Shift:
    """`shift` of a run, as it ended or at one of its saved steps; holds the turn once.

    Raises:
        Cancelled: `stop` was set while waiting.
        PlaygroundError: as `shift`, `Shelf.tuned` and `at_strength`.
    """
    stop = stop or threading.Event()
    with server.turn(stop) as resident:
        # The tuned side first: once an adapter is attached, the base has to be asked for by name.
        tuned = resident.shelf.tuned(run, stop, step=step)
        with at_strength(tuned, strength):
            return shift(resident.shelf.base(), tuned, ids, start)


def next_pair(
    server: Residence, ids: Sequence[int], run: str, *, step: int | None = None, strength: float = 1.0
) -> NextPair:
    """What the base and a run expect after a text. Raises as `run_shift`."""
    stop = threading.Event()
    with server.turn() as resident:
        tuned = resident.shelf.tuned(run, stop, step=step)
        base = resident.shelf.base()
        _check(base, tuned, ids)
        with at_strength(tuned, strength):
            return NextPair(
                *(next_logits(side.model, side.reading(ids), adapter=side.adapter) for side in (base, tuned))
            )


def _check(base: Side, tuned: Side, ids: Sequence[int]) -> None:
    for side in (base, tuned):
        check_prompt(side.reading(ids), context_length(side.model), new_tokens=0)


def _read(side: Side, ids: Sequence[int], start: int) -> Iterator[Tensor]:
    """Logits at the places before each token from `start` on, in pieces; nobody asks what comes after the last."""
    read = torch.tensor([side.reading(ids[:-1])], device=side.model.device)
    options = {} if side.adapter is None else {"adapter_names": [side.adapter]}
    return logits_in_pieces(side.model, read, len(side.lead) + start - 1, options)


def _views(tuned: Tensor, base: Tensor, followed: Tensor) -> tuple[Tensor, ...]:
    """The tensors of `Shift` for logits (n, vocab) of both and the tokens that followed (n,)."""
    require_distribution(tuned)
    require_distribution(base)
    ours, theirs = tuned.double().log_softmax(dim=-1), base.double().log_softmax(dim=-1)
    choices = tuned.argmax(dim=-1)
    gains = ours.exp() - theirs.exp()
    count = min(MOVERS, gains.shape[-1])
    movers = torch.cat([torch.topk(gains, count).indices, torch.topk(-gains, count).indices], dim=-1)
    return (
        divergence(ours, theirs),
        divergence(theirs, ours),
        _at(theirs, followed),
        _at(ours, followed),
        ranks(base, followed),
        choices.int(),
        ranks(base, choices),
        movers.int(),
        theirs.gather(-1, movers).exp(),
        ours.gather(-1, movers).exp(),
    )


def ranks(logits: Tensor, ids: Tensor) -> Tensor:
    """The rank of one token in each row, from 1; equals stand in the order of their ids. (n, vocab), (n,) -> (n,)."""
    chosen = logits.gather(-1, ids.unsqueeze(-1))
    before = torch.arange(logits.shape[-1], device=logits.device) < ids.unsqueeze(-1)
    ahead = (logits > chosen) | ((logits == chosen) & before)
    return (ahead.sum(dim=-1) + 1).int()


def _at(logps: Tensor, ids: Tensor) -> Tensor:
    return logps.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
