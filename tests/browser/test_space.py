"""As on a Space without a GPU: others can come, the page is shown under a folder by a proxy, runs are not kept."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ROOT, Opener, Server, Witness, running_app
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

FOLDER = "/lab"
OF_THE_HUB = ("huggingface.co", "fonts.googleapis.com")
KEY = "the-key-of-the-host-of-this-space"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app of its own: where it runs is told by its environment."""
    environment = {"SPACE_ID": "someone/playground", "SYSTEM": "spaces", "PLAYGROUND_HOST_KEY": KEY}
    home = tmp_path_factory.mktemp("space")
    with running_app(home, PLAYGROUND_MODEL="tiny", GRADIO_ROOT_PATH=FOLDER, **environment) as running:
        running.wait_for("ready")
        yield running


@pytest.fixture
def witness() -> Iterator[Witness]:
    """As everywhere, but for what Gradio itself asks for on a Space: the Hub's header above the page, and its fonts."""
    seen = Witness(allowed=["Failed to load resource: net::ERR_", "Space not found"])
    yield seen
    seen.outside = [address for address in seen.outside if urlsplit(address).hostname not in OF_THE_HUB]
    seen.check()


@pytest.fixture(scope="module")
def behind(app: Server) -> Iterator[str]:
    """The address under which a proxy shows the app."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.browser.proxy", str(port), app.url.rstrip("/"), FOLDER]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}{FOLDER}/playground/status"), 60)
        yield f"http://127.0.0.1:{port}{FOLDER}/"
    finally:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(address, timeout=30).status_code == 200
    return False


def test_a_visitor_sees_where_they_are_and_everything_works_under_a_folder(open_page: Opener, behind: str) -> None:
    page = open_page(url=behind)
    expect(page.locator("#place-space_cpu")).to_contain_text("This Space has no GPU")
    expect(page.locator("#place-lost_space")).to_contain_text("runs are lost when this Space sleeps")
    expect(page.locator("#pp-chip")).to_contain_text("Tiny")
    expect(page.locator("#model-source")).not_to_contain_text("Folder")
    page.locator("#tab-distribution-button").first.click()
    page.locator("#distribution-prompt textarea").fill("What is the opposite of")
    page.locator("#distribution-show").click()
    expect(page.locator(".pgd-bar").first).to_be_visible()


def test_the_key_makes_a_host_there_too(open_page: Opener, behind: str) -> None:
    page = open_page(f"?host={KEY}", url=behind)
    expect(page.locator("#model-source")).to_contain_text("Folder")
    assert KEY not in page.url


def test_phones_find_the_audience_page_there_too(browser: Browser, witness: Witness, behind: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    witness.watch(page)
    page.goto(f"{behind}room?hall")
    expect(page.locator("h1")).to_have_text("Nothing is on stage yet")
    expect(page.locator(".join-address")).to_have_text(f"{behind.removeprefix('http://')}room")
    expect(page.locator("#join img")).to_have_js_property("complete", True)
    context.close()
