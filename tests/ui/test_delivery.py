"""The page and its files are made once for all who come, packed, and kept by browsers as long as they hold."""

import asyncio
import gzip
from pathlib import Path

import brotli
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from playground.ui import delivery
from playground.ui.delivery import Delivery

LONG = "The page of everybody. " * 100


class Origin:
    """Counts what it was asked; answers with the address that it was asked at."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def page(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        await asyncio.sleep(0.01)
        return PlainTextResponse(f"{request.headers.get('host')} {LONG}", headers={"Cache-Control": "private"})

    async def missing(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return PlainTextResponse("Not found", status_code=404)


@pytest.fixture
def origin() -> Origin:
    return Origin()


@pytest.fixture
def client(origin: Origin) -> httpx.AsyncClient:
    paths = ("/", "/assets/{name}", "/static/{name}", "/theme.css", "/playground/status")
    routes = [Route("/assets/missing.js", origin.missing), *(Route(path, origin.page) for path in paths)]
    app = Starlette(routes=routes, middleware=[Middleware(Delivery)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


def test_fifty_who_come_at_once_get_one_page(client: httpx.AsyncClient, origin: Origin) -> None:
    async def come() -> list[httpx.Response]:
        return await asyncio.gather(*(client.get("/", params={"host": str(number)}) for number in range(50)))

    answers = asyncio.run(come())
    assert {answer.text for answer in answers} == {f"here {LONG}"}
    assert origin.asked == ["/"]


@pytest.mark.parametrize(
    ("accepts", "unpack"), [("gzip, br", brotli.decompress), ("gzip", gzip.decompress), ("", bytes)]
)
def test_it_is_packed_as_a_browser_takes_it(client: httpx.AsyncClient, accepts: str, unpack: object) -> None:
    async def come() -> tuple[httpx.Response, bytes]:
        async with client.stream("GET", "/assets/a.js", headers={"Accept-Encoding": accepts}) as answer:
            return answer, b"".join([part async for part in answer.aiter_raw()])

    answer, body = asyncio.run(come())
    assert unpack(body).decode() == f"here {LONG}"  # type: ignore[operator]
    assert len(body) == int(answer.headers["content-length"])
    assert len(body) < 200 or not accepts
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/assets/index-1a2b.js", delivery.FOR_EVER),
        ("/theme.css?v=1", delivery.FOR_EVER),
        ("/theme.css", delivery.ASKED_AGAIN),
        ("/static/font.woff2", delivery.A_DAY),
        ("/", delivery.ASKED_AGAIN),
        ("/?deep_link=x", "private"),
        ("/playground/status", "private"),
    ],
)
def test_browsers_keep_it_as_long_as_it_holds(client: httpx.AsyncClient, origin: Origin, path: str, kept: str) -> None:
    async def come() -> tuple[httpx.Response, httpx.Response]:
        first = await client.get(path)
        return first, await client.get(path, headers={"If-None-Match": first.headers.get("etag", "")})

    first, again = asyncio.run(come())
    assert first.headers["cache-control"] == again.headers["cache-control"] == kept
    ours = kept != "private"
    assert (again.status_code, again.content) == ((304, b"") if ours else (200, first.content))
    assert len(origin.asked) == (1 if ours else 2)


def test_each_address_has_a_page_of_its_own(client: httpx.AsyncClient) -> None:
    async def come() -> list[str]:
        return [(await client.get("/", headers={"Host": host})).text[:5] for host in ("one.a", "two.b", "one.a")]

    assert asyncio.run(come()) == ["one.a", "two.b", "one.a"]


def test_what_is_missing_is_not_kept(client: httpx.AsyncClient, origin: Origin) -> None:
    async def come() -> list[int]:
        return [(await client.get("/assets/missing.js")).status_code for _ in range(2)]

    assert asyncio.run(come()) == [404, 404]
    assert len(origin.asked) == 4  # each time tried, and passed on


def test_the_room_for_answers_is_bounded(
    client: httpx.AsyncClient, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_BYTES", 3 * len(LONG))

    async def come(*names: str) -> None:
        for name in names:
            await client.get(f"/static/{name}", headers={"Accept-Encoding": "identity"})

    asyncio.run(come("a", "b", "c", "d", "d", "a"))
    assert origin.asked == ["/static/a", "/static/b", "/static/c", "/static/d", "/static/a"]


def test_a_file_is_sent_to_an_older_server_without_being_asked_for_its_end_again_and_again(tmp_path: Path) -> None:
    """By ASGI before 2.4 a file's sender listens for whoever asked to go; it once was answered at once, for ever."""
    (tmp_path / "index.js").write_text(LONG)
    app = Delivery(FileResponse(tmp_path / "index.js"))
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        parts.append(message.get("body", b""))

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET", "path": "/assets/index.js",
        "scheme": "http", "query_string": b"", "headers": [],
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(app(scope, receive, send), timeout=30))
    assert b"".join(parts) == LONG.encode()
