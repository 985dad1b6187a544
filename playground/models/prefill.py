"""Reads many prompts into one cache with as little computation as their templates allow.

Prompts made by one template begin alike and differ in length. Read side by side and padded, most of what is computed
is the same beginning over and over, and padding. Here they are put into groups; what a group begins with is computed
once, and padding reaches only to the longest of the group.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

PASS_TOKENS = 40
"""A forward pass costs as much as this many tokens before the first one: the weights have to be read (measured on a
CPU with 135 million of them; elsewhere only the choice of groups is a little worse)."""


@dataclass(frozen=True)
class Group:
    """Prompts that are read together."""

    rows: list[int]
    shared: int
    """How many tokens they all begin with."""


class ReadPrompts(NamedTuple):
    """Prompts in a cache, all but their last tokens, in the order of `rows`."""

    cache: DynamicCache
    ids: Tensor
    """(rows, length), last tokens included; padding stands before a row or within it."""
    mask: Tensor
    """(rows, length), 0 where there is padding."""
    rows: list[int]


def keeps_all(model: PreTrainedModel) -> bool:
    """Whether the model's cache holds every key and value, so that rows can be copied, joined and dropped, and
    positions masked; models that keep a state, or a window, do not."""
    layers = empty_cache(model).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers) and not model._is_stateful


def empty_cache(model: PreTrainedModel) -> DynamicCache:
    """A cache for the model's own kinds of layers."""
    return DynamicCache(config=model.config.get_text_config(decoder=True))


def plan(prompts: Sequence[Sequence[int]]) -> list[Group]:
    """The groups that cost least, each a stretch of the prompts in alphabetical order; empty where reading all
    prompts side by side is cheaper still, or where one has nothing before its last token."""
    if min(map(len, prompts)) < 2:
        return []
    order = sorted(range(len(prompts)), key=lambda row: list(prompts[row]))
    neighbours = [_shared(prompts[one], prompts[other]) for one, other in pairwise(order)]
    cheapest: list[tuple[int, list[Group]]] = [(0, [])]
    for end in range(1, len(order) + 1):
        choices = []
        shared = shortest = len(prompts[order[end - 1]]) - 1
        longest = 0
        for start in range(end - 1, -1, -1):
            length = len(prompts[order[start]]) - 1
            shortest, longest = min(shortest, length), max(longest, length)
            shared = min(shared, shortest, *neighbours[start : start + 1] if start < end - 1 else [])
            own = 0 if start == end - 1 else shared
            cost = PASS_TOKENS * (1 + (own > 0)) + own + (end - start) * (longest - own)
            choices.append((cheapest[start][0] + cost, start, own))
        cost, start, own = min(choices)
        cheapest.append((cost, [*cheapest[start][1], Group(order[start:end], own)]))
    cost, groups = cheapest[-1]
    return groups if cost < len(prompts) * max(map(len, prompts)) else []


def read(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], groups: Sequence[Group], options: dict[str, Any]
) -> ReadPrompts:
    """The prompts in one cache, group by group.

    Args:
        options: for every forward pass that has one row; `adapter_names` is repeated for more.
    """
    device = model.device
    parts = [_read_group(model, prompts, group, options) for group in groups]
    width = max(part.mask.shape[1] for part in parts)
    cache = empty_cache(model)
    for index in range(len(cache.layers)):
        states = [keys_and_values(part.cache, index) for part in parts]
        keys, values = (
            torch.cat([pad(state[kind], (0, 0, width - state[kind].shape[2], 0)) for state in states])
            for kind in (0, 1)
        )
        cache.update(keys, values, index)
    rows = [row for group in groups for row in group.rows]
    last = torch.tensor([[prompts[row][-1]] for row in rows], device=device)
    ids = torch.cat([pad(part.ids, (width - part.ids.shape[1], 0)) for part in parts])
    mask = torch.cat([pad(part.mask, (width - part.mask.shape[1], 0)) for part in parts])
    return ReadPrompts(cache, torch.cat([ids, last], 1), torch.cat([mask, torch.ones_like(last)], 1), rows)


def _read_group(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], group: Group, options: dict[str, Any]
) -> ReadPrompts:
    """One group's prompts without their last tokens."""
    count, shared = len(group.rows), group.shared
    cache = empty_cache(model)
    own = [list(prompts[row][shared:-1]) for row in group.rows]
    ids, mask = left_padded(own, 0, model.device)
    if shared:
        beginning = torch.tensor([list(prompts[group.rows[0]][:shared])], device=model.device)
        model(input_ids=beginning, past_key_values=cache, use_cache=True, logits_to_keep=1, **options)
        cache.batch_repeat_interleave(count)
        ids = torch.cat([beginning.expand(count, -1), ids], dim=1)
        mask = torch.cat([torch.ones_like(ids[:, :shared]), mask], dim=1)
    if ids.shape[1] > shared:
        base = model.get_base_model() if isinstance(model, PeftModel) else model
        if "position_ids" in inspect.signature(base.forward).parameters:
            options = options | {"position_ids": (mask.cumsum(1) - 1).clamp(min=0)[:, shared:]}
        if "adapter_names" in options:
            options = options | {"adapter_names": options["adapter_names"] * count}
        model(
            input_ids=ids[:, shared:],
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **options,
        )
    return ReadPrompts(cache, ids, mask, group.rows)


def keys_and_values(cache: DynamicCache, index: int) -> tuple[Tensor, Tensor]:
    """Those of one layer, each (rows, heads, length, size)."""
    layer = cache.layers[index]
    assert isinstance(layer, DynamicLayer)  # noqa: S101, `keeps_all` says so
    assert layer.keys is not None  # noqa: S101, the model has run
    assert layer.values is not None  # noqa: S101
    return layer.keys, layer.values


def left_padded(rows: Sequence[Sequence[int]], padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ids and attention mask, both (rows, longest).

    The mask comes from the lengths, never from the ids: the padding token may be a token of the text.
    """
    longest = max(map(len, rows))
    ids = [[padding] * (longest - len(row)) + list(row) for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return (
        torch.tensor(ids, device=device, dtype=torch.long),
        torch.tensor(mask, device=device, dtype=torch.long),
    )


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two prompts both begin with."""
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)
