"""HTTP routes beside Gradio's own, under /playground/: what the browser polls or caches, without the event queue.

They bypass Gradio, so they only read, but for what the room's phones answer (`audience_routes`). Assets carry the
digest of all assets in their path and may be kept for ever.
"""

import functools
import gzip
import hashlib
import importlib.util
import json
import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from playground.config import codec
from playground.errors import PlaygroundError
from playground.runs import recordings
from playground.runs.records import JobKind
from playground.ui.audience_routes import audience_routes
from playground.ui.evaluation_routes import evaluation_routes
from playground.ui.history_view import History
from playground.ui.run_views import run_row, run_rows
from playground.ui.services import Services
from playground.ui.shortcut import SharedAnswers
from playground.ui.tour_view import tour_view
from playground.ui.votes_training_view import lessons_view

ASSETS = Path(__file__).resolve().parents[2] / "assets"
LESSON_PLAN = ASSETS.parent / "docs" / "lesson-plan.md"
SERVED = ("audience", "css", "i18n/sentences", "js")
"""Folders of `assets` that a browser may read."""
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
RUNS_LISTED = 100
NOT_KEPT = {"Cache-Control": "no-store"}
LARGE = 50_000
"""Bytes of an answer above which it is sent compressed."""


@functools.cache
def assets_version() -> str:
    """Twelve hexadecimal digits that change with any served file."""
    digest = hashlib.sha256()
    for name, path in _served_files().items():
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def asset(path: str) -> str:
    """The address of a file in `assets`, relative to the page: `asset("js/shell.js")`."""
    return f"playground/assets/{assets_version()}/{path}"


def routes(services: Services) -> list[Route]:
    """For `launch(app_kwargs={"routes": …})`."""
    history, metrics = History(services), SharedAnswers()

    def bound(handler: Callable[[Services, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return await handler(services, request)
            except PlaygroundError as error:
                return JSONResponse({"error": str(error)}, status_code=404, headers=NOT_KEPT)

        return endpoint

    return [
        Route("/playground/status", bound(_status)),
        Route("/playground/template", bound(_template)),
        Route("/playground/metrics", bound(functools.partial(_metrics, metrics))),
        Route("/playground/runs", bound(_runs)),
        Route("/playground/recordings", bound(_recordings)),
        Route("/playground/recording", bound(_recording)),
        Route("/playground/history", bound(functools.partial(_history, history))),
        *evaluation_routes(bound),
        Route("/playground/tour", bound(_tour)),
        Route("/playground/lessons", bound(_lessons)),
        Route("/playground/lesson-plan", bound(_lesson_plan)),
        Route("/playground/vocabulary", bound(_vocabulary)),
        *audience_routes(services, asset),
        Route("/playground/plotly.min.js", bound(_plotly)),
        Route("/playground/assets/{version}/{path:path}", bound(_asset)),
    ]


async def _status(services: Services, _: Request) -> Response:
    """The model server's state, see `Services.status`, and in `room` the rules that hold for participants."""
    services.first_page.set()
    room = codec.encode_section(services.rules.settings)
    return JSONResponse({**services.status(), "room": room}, headers=NOT_KEPT)


async def _recordings(_: Services, __: Request) -> Response:
    """The runs that come with the playground, to be played again: `{"runs": [ROW, …]}`."""
    return JSONResponse({"runs": await anyio.to_thread.run_sync(recordings.rows)}, headers=NOT_KEPT)


async def _recording(_: Services, request: Request) -> Response:
    """One of them, whole: `{"run": ROW, "events": […]}`."""
    packed = await anyio.to_thread.run_sync(recordings.packed, request.query_params.get("name", ""))
    return _compressed(packed, "application/json", NOT_KEPT)


async def _template(services: Services, _: Request) -> Response:
    """The loaded model's chat template: `{"template": TEXT}`."""
    return JSONResponse({"template": await anyio.to_thread.run_sync(services.chat_template)}, headers=NOT_KEPT)


async def _metrics(shared: SharedAnswers, services: Services, request: Request) -> Response:
    """A run, and its events after a cursor: `{"run", "phase", "cursor", "events": [{"seq", "kind", "time", …}]}`."""
    run = request.query_params.get("run", "")
    since = request.query_params.get("since", "0")
    if not (since.isascii() and since.isdecimal() and len(since) < 16):
        return JSONResponse({"error": f"since must be a whole number; got {since!r}."}, status_code=400)
    ask = functools.partial(anyio.to_thread.run_sync, _events_after, services, run, int(since))
    body = await shared.get((run, int(since)), ask)
    if len(body) < LARGE:
        return Response(body, media_type="application/json", headers=NOT_KEPT)
    # A run from its beginning, with the snapshots of its figures.
    packed = await anyio.to_thread.run_sync(functools.partial(gzip.compress, body, compresslevel=3))
    return _compressed(packed, "application/json", NOT_KEPT)


def _events_after(services: Services, run: str, since: int) -> bytes:
    record = services.store.get(run)
    page = services.store.events(run, since=since)
    events = [{"seq": seq, "kind": event.kind, "time": event.time, **event.payload()} for seq, event in page.events]
    state = {"run": run_row(services, record), "phase": record.phase, "reason": record.reason}
    found = {**state, "cursor": page.cursor, "events": events}
    return json.dumps(found, allow_nan=False, separators=(",", ":")).encode()


async def _runs(services: Services, request: Request) -> Response:
    """The newest runs, or evaluations with `kind=evaluation`: `{"runs": [{"run", "name", "phase", …}]}`."""
    kind: JobKind = "evaluation" if request.query_params.get("kind") == "evaluation" else "run"
    rows = await anyio.to_thread.run_sync(run_rows, services, kind, RUNS_LISTED)
    return JSONResponse({"runs": rows}, headers=NOT_KEPT)


async def _history(history: History, _: Services, request: Request) -> Response:
    """Every run and evaluation; see `History`. `fresh` asks for the list as it stands this very moment."""
    listing = await anyio.to_thread.run_sync(lambda: history.listing(fresh="fresh" in request.query_params))
    headers = {"Cache-Control": "no-cache", "ETag": f'"{listing.tag}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return _compressed(listing.body, "application/json", headers)


async def _tour(services: Services, request: Request) -> Response:
    """How somebody's tour stands; see `tour_view`. `owner` is the public id."""
    owner = request.query_params.get("owner", "")
    if not (owner.isascii() and owner.isalnum()):  # it becomes the name of a file
        return JSONResponse({"error": "owner must be the public id of a person."}, status_code=400, headers=NOT_KEPT)
    return JSONResponse(await anyio.to_thread.run_sync(tour_view, services, owner), headers=NOT_KEPT)


async def _lessons(services: Services, request: Request) -> Response:
    """How the training on the votes of a source stands: `{"lessons": [ROW, …]}`; see `lessons_view`."""
    source = request.query_params.get("source", "")
    rows = await anyio.to_thread.run_sync(lessons_view, services, source)
    return JSONResponse({"lessons": rows}, headers=NOT_KEPT)


async def _lesson_plan(_: Services, __: Request) -> Response:
    """The plan of a lesson for a host, as it stands in `docs`."""
    try:
        return Response(await anyio.to_thread.run_sync(LESSON_PLAN.read_bytes), media_type="text/plain")
    except FileNotFoundError:
        raise PlaygroundError("This copy came without its docs; the lesson plan is in the repository.") from None


async def _vocabulary(services: Services, request: Request) -> Response:
    """The texts of all tokens, by id, as one JSON list. `id` is a `vocabulary_id`, so the answer never changes."""
    wanted = request.query_params.get("id", "")
    body = await anyio.to_thread.run_sync(_vocabulary_body, services, wanted)
    if body is None:
        message = "That model is not loaded any more; ask for the next token again."
        return JSONResponse({"error": message}, status_code=404, headers=NOT_KEPT)
    return _compressed(body, "application/json", FOR_EVER)


def _vocabulary_body(services: Services, wanted: str) -> bytes | None:
    server = services.model_server()
    if server.vocabulary_id != wanted:
        return None
    return _vocabulary_gzip(wanted, tuple(server.token_texts()))


@functools.lru_cache(maxsize=2)
def _vocabulary_gzip(_: str, texts: tuple[str, ...]) -> bytes:
    return gzip.compress(json.dumps(texts, ensure_ascii=False).encode(), compresslevel=6)


async def _plotly(_: Services, __: Request) -> Response:
    """Plotly.js out of the plotly package; the page asks for it with the package's version in the query."""
    return _compressed(await anyio.to_thread.run_sync(_plotly_gzip), "text/javascript", FOR_EVER)


@functools.cache
def _plotly_gzip() -> bytes:
    spec = importlib.util.find_spec("plotly")  # finds the folder without importing the package
    if spec is None or spec.origin is None:
        raise PlaygroundError("Charts need the plotly package; install it with: pip install plotly")
    return gzip.compress((Path(spec.origin).parent / "package_data" / "plotly.min.js").read_bytes(), compresslevel=6)


async def _asset(_: Services, request: Request) -> Response:
    path = _served_files().get(request.path_params["path"])
    if path is None:
        return Response("Not found", status_code=404)
    current = request.path_params["version"] == assets_version()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _compressed(_asset_gzip(path), kind, FOR_EVER if current else NOT_KEPT)


@functools.cache
def _asset_gzip(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), compresslevel=6)


@functools.cache
def _served_files() -> dict[str, Path]:
    found = sorted(path for folder in SERVED for path in (ASSETS / folder).rglob("*") if path.is_file())
    return {path.relative_to(ASSETS).as_posix(): path for path in found}


def _compressed(body: bytes, kind: str, headers: dict[str, str]) -> Response:
    return Response(body, media_type=kind, headers={**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
