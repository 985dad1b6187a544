"""What is posted to Gradio's routes is read here first, since some of it would break its own sender's page.

JSON can escape one half of a surrogate pair ("\\ud800"), which is no character (RFC 8259, section 8.2). Python takes
it, and Gradio's stream of answers, which is UTF-8, ends for good at the first answer that repeats it.
"""

import json
import re

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROUTES = "/gradio_api/"
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of a posted body. Files come another way, and widgets send far less."""
MAYBE_HALF = re.compile(r"\\u[dD][89a-fA-F]")
NO_TEXT = "The request holds half a character (a lone surrogate, as \\ud800), which is no text; send whole characters."
NO_UTF8 = "The request is not in UTF-8, as JSON is (RFC 8259); encode it as UTF-8 and send it again."


def problem(body: bytes) -> str | None:
    """Why a JSON body cannot be taken; None for one that can, or whose fault whoever parses it will name."""
    if json.detect_encoding(body) != "utf-8":
        return NO_UTF8
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return NO_UTF8
    if not MAYBE_HALF.search(text):
        return None
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return NO_TEXT
    except (ValueError, RecursionError):
        return None
    return None


async def whole(request: Request, most: int) -> bytes | None:
    """A request's body; None where it has more than `most` bytes."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return bytes(body)


class Posted:
    """Middleware: refuses what is too large and what is no text; files are passed on unread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or passes on."""
        if not _concerns(scope):
            await self._app(scope, receive, send)
            return
        body = await whole(Request(scope, receive), LARGEST_BODY)
        if body is None:
            told = f"The request is larger than {LARGEST_BODY // 2**20} MiB; upload files, and post only their names."
            await JSONResponse({"error": told}, status_code=413)(scope, receive, send)
            return
        if refused := problem(body):
            await JSONResponse({"error": refused}, status_code=400)(scope, receive, send)
            return
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return unread.pop() if unread else await receive()

        await self._app(scope, again, send)


def _concerns(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "POST"
        and ROUTES in scope["path"]
        and not Headers(scope=scope).get("content-type", "").lower().startswith("multipart/")
    )
