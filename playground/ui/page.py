"""The page as Gradio serves it, but for what its long forms would cost.

Gradio takes each input of an event to a thread of its own and back, and builds a component anew for each output,
`gr.skip()` or not. Of a form of two hundred fields, of which a handler changes ten, that is 0.1 s of the server and
0.8 MB of the session for a click, and longer where other threads have work too. And its queue never rests.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any

import anyio.to_thread
import gradio as gr
from gradio.blocks import BlockFunction
from gradio.components import Component
from gradio.exceptions import ComponentProcessingError
from gradio.state_holder import SessionState

LOOKS_AGAIN = 0.02
"""Seconds after which the queue looks whether an event waits. Gradio does a thousand times a second, on Windows twenty
times: a twentieth of a core for nothing, and a run beside it is interrupted each time."""


class Page(gr.Blocks):
    """Events give and send what Gradio's own would."""

    def queue(self, *args: Any, **options: Any) -> "Page":
        """As Gradio's; one that looks more seldom whether there is work."""
        super().queue(*args, **options)
        self._queue.sleep_when_free = max(self._queue.sleep_when_free, LOOKS_AGAIN)
        return self

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """What the handler gets, one value per input, from what the browser has sent; files go Gradio's own way."""
        blocks = block_fn.inputs
        if state is None or not block_fn.preprocess or block_fn.component_prop_inputs or any(map(_holds_files, blocks)):
            return list(await super().preprocess_data(block_fn, inputs, state, explicit_call))
        part = copy(block_fn)
        part.preprocess = False
        values = await super().preprocess_data(part, inputs, state, explicit_call)
        return await anyio.to_thread.run_sync(self._preprocessed, block_fn, values, state, limiter=self.limiter)

    def _preprocessed(self, block_fn: BlockFunction, values: Sequence[Any], state: SessionState) -> list[Any]:
        found: list[Any] = []
        for place, (built, value) in enumerate(zip(block_fn.inputs, values, strict=True)):
            block = state[built._id] if not built.stateful and built._id in state else built
            if block.stateful or not isinstance(block, Component):
                found.append(value)
                continue
            try:
                found.append(block.preprocess(value))
            except gr.Error:
                raise
            except Exception as error:
                told = self._format_processing_error(block_fn, place, block, value, is_input=True, original_error=error)
                raise ComponentProcessingError(told) from error
        return found

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict[str, Any], state: SessionState | None
    ) -> list[Any]:
        """What the browser is sent, one value per output of the event; `predictions` as the handler gave them."""
        count = len(block_fn.outputs)
        if count < 2 or not isinstance(predictions, list | tuple) or len(predictions) != count:
            return await super().postprocess_data(block_fn, predictions, state)
        changed = [place for place, value in enumerate(predictions) if not _stays(value)]
        sent: list[Any] = [gr.skip() for _ in predictions]
        if changed:
            part = copy(block_fn)
            part.outputs = [block_fn.outputs[place] for place in changed]
            values = [predictions[place] for place in changed]
            made = await super().postprocess_data(part, values if len(values) > 1 else values[0], state)
            for place, value in zip(changed, made, strict=True):
                sent[place] = value
        return sent


def _holds_files(block: object) -> bool:
    return getattr(block, "data_model", None) is not None


def _stays(value: object) -> bool:
    return isinstance(value, dict) and value == gr.skip()
