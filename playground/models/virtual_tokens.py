"""Virtual tokens: embeddings that stand for no word, under ids behind a model's vocabulary.

A soft prompt is a row of them. Given ids of their own they are tokens like any other to everything that reads text:
caches, positions, padding, prompts read together and rows of one batch with different prompts need to know nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.errors import ModelError


class VirtualTokens:
    """What a model's input embedding gives for ids behind its vocabulary. Not safe across threads: hold the turn."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Changes nothing in the model until there are tokens."""
        embedding, output = model.get_input_embeddings(), model.get_output_embeddings()  # type: ignore[no-untyped-call]
        self._embedding = cast("torch.nn.Embedding", embedding)
        self._next = count(max(self._embedding.weight.shape[0], output.weight.shape[0]))
        self._tables: dict[int, Tensor] = {}
        self._asked: Tensor | None = None
        self._hooks: tuple[Any, ...] = ()

    def add(self, table: Tensor) -> tuple[int, ...]:
        """New tokens with the embeddings (tokens, width); their ids. Ids are never given twice.

        Raises:
            ModelError: the width is another model's.
        """
        width = self._embedding.weight.shape[1]
        if table.ndim != 2 or table.shape[1] != width:
            raise ModelError(
                f"The soft prompt is {' × '.join(map(str, table.shape))}, but this model's embeddings have {width} "
                "numbers; load the model that it was trained on."
            )
        ids = tuple(next(self._next) for _ in range(len(table)))
        self._tables[ids[0]] = table.detach().to(self._embedding.weight.device)
        if not self._hooks:
            self._hooks = (
                self._embedding.register_forward_pre_hook(self._known),
                self._embedding.register_forward_hook(self._filled),
            )
        return ids

    def remove(self, ids: Sequence[int]) -> None:
        """Gives the tokens' memory back; texts with their ids cannot be read any more."""
        del self._tables[ids[0]]
        if not self._tables:
            for hook in self._hooks:
                hook.remove()
            self._hooks = ()

    def _known(self, _: torch.nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
        """Ids (rows, length) with token 0 in the place of virtual ones, which the embedding has no rows for."""
        ids = given[0]
        virtual = ids >= min(self._tables)
        self._asked = ids if bool(virtual.any()) else None
        return (ids.masked_fill(virtual, 0),)

    def _filled(self, _: torch.nn.Module, __: tuple[Tensor], output: Tensor) -> Tensor:
        """Embeddings (rows, length, width) with those of virtual tokens in their places."""
        ids, self._asked = self._asked, None
        if ids is None:
            return output
        output = output.clone()
        for first, table in self._tables.items():
            here = (ids >= first) & (ids < first + len(table))
            output[here] = table[ids[here] - first].to(output.dtype)
        return output


@contextmanager
def virtual_tokens(model: PreTrainedModel, table: Tensor) -> Iterator[tuple[int, ...]]:
    """The ids of tokens with these embeddings (tokens, width), which the model knows within the block."""
    tokens = VirtualTokens(model)
    ids = tokens.add(table)
    try:
        yield ids
    finally:
        tokens.remove(ids)
