"""The page itself: what it says, in which language, how it looks to a phone, and whom it lets do what."""

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Error, Page, expect

from playground.ui.app import TABS
from tests.browser.accessibility import serious_violations
from tests.browser.conftest import PATIENCE_MS, VIEWS, Opener, Server, Witness, running_app
from tests.small_models import make_model

pytestmark = pytest.mark.browser

SETTLED = """document.getAnimations().every(
    one => one.playState !== "running" || one.effect.getTiming().iterations === Infinity
)"""
"""Colours in the middle of a fade would be measured as they are."""

FROM_ELSEWHERE = """async ([letters, families]) => {
    const pen = document.createElement("canvas").getContext("2d");
    const width = (font, letter) => {
        pen.font = font;
        return pen.measureText(letter).width;
    };
    const found = [];
    for (const family of families) for (const weight of [400, 500, 600, 700]) {
        const font = `${weight} 80px "${family}"`;
        await document.fonts.load(font, letters);
        for (const letter of letters) {
            const same = width(`${font}, serif`, letter) === width(`${font}, monospace`, letter);
            if (!same) found.push(`${weight} ${family} ${letter}`);
        }
    }
    return found;
}"""
"""Letters that a font has not: they are as wide as in whatever font comes after it."""


def open_tab(page: Page, name: str) -> None:
    """Opens a tab by its name in `TABS`, through the menu where a narrow page has put it there."""
    button = page.locator(f"#tab-{name}-button").first
    menu = page.locator("#shell-tabs .overflow-menu > button").first  # tabs within tabs have one of their own
    entry = page.locator(".overflow-dropdown").get_by_role("button", name=re.compile(name, re.I))
    tab = page.locator(f"#tab-{name}")
    until = time.monotonic() + 2 * PATIENCE_MS / 1000
    # While the page is being laid out, Gradio moves tabs into the menu and back: what is there now may be gone.
    while not tab.is_visible() and time.monotonic() < until:
        with contextlib.suppress(Error):
            if button.is_visible():
                button.click(timeout=1000)
            elif menu.is_visible():
                menu.click(timeout=1000)
                entry.click(timeout=1000)
        page.wait_for_timeout(50)
    expect(tab).to_be_visible()


@pytest.mark.real
def test_the_first_page_loads_the_default_model_and_says_what_it_is(open_page: Opener, server: Server) -> None:
    page = open_page()
    expect(page).to_have_title("Post-training Playground")
    expect(page.locator("h1")).to_have_text("Post-training Playground")
    server.wait_for("ready")
    expect(page.locator("#pp-chip")).to_contain_text("SmolLM2 135M Instruct")
    expect(page.locator("#pp-chip")).to_contain_text("float32 · cpu · 538 MB")
    panel = page.locator("#model-loaded")
    for fact in ("LlamaForCausalLM", "135 M", "8,192 tokens", "49,152 tokens", "Apache-2.0"):
        expect(panel).to_contain_text(fact)
    panel.get_by_text("Show the chat template").click()
    expect(panel.locator("pre")).to_contain_text("<|im_start|>")
    page.locator("#model-entry").get_by_text("SmolLM2 135M Instruct").click()
    expect(page.locator("#model-choice")).to_contain_text(re.compile(r"Needs about 738 MB; [\d.]+ GB free on cpu"))


def test_the_page_speaks_korean_to_a_korean_browser(open_page: Opener) -> None:
    page = open_page(locale="ko-KR")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_role("tab", name="모델")).to_be_visible()
    expect(page.locator("#model-load")).to_have_text("불러오기")
    expect(page.locator("#model-choice")).to_contain_text("파라미터")


def test_every_letter_is_of_the_pages_own_fonts(open_page: Opener) -> None:
    page = open_page()
    strange = page.evaluate(
        FROM_ELSEWHERE, ["".join(map(chr, range(33, 127))) + "π…≥∞", ["IBM Plex Sans", "IBM Plex Mono"]]
    )
    assert strange == []


def test_the_page_says_that_it_is_english(open_page: Opener) -> None:
    expect(open_page(locale="fr-FR").locator("html")).to_have_attribute("lang", "en")


@pytest.mark.parametrize("name", TABS)
def test_no_tab_scrolls_sideways_on_a_phone(open_page: Opener, name: str) -> None:
    page = open_page(width=390)
    open_tab(page, name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", TABS)
@VIEWS
def test_everyone_can_use_every_tab(open_page: Opener, name: str, width: int, dark: bool) -> None:
    page = open_page(width=width, dark=dark)
    expect(page.locator("#model-choice dl")).to_be_visible()
    open_tab(page, name)
    page.wait_for_function(SETTLED)
    assert serious_violations(page) == []
    expect(page.locator("h1:visible")).to_have_count(1)


def test_a_browser_keeps_its_owner_key_over_a_reload(open_page: Opener, witness: Witness) -> None:
    page = open_page()
    keys: list[str] = []
    page.on("request", lambda request: keys.extend(re.findall(r'"key":"([^"]+)"', request.post_data or "")))
    page.locator("#model-entry").get_by_text("OPT 350M").click()
    expect(page.locator("#model-choice")).to_contain_text("331 M")
    before = set(keys)
    keys.clear()
    witness.reload(page)
    expect(page.locator("#model-choice dl")).to_be_visible()
    page.locator("#model-entry").get_by_text("OPT 350M").click()
    expect(page.locator("#model-choice")).to_contain_text("331 M")
    assert len(before) == 1
    assert set(keys) == before
    assert page.url.count("key") == 0


@pytest.mark.parametrize(
    ("source", "field", "typed", "answer"),
    [
        ("Hugging Face Hub", "#model-hub", "no such model", "a Hub id (owner/name)"),
        ("Folder on this machine", "#model-folder", "/nowhere/at/all", "There is no folder /nowhere/at/all"),
        ("Folder on this machine", "#model-folder", "<img src=x onerror=alert(1)>", "There is no folder <img src=x"),
        ("Hugging Face Hub", "#model-hub", "", "No model was chosen; type a Hub id"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_place(
    open_page: Opener, server: Server, source: str, field: str, typed: str, answer: str
) -> None:
    server.wait_for("ready")
    page = open_page()
    expect(page.locator("#model-choice dl")).to_be_visible()
    page.locator("#model-source").get_by_text(source).click()
    page.locator(f"{field} input, {field} textarea").first.fill(typed)
    page.locator("#model-load").click()
    expect(page.get_by_role("alert").filter(has_text=answer).first).to_be_visible(timeout=30_000)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app with a host key and no model, as others would reach it; `models/llama` in its home is a small model."""
    home = tmp_path_factory.mktemp("workshop")
    make_model("llama", home / "small" / "llama")
    with running_app(home, PLAYGROUND_HOST_KEY="the-key-of-the-host", PLAYGROUND_MODEL="none") as running:
        running.wait_for("empty")
        yield running


def call(server: Server, name: str, data: list[Any]) -> str:
    """Calls a handler by a raw POST, as anybody could, and gives what came back."""
    config = httpx.get(f"{server.url}config", timeout=30).json()
    found = [entry["id"] for entry in config["dependencies"] if name in (entry["api_name"] or "").split("/")]
    assert found, f"no handler {name}"
    body = {"data": data, "fn_index": found[0], "session_hash": "somebody"}
    joined = httpx.post(f"{server.url}gradio_api/queue/join", json=body, timeout=30)
    joined.raise_for_status()
    lines = httpx.get(f"{server.url}gradio_api/queue/data", params={"session_hash": "somebody"}, timeout=60)
    return lines.text


PARTICIPANT = {"key": "a-key-of-more-than-twenty-letters", "host": ""}
HOST = {"key": "another-key-of-more-than-twenty-letters", "host": "the-key-of-the-host"}


def load_form(folder: Path, person: dict[str, str] | None) -> list[Any]:
    """What the Load button sends."""
    return ["folder", None, None, "", str(folder), "auto", "auto", "", person]


def test_a_raw_post_does_not_get_past_the_roles(workshop: Server) -> None:
    small = workshop.home / "small" / "llama"
    assert "for the host only" in call(workshop, "load", load_form(small, PARTICIPANT))
    assert "for the host only" in call(workshop, "load", load_form(small, {**PARTICIPANT, "host": "guessed"}))
    assert "no owner key" in call(workshop, "load", load_form(small, None))
    disguised = ["catalogue", str(small), None, "", "", "auto", "auto", "", PARTICIPANT]
    assert '"success":false' in call(workshop, "load", disguised)
    assert "for the host only" in call(workshop, "unload", [PARTICIPANT])
    assert workshop.status()["state"] == "empty"
    call(workshop, "load", load_form(small, HOST))
    assert workshop.wait_for("ready", 60)["title"] == "llama"
    assert str(workshop.home) not in httpx.get(f"{workshop.url}playground/status").text
    assert "belongs to someone else" in call(workshop, "cancel", [PARTICIPANT])
    call(workshop, "unload", [HOST])
    assert workshop.wait_for("empty", 60)["info"] is None


def test_the_host_key_leaves_the_address_bar_and_opens_the_hosts_controls(
    open_page: Opener, workshop: Server, witness: Witness
) -> None:
    page = open_page("?host=the-key-of-the-host", url=workshop.url)
    expect(page.locator("#model-source").get_by_text("Folder on this machine")).to_be_visible()
    page.wait_for_function("!location.search.includes('host')")
    witness.reload(page)
    expect(page.locator("#model-choice dl")).to_be_visible()
    expect(page.locator("#model-source").get_by_text("Folder on this machine")).to_be_visible()


def test_a_participant_sees_no_host_controls(open_page: Opener, workshop: Server) -> None:
    page = open_page(url=workshop.url)
    expect(page.locator("#model-choice dl")).to_be_visible()
    expect(page.locator("#model-source").get_by_text("Folder on this machine")).to_have_count(0)
    expect(page.locator("#model-loaded")).to_contain_text("No model is loaded")
