"""How browser tests handle the Next token view: they open it, ask it, move its sliders and read it."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener, Server


def opened(open_page: Opener, server: Server, **options: Any) -> Page:
    """The tab, with the first picture in it."""
    page = open_page(**options)
    server.wait_for("ready")
    page.locator("#tab-distribution-button").first.click()
    expect(page.locator(".pgd")).to_have_attribute("data-state", "ready", timeout=60_000)
    return page


def ask(page: Page, prompt: str) -> None:
    page.locator("#distribution-prompt textarea").fill(prompt)
    page.locator("#distribution-show").click()


def shown_prompt(page: Page, *tokens: str) -> None:
    """Waits until the picture is that of a prompt whose tokens end so."""
    expect(page.locator(".pgd-chip").last).to_have_text(tokens[-1])
    assert page.locator(".pgd-chip").all_text_contents()[-len(tokens) :] == list(tokens)


def slide(page: Page, name: str, value: float) -> None:
    """Moves a slider as a hand would: the range input, then its event; waits for the frame that redraws."""
    slider = page.locator(f"input[type=range][data-setting={name}]")
    slider.evaluate("(it, value) => { it.value = value; it.dispatchEvent(new Event('input')); }", value)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def row(page: Page, at: int) -> str:
    return page.locator(".pgd-row").nth(at).inner_text().replace("\n", " ")


def fact(page: Page, name: str) -> str:
    return page.locator(f"[data-fact={name}]").inner_text()
