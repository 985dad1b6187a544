"""What is filled when a page opens, gathered from all tabs so that the page asks for it once.

Each event costs a page that has hundreds of components more than its handler costs the server: Gradio looks up, at
every change of every event's state, each component that any event so far has read or written.
"""

import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

logger = logging.getLogger(__name__)


@dataclass
class Part:
    """One handler of many."""

    handler: Callable[..., Any]
    inputs: Sequence[Block]
    outputs: Sequence[Block]
    follow_ups: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    def then(self, *arguments: Any, **options: Any) -> None:
        """What Gradio's `then` takes; done when all parts have answered."""
        self.follow_ups.append((arguments, options))

    def answer(self, values: Sequence[Any], request: gr.Request) -> list[Any]:
        """A value for each output; those of a handler that failed stay as they are."""
        arguments = list(values)
        for place, parameter in enumerate(inspect.signature(self.handler).parameters.values()):
            if parameter.annotation is gr.Request:
                arguments.insert(place, request)
        try:
            found = self.handler(*arguments)
        except gr.Error as error:
            logger.warning("The page opens without a part of it: %s", error)
            gr.Warning(str(error.message), title=error.title)
            return [gr.skip()] * len(self.outputs)
        if len(self.outputs) > 1 and found != gr.skip():
            return list(found)
        return [found] * len(self.outputs)


class Opening:
    """Gathers parts until `wire`."""

    def __init__(self, welcomed: Dependency) -> None:
        """`welcomed` is the event after which the person behind the page is known."""
        self._welcomed = welcomed
        self._parts: list[Part] = []

    def then(
        self,
        handler: Callable[..., Any],
        inputs: Sequence[Block] | None = None,
        outputs: Sequence[Block] | None = None,
        **_options: Any,
    ) -> Part:
        """What Gradio's `then` takes, so that a loop over events can have this one in it.

        A handler is neither a generator nor in need of anything but its inputs and the `gr.Request`; options of its
        own make no difference.
        """
        part = Part(handler, inputs or (), outputs or ())
        self._parts.append(part)
        return part

    def at_once(self, handler: Callable[..., Any] | None, *arguments: Any, **options: Any) -> Dependency:
        """What Gradio's `then` takes, for scripts and for the tab that is seen first: it waits for no other."""
        asked: Dependency = self._welcomed.then(handler, *arguments, **options)
        return asked

    def wire(self) -> None:
        """Connects all that was added."""
        inputs = [one for part in self._parts for one in part.inputs]
        outputs = [one for part in self._parts for one in part.outputs]
        opened = self._welcomed.then(self.answer, inputs, outputs, api_visibility="private", show_progress="hidden")
        for part in self._parts:
            for arguments, options in part.follow_ups:
                opened.then(*arguments, **options)

    def answer(self, request: gr.Request, *values: Any) -> list[Any]:
        """The values of all outputs, in the order in which they were added."""
        found: list[Any] = []
        left = list(values)
        for part in self._parts:
            taken, left = left[: len(part.inputs)], left[len(part.inputs) :]
            found += part.answer(taken, request)
        return found
