"""What the loaded model has read lately: in a room everybody looks at the same text, and it says the same of it."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from playground.models.cores import glance
from playground.models.generation import next_logits
from playground.models.shelf import Shelf, Side
from playground.models.trace import Trace, trace

KEPT = 32
"""Readings; with a vocabulary of 151,936 they take 20 MB."""


class Reading(NamedTuple):
    """What a model said of a text. Shared by all who ask: not to be changed."""

    logits: npt.NDArray[np.float32]
    """(vocab,) of the token after the text."""
    trace: Trace | None
    """What it thought of the text's own last tokens, where that was asked for."""


class RecentReadings:
    """The last readings of one loaded model and its adapters. Not safe across threads: hold the turn."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._kept: OrderedDict[Hashable, Reading] = OrderedDict()

    def read(self, side: Side, ids: Sequence[int], *, traced: int) -> Reading:
        """A reading of `ids`, from memory where there is the same.

        Args:
            side: of the same shelf.
            ids: of the text, without a soft prompt.
            traced: of how many tokens at the end the trace speaks; 0 for none.

        Raises:
            ModelError, PlaygroundError: as `next_logits` and `trace`.
        """
        if side.model is not self._shelf.model or side.lead:
            # A model of its own, or a soft prompt: both may change behind the same name.
            return _read(side, ids, traced)
        key = (side.adapter, tuple(ids), traced)  # an adapter that is attached anew has a new name
        found = self._kept.pop(key, None) or _read(side, ids, traced)
        self._kept[key] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _read(side: Side, ids: Sequence[int], traced: int) -> Reading:
    given = side.reading(ids)
    with glance():
        if not traced:
            return Reading(next_logits(side.model, given, adapter=side.adapter).numpy(), None)
        seen = trace(side.model, given, last=min(traced, len(ids) - 1), adapter=side.adapter)
    behind = seen.next_logits.clone()  # it was a part of the logits of many tokens, which would be kept with it
    # Places are counted without the soft prompt.
    return Reading(behind.numpy(), seen._replace(start=seen.start - len(side.lead), next_logits=behind))
