"""What the page fetches of finished evaluations; whoever may open the page may read them. See `evaluation_view`."""

import functools
import gzip
from collections.abc import Awaitable, Callable

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from playground.runs import strict
from playground.ui.evaluation_view import answers_file, evaluation_view, figures_view, words_view
from playground.ui.i18n import LOCALES
from playground.ui.services import Services

Handler = Callable[[Services, Request], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
NOT_KEPT = {"Cache-Control": "no-store"}
FILES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
"""Kinds of files that answers are given as."""


def evaluation_routes(bound: Callable[[Handler], Endpoint]) -> list[Route]:
    """The routes; `bound` gives a handler the services and turns its errors into answers."""
    return [
        Route("/playground/evaluation", bound(_evaluation)),
        Route("/playground/evaluation/figures", bound(_figures)),
        Route("/playground/evaluation/words", bound(_words)),
        Route("/playground/evaluation/answers", bound(_answers)),
    ]


async def _evaluation(services: Services, request: Request) -> Response:
    """A finished evaluation, whole. `language` is that of the names in it."""
    return await _json(evaluation_view, services.store, _asked(request, "id"), _language(request))


async def _figures(services: Services, request: Request) -> Response:
    """Two models (`first`, `second`) row by row, by one `metric`."""
    asked = (_asked(request, name) for name in ("id", "first", "second", "metric"))
    return await _json(figures_view, services.store, *asked, _language(request))


async def _words(services: Services, request: Request) -> Response:
    """How the answers of two models differ in some `rows`, whose places stand with commas between."""
    given = _asked(request, "rows").split(",")
    if not all(place.isascii() and place.isdecimal() and len(place) < 16 for place in given):
        return JSONResponse({"error": "rows must be whole numbers with commas between."}, status_code=400)
    asked = (_asked(request, name) for name in ("id", "first", "second"))
    return await _json(words_view, services.store, *asked, [int(place) for place in given])


async def _answers(services: Services, request: Request) -> Response:
    """A file with the answers of one `model`, or of all without it; `kind` is csv or json."""
    kind = _asked(request, "kind")
    if kind not in FILES:
        return JSONResponse({"error": f"kind must be csv or json; got {kind!r}."}, status_code=400)
    evaluation, model = _asked(request, "id"), _asked(request, "model")
    text = await anyio.to_thread.run_sync(answers_file, services.store, evaluation, model, kind)
    name = "-".join(filter(None, (evaluation, model.replace("@", "-step-"))))
    headers = {**NOT_KEPT, "Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(text, media_type=FILES[kind], headers=headers)


def _asked(request: Request, name: str) -> str:
    return request.query_params.get(name, "")


def _language(request: Request) -> str:
    wanted = request.query_params.get("language", "en")
    return wanted if wanted in LOCALES else "en"


async def _json(view: Callable[..., object], *arguments: object) -> Response:
    """What a view gives, compressed, and made away from the event loop."""
    body = await anyio.to_thread.run_sync(functools.partial(_packed, view, *arguments))
    headers = {**NOT_KEPT, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(body, media_type="application/json", headers=headers)


def _packed(view: Callable[..., object], *arguments: object) -> bytes:
    return gzip.compress(strict.dumps(view(*arguments)).encode(), compresslevel=6)
