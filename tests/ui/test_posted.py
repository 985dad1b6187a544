"""What is posted to Gradio's routes and by phones: text passes untouched, half a character and a flood are refused."""

import json
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from playground.config import codec
from playground.errors import ConfigError, PlaygroundError
from playground.ui import posted, routes
from playground.ui.posted import NO_TEXT, NO_UTF8, Posted
from playground.ui.services import Services

JOIN = "/gradio_api/queue/join"
PASSED = [
    b"",
    b'{"data": ["a", 1]}',
    '{"data": ["한국어 😀"]}'.encode(),
    rb'{"data": ["\ud83d\ude00 \uD7FF \uE000"]}',
    rb'{"data": ["\\ud800 is the name of one half"]}',
    b'{"data": [',
    rb'{"\ud800": [',
]
HALVES = [
    rb'{"data": ["\ud800"]}',
    rb'{"data": {"a \uDFFF": [1]}}',
    rb'["\udc00\ud800"]',
    '{"data": ["\\ud800 😀"]}'.encode(),
]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    async def echo(request: Request) -> JSONResponse:
        return JSONResponse({"got": (await request.body()).hex()})

    ways = [Route(path, echo, methods=["POST"]) for path in (JOIN, "/gradio_api/upload", "/elsewhere")]
    with TestClient(Starlette(routes=ways, middleware=[Middleware(Posted)])) as found:
        yield found


@pytest.mark.parametrize("body", PASSED)
def test_text_arrives_as_it_was_sent(client: TestClient, body: bytes) -> None:
    """What is no JSON is for whoever parses it."""
    assert client.post(JOIN, content=body).json() == {"got": body.hex()}


@pytest.mark.parametrize("body", HALVES)
def test_half_a_character_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post(JOIN, content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": NO_TEXT})


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"])
def test_json_comes_in_utf_8(client: TestClient, coding: str) -> None:
    """Python would read UTF-16 and UTF-32 too, and half a character in them."""
    answer = client.post(JOIN, content='{"data": ["é"]}'.encode(coding))
    assert (answer.status_code, answer.json()) == (400, {"error": NO_UTF8})
    assert client.post(JOIN, content=b'["\xed\xa0\x80"]').json() == {"error": NO_UTF8}


def test_a_flood_is_refused_before_it_is_whole(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posted, "LARGEST_BODY", 1000)
    taken: list[int] = []

    def flood() -> Iterator[bytes]:
        for _ in range(50):
            taken.append(100)
            yield b"1" * 100

    assert client.post(JOIN, content=b"1" * 1000).status_code == 200
    assert client.post(JOIN, content=flood()).status_code == 413
    files = {"files": ("a.bin", b"\xed\xa0\x80" * 1000)}
    assert client.post("/gradio_api/upload", files=files).status_code == 200
    assert client.post("/elsewhere", content=b"1" * 2000).status_code == 200


def test_a_phone_that_sends_half_a_character_is_answered() -> None:
    services = Services("none")
    with TestClient(Starlette(routes=routes.routes(services))) as phones:
        for way in ("/room/vote", "/room/guess"):
            headers = {"content-type": "application/json", "x-room-key": "the-key-of-a-phone-is-long"}
            answer = phones.post(way, content=rb'{"id": "\ud800", "pair": "\ud800", "option": 0}', headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (400, NO_TEXT)
    services.close()


def test_an_error_can_be_sent_whatever_was_given() -> None:
    """A config out of a file, or JSON that was typed into a field, brings its escapes past what is posted."""
    assert str(PlaygroundError("half of \ud83d\ude00: \ud83d")) == r"half of \ud83d\ude00: \ud83d"
    with pytest.raises(ConfigError) as told:
        codec.loads(json.dumps({"\ud800": 1}))
    assert str(told.value).startswith(r"\ud800 is not a setting")
