"""The audience page at /room, for phones: one light page, what is on stage, votes and guesses. No event queue.

A phone proves who it is by a key of its own in a header, which no form and no foreign page can send; it has no rights
but to answer what is on stage.
"""

import functools
import gzip
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from playground.config.methods import METHODS
from playground.errors import Busy, PlaygroundError
from playground.room import address
from playground.room.audience import Told
from playground.room.pace import TooFast
from playground.room.stage import Closed, NotOnStage
from playground.surroundings import Place, place
from playground.ui import i18n, posted
from playground.ui.identity import SHORTEST_KEY, Person, address_of, is_host, owner_id
from playground.ui.long_polling import LongPoll, waits
from playground.ui.pacing import act
from playground.ui.services import Services
from playground.voting.ballots import Ballots

TEMPLATE = i18n.FOLDER.parent / "audience" / "room.html"
KEY_HEADER = "x-room-key"
KEY = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST_KEY},100}}")
LARGEST_BODY = 2000
"""Bytes of a vote or a guess, generously."""
NOT_KEPT = {"Cache-Control": "no-store"}
PAGE_HEADERS = {
    **NOT_KEPT,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' https://huggingface.co",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
TEXTS = ("audience.", "phase.", "votes.choice.")
"""What the keys of the page's texts begin with, beside the names of the methods."""

Handler = Callable[[Services, Request], Awaitable[Response]]


class Unfit(PlaygroundError):
    """A request that the page never sends; carries the status of its answer."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


REFUSALS: dict[type[PlaygroundError], tuple[int, str]] = {
    NotOnStage: (409, "gone"),
    Closed: (409, "closed"),
    Busy: (429, "busy"),
    PlaygroundError: (400, "refused"),
}
"""Status, and the name by which the page says it in its reader's language; the first that fits."""


def audience_routes(services: Services, asset: Callable[[str], str]) -> list[Route]:
    """The routes; `asset` gives the address of a file in `assets`, relative to the app's root."""

    def bound(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await handler(services, request)
            except Unfit as error:
                return _refused(error, error.status, "unfit")
            except TooFast as error:
                return _refused(error, 429, "busy", {"Retry-After": str(error.retry_after)})
            except PlaygroundError as error:
                status, reason = next(answer for kind, answer in REFUSALS.items() if isinstance(error, kind))
                return _refused(error, status, reason)

        return endpoint

    polls = LongPoll(functools.partial(_told, services), lambda: services.audience.closing)
    return [
        Route("/room", bound(functools.partial(_page, asset))),
        Route("/room/", _without_slash),
        Route("/room/now", bound(functools.partial(_now, polls))),
        Route("/room/count", bound(_count)),
        Route("/room/vote", bound(_vote), methods=["POST"]),
        Route("/room/guess", bound(_guess), methods=["POST"]),
        Route("/room/address", bound(_address)),
        Route("/room/code", bound(_code)),
    ]


async def _page(asset: Callable[[str], str], _: Services, __: Request) -> Response:
    return Response(_page_gzip(asset("audience/")), media_type="text/html", headers=_packed(PAGE_HEADERS))


async def _without_slash(_: Request) -> Response:
    """The page's addresses are relative to where it lies."""
    return RedirectResponse("../room", status_code=308)


@functools.cache
def _page_gzip(assets: str) -> bytes:
    names = {f"method.{method}" for method in METHODS}
    texts = {
        locale: {key: text for key, text in i18n.texts(locale).items() if key.startswith(TEXTS) or key in names}
        for locale in i18n.LOCALES
    }
    # Inside a script element only "<" could end it.
    data = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = TEMPLATE.read_text(encoding="utf-8").replace("ASSETS/", assets).replace("TEXTS", data)
    return gzip.compress(page.encode(), compresslevel=9)


async def _now(polls: LongPoll, services: Services, request: Request) -> Response:
    """What is on stage; 304 to who has it. With a key, the phone is counted among those that are here.

    Who has what is on stage and asks with `Prefer: wait=SECONDS` is answered when it changes, or when they are over.
    """
    if KEY_HEADER in request.headers:
        services.audience.came(_person(request).owner)
    # A proxy that compresses anew makes the tag a weak one.
    known = request.headers.get("if-none-match", "").removeprefix("W/").strip('"')
    told = await polls.other_than(known, waits(request.headers.get("prefer", "")))
    headers = {"Cache-Control": "no-cache", "ETag": f'"{told.tag}"'}
    if told.tag == known:
        return Response(status_code=304, headers=headers)
    return Response(told.body, media_type="application/json", headers=_packed(headers))


async def _told(services: Services) -> Told:
    known = services.audience.known()
    return await anyio.to_thread.run_sync(services.audience.told) if known is None else known


async def _count(services: Services, _: Request) -> Response:
    """How many phones are here, and how many of them answered: `{"phones", "answers"}`."""
    return JSONResponse(services.audience.count(), headers=NOT_KEPT)


async def _vote(services: Services, request: Request) -> Response:
    """`{"pair", "choice"}`, in place of the phone's last vote on that pair."""
    owner, asked = _answering(services, request), await _asked(request)

    def vote() -> str:
        ballots = Ballots(services.store.database)
        return services.audience.stage.vote(str(asked.get("pair")), owner, asked.get("choice"), ballots.decide)

    return JSONResponse({"choice": await anyio.to_thread.run_sync(vote)}, headers=NOT_KEPT)


async def _guess(services: Services, request: Request) -> Response:
    """`{"id", "option"}`, in place of the phone's last guess in that round."""
    owner, asked = _answering(services, request), await _asked(request)
    guess = functools.partial(services.audience.stage.guess, str(asked.get("id")), owner, asked.get("option"))
    return JSONResponse({"option": await anyio.to_thread.run_sync(guess)}, headers=NOT_KEPT)


async def _address(services: Services, request: Request) -> Response:
    """`{"address", "reach"}` of this page for others; `seen` is where the asker's browser has the app."""
    seen = request.query_params.get("seen", "")
    # The address that a container has is of no use outside it.
    network = "" if place() is Place.CONTAINER else None
    found = address.audience_address(seen, listens_on=services.listens_on, shared=services.shared, network=network)
    return JSONResponse({"address": found.url, "reach": found.reach}, headers=NOT_KEPT)


async def _code(_: Services, request: Request) -> Response:
    """The QR code of the address `of`, as an image."""
    drawn = address.code(request.query_params.get("of", ""))
    headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(drawn, media_type="image/svg+xml", headers=headers)


def _person(request: Request) -> Person:
    """Whose phone it is."""
    key = request.headers.get(KEY_HEADER, "")
    if not KEY.fullmatch(key):
        raise Unfit(401, "This phone has no key of its own yet; open the room's page and answer there.")
    return Person(owner_id(key), is_host(None, request), address_of(request))


def _answering(services: Services, request: Request) -> str:
    """Whose answer it is, once it is counted.

    Raises:
        TooFast: the phone, or its network, has answered too much in this minute.
    """
    person = _person(request)
    act(services, person)
    return person.owner


async def _asked(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises:
        Unfit: it is of another type, too large, no JSON, or no object.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Unfit(415, f"An answer comes as application/json; got {kind[:80] or 'no content type'}.")
    body = await posted.whole(request, LARGEST_BODY)
    if body is None:
        raise Unfit(413, f"An answer has at most {LARGEST_BODY:,} bytes.")
    if told := posted.problem(body):
        raise Unfit(400, told)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Unfit(400, "The answer is no JSON.") from None
    if not isinstance(found, dict):
        raise Unfit(400, "An answer is a JSON object.")
    return found


def _refused(
    error: PlaygroundError, status: int, reason: str, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    told = {"error": str(error), "reason": reason}
    return JSONResponse(told, status_code=status, headers={**NOT_KEPT, **headers})


def _packed(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
