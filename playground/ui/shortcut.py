"""What pages ask for again and again, answered with as little work as can be.

A room of a hundred phones and thirty pages asks a hundred times a second. On its way to a route a request passes a
dozen layers of Gradio, FastAPI and Starlette, which take longer than most answers; and many ask for the very same.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

BLINK = 0.2
"""Seconds for which an answer is given to others."""
MOST_BYTES = 50_000
"""Of an answer that is kept so long."""
MOST_ANSWERS = 256


class Shortcut:
    """Middleware: leads what is asked of a route without parameters straight to it; passes everything else on."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._app = app
        self._routes = {
            route.path: route.app for route in routes if "GET" in (route.methods or ()) and "{" not in route.path
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes on."""
        asked = scope["type"] == "http" and scope["method"] == "GET"
        await (self._routes.get(scope["path"], self._app) if asked else self._app)(scope, receive, send)


class SharedAnswers:
    """Of all who ask the same within a blink, one has the answer made. For one event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, asyncio.Task[bytes]]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer that was made for this key at most a blink ago, or is being made; else `make` makes it.

        Raises:
            Exception: whatever `make` raises, to all who wait for it.
        """
        now = time.monotonic()
        made, task = self._kept.get(key, (0.0, None))
        if task is None or now > made + BLINK or task.cancelled():
            task = asyncio.ensure_future(make())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # where nobody waits any more
            self._kept[key] = now, task
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_ANSWERS or next(iter(self._kept.values()))[0] < now - BLINK:
                self._kept.popitem(last=False)
        body = await asyncio.shield(task)
        if len(body) > MOST_BYTES and self._kept.get(key, (0.0, None))[1] is task:
            del self._kept[key]
        return body
