"""The real app in a process of its own, and Chromium, for every browser test.

A test fails where its page asks for anything beyond this machine, or writes an error to the console.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("PLAYGROUND_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 180
PATIENCE_MS = 30_000
"""How long a page may take to show what is awaited, on a machine that does other things too."""

VIEWS = pytest.mark.parametrize(
    ("width", "dark"),
    [
        pytest.param(1280, False, id="1280-light"),
        pytest.param(390, True, id="390-dark"),
        pytest.param(1280, True, id="1280-dark", marks=pytest.mark.soak),
        pytest.param(390, False, id="390-light", marks=pytest.mark.soak),
    ],
)
"""Desktop and phone in both themes; two of the four find what is wrong with a size or with a theme."""


@dataclass
class Server:
    """A running app."""

    url: str
    home: Path
    process: "subprocess.Popen[bytes]"
    log: Path

    def status(self) -> dict[str, object]:
        """The model server's state."""
        found: dict[str, object] = httpx.get(f"{self.url}playground/status", timeout=30).json()
        return found

    def wait_for(self, state: str, seconds: float = START_SECONDS) -> dict[str, object]:
        """Waits until the model server is in a state; fails with the log where it never is."""
        until = time.monotonic() + seconds
        while (status := self.status())["state"] != state:
            assert time.monotonic() < until, f"still {status} after {seconds} s\n{self.log.read_text()[-3000:]}"
            time.sleep(0.2)
        return status


@contextlib.contextmanager
def running_app(home: Path, *, command: Sequence[str] = ("app.py",), **environment: str) -> Iterator[Server]:
    """The app on a free loopback port, with a home of its own; ended at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    log = home / "app.log"
    own = {
        "PLAYGROUND_HOME": str(home),
        "GRADIO_SERVER_PORT": str(port),
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    kept = {name: value for name, value in os.environ.items() if name != "PLAYGROUND_HOST_KEY"}
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=kept | own, stdout=out, stderr=out)
    server = Server(f"http://127.0.0.1:{port}/", home, process, log)
    try:
        _wait_for_page(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_page(server: Server) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(server.url, timeout=30).status_code == 200:
                return
        assert server.process.poll() is None, f"the app ended:\n{server.log.read_text()[-3000:]}"
        assert time.monotonic() < until, f"no page after {START_SECONDS} s:\n{server.log.read_text()[-3000:]}"
        time.sleep(0.1)


@pytest.fixture(scope="package")
def server(real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with the real model, shared by all browser tests; what one test leaves, others may see."""
    home = tmp_path_factory.mktemp("browser-home")
    (home / "models").mkdir()
    (home / "models" / real_model.name).symlink_to(real_model, target_is_directory=True)
    with running_app(home, PLAYGROUND_MODEL=real_model.name) as running:
        yield running


@pytest.fixture(scope="package")
def tiny_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with the model in the box, ready; shared as `server` is, by the modules that train or draw with it."""
    with running_app(tmp_path_factory.mktemp("tiny-home"), PLAYGROUND_MODEL="tiny") as running:
        running.wait_for("ready")
        yield running


# Not for the whole session: an open Playwright keeps an event loop running in this thread, and the app's processes
# are children of ours; tests elsewhere start loops and count children of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    if CHROMIUM is None:
        missing("Chromium is not installed; on Debian: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


CUT_OFF = (
    "AbortError: signal is aborted",
    "Connection errored out",
    "Unexpected error 404",
    "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
    "TypeError: network error",
)
"""What Gradio complains of when a page is left or reloaded: its own requests that this cuts off."""


@dataclass
class Witness:
    """What a page did that it must not do."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    """Parts of console errors that a test brings about on purpose."""
    asked: int = 0
    """Requests so far, but for questions how the model server is and Gradio's heartbeat, which never end."""
    under_way: set[Request] = field(default_factory=set)
    """Those of them that have not been answered yet."""

    def watch(self, page: Page) -> None:
        """Follows one page from now on."""

        def saw_request(request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
                self.outside.append(request.url)
            if request.is_navigation_request() and page.url.startswith("http"):
                self.allowed += CUT_OFF
            if address.path != "/playground/status" and "/heartbeat/" not in address.path:
                self.asked += 1
                self.under_way.add(request)

        def saw_answer(request: Request) -> None:
            self.under_way.discard(request)

        def saw_line(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.errors.append(message.text)

        page.on("request", saw_request)
        page.on("requestfinished", saw_answer)
        page.on("requestfailed", saw_answer)
        page.on("console", saw_line)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def reload(self, page: Page) -> None:
        """Reloads a page and waits until it is ready to be used."""
        page.reload()
        page.wait_for_selector("#pp-chip[data-state]")

    def settle(self, page: Page) -> None:
        """Waits until a page has all its answers and has asked for nothing more for a second: on a slow machine its
        tabs fill after what is seen first."""
        until, quiet = time.monotonic() + PATIENCE_MS / 1000, 0
        while quiet < 4:
            assert time.monotonic() < until, f"still asking: {[request.url for request in self.under_way]}"
            before = self.asked
            page.wait_for_timeout(250)
            quiet = quiet + 1 if self.asked == before and not self.under_way else 0

    def check(self) -> None:
        """Fails where anything was seen."""
        unexpected = [line for line in self.errors if not any(part in line for part in self.allowed)]
        assert not self.outside, f"asked for something beyond this machine: {self.outside}"
        assert not unexpected, f"errors in the console: {unexpected}"


@pytest.fixture
def witness() -> Iterator[Witness]:
    """Fails the test at its end for outside requests and console errors of all watched pages."""
    seen = Witness()
    yield seen
    seen.check()


@dataclass(frozen=True)
class Opener:
    """Opens pages of the app, each as another person: in a browser context of its own."""

    browser: Browser
    witness: Witness
    url: str
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(
        self, path: str = "", *, width: int = 1280, dark: bool = False, locale: str = "en-US", url: str | None = None
    ) -> Page:
        """A fresh person's page, ready to be used."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", locale=locale
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(2 * PATIENCE_MS)
        self.witness.watch(page)
        page.goto((url or self.url) + path)
        page.wait_for_selector("#pp-chip[data-state]")
        return page


@pytest.fixture(scope="package")
def app(server: Server) -> Server:
    """The app whose pages are opened: the shared one, unless a module brings an `app` of its own."""
    return server


@pytest.fixture
def open_page(browser: Browser, witness: Witness, app: Server) -> Iterator[Opener]:
    """`open_page()` gives a page of the app; see `Opener`."""
    opener = Opener(browser, witness, app.url)
    yield opener
    for context in opener.contexts:
        context.close()


@pytest.fixture
def page(open_page: Opener) -> Page:
    """One page of the app."""
    return open_page()
