"""Where errors become something a person reads on the page: the only place that does so."""

import functools
import html
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from playground.errors import PlaygroundError
from playground.ui.i18n import locale_of, say
from playground.ui.sentences import translated

logger = logging.getLogger(__name__)


def shown(handler: Callable[..., Any], *bound: Any) -> Callable[..., Any]:
    """Wraps an event handler or generator: a `PlaygroundError` is shown as its own sentence, anything else as a defect.

    `bound` is passed first at every call, such as the services: `button.click(shown(start, services), …)`. What is left
    of the signature stays visible, since Gradio learns from it whether the handler wants a `gr.Request`.
    """

    @functools.wraps(handler)
    def stream(*args: Any) -> Iterator[Any]:
        try:
            yield from handler(*bound, *args)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error) from error

    @functools.wraps(handler)
    def call(*args: Any) -> Any:
        try:
            return handler(*bound, *args)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error) from error

    wrapper = stream if inspect.isgeneratorfunction(handler) else call
    signature = inspect.signature(handler)
    left = list(signature.parameters.values())[len(bound) :]
    wrapper.__dict__.pop("__wrapped__")
    wrapper.__dict__["__signature__"] = signature.replace(parameters=left)
    taken = list(signature.parameters)[: len(bound)]
    wrapper.__annotations__ = {key: hint for key, hint in handler.__annotations__.items() if key not in taken}
    return wrapper


def sentence(error: Exception, locale: str) -> str:
    """What a person reads about an error; an unexpected one is logged with its traceback."""
    if isinstance(error, PlaygroundError):
        return translated(str(error), locale)
    logger.error("A handler failed unexpectedly.", exc_info=error)
    return say("error.unexpected", locale, kind=type(error).__name__)


def toast(error: Exception) -> gr.Error:
    """The message for an error, in the language of whoever asked, whether the handler takes its `gr.Request` or not."""
    locale = locale_of(LocalContext.request.get(None))
    # Toasts render HTML, so a path or a prompt in the sentence is escaped.
    words = html.escape(sentence(error, locale), quote=False)
    return gr.Error(words, title=say("error.title", locale), print_exception=False)
