"""The way past the layers, and answers that are shared."""

import asyncio
from collections.abc import Awaitable

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from playground.ui import shortcut
from playground.ui.shortcut import SharedAnswers, Shortcut


class Layer:
    """Says that a request came through it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on."""
        scope["through"] = True
        await self._app(scope, receive, send)


async def answer(request: Request) -> Response:
    """What came, and how."""
    asked = request.query_params.get("q", "")
    return PlainTextResponse(f"{request.method} {request.path_params} {asked} {request.scope.get('through', False)}")


def test_only_what_is_plainly_ours_goes_straight() -> None:
    routes = [
        Route("/often", answer),
        Route("/posted", answer, methods=["POST"]),
        Route("/file/{name}", answer),
    ]
    layers = [Middleware(Shortcut, routes=routes), Middleware(Layer)]
    with TestClient(Starlette(routes=[*routes, Route("/theirs", answer)], middleware=layers)) as client:
        assert client.get("/often?q=a").text == "GET {} a False"
        assert client.head("/often").status_code == 200
        assert client.get("/theirs").text == "GET {}  True"
        assert client.post("/posted").text == "POST {}  True"
        assert client.get("/posted").status_code == 405
        assert client.post("/often").status_code == 405
        assert client.get("/file/a").text == "GET {'name': 'a'}  True"
        assert client.get("/nothing").status_code == 404


class Maker:
    """Makes answers and counts them."""

    def __init__(self, body: bytes = b"body", error: Exception | None = None) -> None:
        self.made, self.body, self.error = 0, body, error

    async def __call__(self) -> bytes:
        """After a moment."""
        self.made += 1
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        return self.body


async def together(*asking: Awaitable[bytes]) -> list[bytes | BaseException]:
    """All at once."""
    return await asyncio.gather(*asking, return_exceptions=True)


def test_who_asks_the_same_at_the_same_time_shares_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut, "BLINK", 60.0)
    shared, one, other = SharedAnswers(), Maker(), Maker(b"other")

    async def ask() -> None:
        assert await together(*(shared.get("one", one) for _ in range(5)), shared.get("other", other)) == [
            *[b"body"] * 5, b"other"
        ]  # fmt: skip
        assert await shared.get("one", one) == b"body"
        assert (one.made, other.made) == (1, 1)

    asyncio.run(ask())


def test_an_answer_is_made_anew_after_a_blink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut, "BLINK", 0.0)
    shared, maker = SharedAnswers(), Maker()

    async def ask() -> None:
        for _ in range(3):
            await shared.get("one", maker)
            await asyncio.sleep(0.001)
        assert maker.made == 3
        assert len(shared._kept) == 1

    asyncio.run(ask())


def test_large_answers_and_many_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcut, "BLINK", 60.0)
    shared, large, small = SharedAnswers(), Maker(b"x" * (shortcut.MOST_BYTES + 1)), Maker()

    async def ask() -> None:
        await shared.get("large", large)
        assert not shared._kept
        for number in range(shortcut.MOST_ANSWERS + 5):
            await shared.get(number, small)
        assert len(shared._kept) == shortcut.MOST_ANSWERS

    asyncio.run(ask())


def test_an_error_is_told_to_all_who_wait_and_one_who_leaves_takes_nothing_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared, failing, maker = SharedAnswers(), Maker(error=ValueError("no")), Maker()

    async def ask() -> None:
        found = await together(shared.get("bad", failing), shared.get("bad", failing))
        assert [str(error) for error in found] == ["no", "no"]
        assert failing.made == 1
        leaving = asyncio.ensure_future(shared.get("one", maker))
        staying = asyncio.ensure_future(shared.get("one", maker))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == b"body"
        assert maker.made == 1

    asyncio.run(ask())
