"""A visit to the page as a real browser made it, recorded once, to be made again by many without a browser each."""

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from playwright.sync_api import Page, Request, sync_playwright

from tests.browser.conftest import FLAGS, Server

QUIET_MS = 3000
"""After so long the page has asked for all that it asks for at the beginning."""
AT_ONCE = 6
"""Connections that a browser opens to one host."""
POLLED = ("playground/status", "playground/metrics", "playground/runs", "playground/history")


@dataclass
class Visit:
    """What the page asked for when it opened."""

    files: list[str] = field(default_factory=list)
    """Paths, in order."""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Path and body of each event that the page sent, in order."""
    tags: dict[str, str] = field(default_factory=dict)
    """By path, what a browser would ask with once it has the file; "" for a file that it does not ask for again."""
    clickable: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name, the body of an event that a click sends."""

    async def load(self, web: aiohttp.ClientSession, *, cached: bool) -> int:
        """Fetches what the page fetches, six at a time; gives the bytes that came, packed as they were."""
        wanted = [path for path in self.files if not cached or self.tags.get(path) != ""]
        size = await self._fetch(web, wanted[0], cached=cached)  # the page itself names the others
        rest = iter(wanted[1:])

        async def connection() -> int:
            return sum([await self._fetch(web, path, cached=cached) for path in rest])

        return size + sum(await asyncio.gather(*(connection() for _ in range(AT_ONCE))))

    async def _fetch(self, web: aiohttp.ClientSession, path: str, *, cached: bool) -> int:
        headers = {"Accept-Encoding": "gzip, deflate, br"}
        if cached and self.tags.get(path):
            headers["If-None-Match"] = self.tags[path]
        async with web.get(path, headers=headers, auto_decompress=False) as answer:
            body = await answer.read()
            if not cached:
                lasting = "immutable" in answer.headers.get("Cache-Control", "")
                self.tags[path] = "" if lasting else answer.headers.get("ETag", "none")
            return len(body)

    @asynccontextmanager
    async def opened(self, web: aiohttp.ClientSession) -> AsyncIterator["Session"]:
        """The events of an opening page, with its heartbeat and its stream, until it is left."""
        session = Session(web, self)
        async with session.there():
            for path, body in self.events:
                await session.send(path, body)
            yield session


class Session:
    """One page that is open."""

    def __init__(self, web: aiohttp.ClientSession, visit: Visit) -> None:
        self._web = web
        self._visit = visit
        self._hash = secrets.token_hex(6)

    @asynccontextmanager
    async def there(self) -> AsyncIterator[None]:
        """With the heartbeat that tells Gradio that somebody is there."""
        task = asyncio.create_task(self._stay())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _stay(self) -> None:
        forever = aiohttp.ClientTimeout(total=None)
        async with self._web.get(f"gradio_api/heartbeat/{self._hash}", timeout=forever) as answer:
            async for _ in answer.content:
                pass

    def clicks(self) -> list[tuple[str, Callable[[], Awaitable[Any]]]]:
        """What can be clicked: each done when the server has answered. A next token is asked for of the text that the
        whole room looks at, and of one that nobody else has typed."""

        def of(body: dict[str, Any]) -> Callable[[], Awaitable[Any]]:
            return lambda: self.send("gradio_api/queue/join" if body["queue"] else "gradio_api/run/predict", body)

        def own() -> Awaitable[Any]:
            body = self._visit.clickable["next_token"]
            return of({**body, "data": [f"The number {secrets.randbelow(10**6)} is", *body["data"][1:]]})()

        shared = [(name, of(body)) for name, body in self._visit.clickable.items()]
        return [*shared, ("next_token_of_own_text", own)]

    async def send(self, path: str, body: dict[str, Any]) -> None:
        """Sends an event and waits for its answer."""
        sent = {**body, "session_hash": self._hash}
        sent.pop("queue", None)
        async with self._web.post(path, json=sent) as answer:
            told = await answer.json()
        if not path.endswith("queue/join"):
            return
        async with self._web.get("gradio_api/queue/data", params={"session_hash": self._hash}) as stream:
            async for line in stream.content:
                message = json.loads(line.removeprefix(b"data: ")) if line.startswith(b"data: ") else {}
                if message.get("msg") == "process_completed" and message.get("event_id") == told.get("event_id"):
                    return


def record(server: Server) -> Visit:
    """What Chromium asks for when it opens the page."""
    visit = Visit()

    def saw(request: Request) -> None:
        address = urlsplit(request.url)
        path = address.path.lstrip("/") + (f"?{address.query}" if address.query else "")
        if request.method == "POST" and ("queue/join" in path or "run/predict" in path):
            visit.events.append((address.path.lstrip("/"), json.loads(request.post_data or "{}")))
        elif request.method == "GET" and not path.startswith(("gradio_api/heartbeat", "gradio_api/queue", *POLLED)):
            visit.files.append(path or "/")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        page.on("request", saw)
        page.goto(server.url, timeout=120_000)
        page.wait_for_selector("#pp-chip[data-state]", timeout=120_000)
        page.wait_for_timeout(QUIET_MS)
        config = page.evaluate("() => window.gradio_config")
        page.remove_listener("request", saw)
        _put_a_vote_on_stage(page)
        browser.close()
    visit.files = list(dict.fromkeys(visit.files))
    visit.clickable = {"preset": _click(config, "apply_starting_point"), "next_token": _click(config, "next_token")}
    return visit


def _put_a_vote_on_stage(page: Page) -> None:
    """As the host does, on an evaluation that is there."""
    page.locator("#tab-room-button").first.click()
    page.locator("#stage-kind").get_by_text("vote on answers", exact=True).click()
    page.locator("#stage-show").click()
    page.locator("#stage-close").wait_for(timeout=60_000)


def _click(config: dict[str, Any], name: str) -> dict[str, Any]:
    """The body of an endpoint's event with what the fields hold at the beginning."""
    dependency = next(one for one in config["dependencies"] if one["api_name"] == name)
    values = {one["id"]: one["props"].get("value") for one in config["components"]}
    data = [values.get(block) for block in dependency["inputs"]]
    if name == "next_token":
        data = ["The number seven is", False, 1.0, 0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 20]
    return {"fn_index": dependency["id"], "data": data, "event_data": None, "queue": dependency["queue"]}
