"""Where errors become something a person reads on the page: the only place that does so."""

import functools
import html
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

import gradio as gr

from playground.errors import PlaygroundError
from playground.ui.i18n import locale_of, say

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def shown(handler: Callable[P, R]) -> Callable[P, R]:
    """Wraps an event handler or generator: a `PlaygroundError` is shown as its own sentence, anything else as a defect.

    The handler keeps its signature, from which Gradio learns whether it wants a `gr.Request`.
    """
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            try:
                yield from cast("Iterator[Any]", handler(*args, **kwargs))
            except gr.Error:
                raise
            except Exception as error:
                raise translated(error, args) from error

        return cast("Callable[P, R]", stream)

    @functools.wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            raise translated(error, args) from error

    return call


def translated(error: Exception, args: tuple[object, ...] = ()) -> gr.Error:
    """The toast for an error; unexpected ones are logged with their traceback. `args` may hold the `gr.Request`."""
    locale = locale_of(next((arg for arg in args if isinstance(arg, gr.Request)), None))
    if isinstance(error, PlaygroundError):
        sentence, title = str(error), say("error.title", locale)
    else:
        logger.error("A handler failed unexpectedly.", exc_info=error)
        sentence, title = say("error.unexpected", locale, kind=type(error).__name__), say("error.title", locale)
    # Toasts render HTML, so a path or a prompt in the sentence is escaped.
    return gr.Error(html.escape(sentence), title=title, print_exception=False)
