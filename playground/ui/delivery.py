"""The page and its files, made and packed once for all who come.

Gradio writes the whole page anew for everybody, a quarter of a second of work, sends it unpacked, packs each of its
files anew, and never tells a browser to keep one. What is the same for everybody is answered here instead.
"""

import asyncio
import functools
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import anyio.to_thread
import brotli
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Packing = Literal["br", "gzip", "identity"]
FOR_EVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
ASKED_AGAIN = "no-cache"
"""A browser keeps it, and asks each time whether it is still the same."""
MOST_BYTES = 64 * 1024 * 1024
"""Of all answers that are kept."""
MOST_ENTRIES = 4096
SMALLEST = 400
"""Bytes below which packing gains nothing."""
PACKED = ("text/", "application/javascript", "application/json", "image/svg")
ADDRESS = ("host", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-prefix")
"""Headers that decide which address the page gives its files."""
REPLACED = frozenset({"cache-control", "etag", "vary", "content-encoding", "content-length"})


@dataclass(frozen=True)
class Kept:
    """An answer, ready to be sent."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    tag: str


class Delivery:
    """Middleware; passes everything on that is not the same for everybody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: OrderedDict[tuple[str, ...], asyncio.Task[Kept | None]] = OrderedDict()
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or passes on."""
        lasting = _lasting(scope)
        if not lasting:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kept = await self._answer(scope, headers, lasting)
        if kept is None:
            await self._app(scope, receive, send)
        elif headers.get("if-none-match", "").removeprefix("W/") == kept.tag:
            await send({"type": "http.response.start", "status": 304, "headers": _without_content(kept)})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": list(kept.headers)})
            await send({"type": "http.response.body", "body": kept.body})

    async def _answer(self, scope: Scope, headers: Headers, lasting: str) -> Kept | None:
        """What is kept, or made now; of many who ask at once, one has it made."""
        packing = _packing(headers)
        place = () if lasting != ASKED_AGAIN else (scope["scheme"], *(headers.get(name, "") for name in ADDRESS))
        key = (scope["path"], scope.get("root_path", ""), _version(scope), packing, *place)
        task = self._kept.get(key)
        if task is None:
            task = self._kept[key] = asyncio.ensure_future(_made(self._app, scope, packing, lasting))
            task.add_done_callback(functools.partial(self._weigh, key))
        self._kept.move_to_end(key)
        return await asyncio.shield(task)

    def _weigh(self, key: tuple[str, ...], task: "asyncio.Task[Kept | None]") -> None:
        """Forgets what is no answer, and the answers longest not asked for where there are too many."""
        kept = None if task.cancelled() or task.exception() else task.result()
        if kept is None:
            del self._kept[key]
            return
        self._bytes += len(kept.body)
        while self._bytes > MOST_BYTES or len(self._kept) > MOST_ENTRIES:
            old = next((one for one, task in self._kept.items() if task.done() and one != key), None)
            if old is None:
                return
            forgotten = self._kept.pop(old).result()
            self._bytes -= len(forgotten.body) if forgotten else 0


def _lasting(scope: Scope) -> str:
    """How long browsers may keep what is asked for; "" where it is not the same for everybody."""
    if scope["type"] != "http" or scope["method"] != "GET" or "range" in Headers(scope=scope):
        return ""
    path, query = scope["path"], scope["query_string"]
    if path.startswith("/assets/"):
        return FOR_EVER  # their names tell their content
    if path == "/theme.css":
        return FOR_EVER if query.startswith(b"v=") else ASKED_AGAIN
    if path.startswith("/static/"):
        return A_DAY
    return ASKED_AGAIN if path == "/" and b"deep_link" not in query else ""


def _version(scope: Scope) -> str:
    return scope["query_string"].decode("latin-1")[:80] if scope["path"] == "/theme.css" else ""


def _packing(headers: Mapping[str, str]) -> Packing:
    accepted = headers.get("accept-encoding", "")
    return "br" if "br" in accepted else "gzip" if "gzip" in accepted else "identity"


async def _made(app: ASGIApp, scope: Scope, packing: Packing, lasting: str) -> Kept | None:
    """The app's own answer, packed; None where it is not a plain 200."""
    plain = [(name, value) for name, value in scope["headers"] if name not in (b"accept-encoding", b"if-none-match")]
    started: dict[str, Any] = {}
    parts: list[bytes] = []

    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:  # who sends a file waits here for whoever asked to go, and must not be answered again and again
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app({**scope, "headers": plain, "extensions": {}}, receive, send)
    if started.get("status") != 200:
        return None
    headers = Headers(raw=started["headers"])
    if "set-cookie" in headers:
        return None
    return await anyio.to_thread.run_sync(_packed, headers, b"".join(parts), packing, lasting)


def _packed(headers: Headers, body: bytes, packing: Packing, lasting: str) -> Kept:
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}-{packing}"'
    own = {name: value for name, value in headers.items() if name not in REPLACED}
    own |= {"cache-control": lasting, "etag": tag, "vary": "Accept-Encoding"}
    if packing != "identity" and len(body) >= SMALLEST and headers.get("content-type", "").startswith(PACKED):
        body = brotli.compress(body, quality=6) if packing == "br" else gzip.compress(body, compresslevel=6)
        own["content-encoding"] = packing
    own["content-length"] = str(len(body))
    return Kept(tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in own.items()), body, tag)


def _without_content(kept: Kept) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in kept.headers if not name.startswith(b"content-")]
