"""The Distribution tab on the real model, for everyone and whatever they type."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import violations
from tests.browser.conftest import VIEWS, Opener, Server
from tests.browser.next_token import ask, opened, slide

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_markup_in_a_prompt_stays_text(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'> ${window.hit = 1} {{value}} a\tb\n")
    expect(page.locator(".pgd-chip").last).to_have_text("⏎")
    words = "".join(page.locator(".pgd-chip").all_text_contents())
    assert words.startswith("<script>window.hit␣=␣1</script><img␣src=x")
    assert "⇥" in words
    assert page.evaluate("window.hit") is None
    assert page.locator(".pgd script, .pgd img").count() == 0


def test_bad_prompts_are_answered_in_place_and_an_example_helps(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "   ")
    expect(page.locator(".pgd-message")).to_contain_text("Type a prompt above")
    ask(page, "word " * 9000)
    expect(page.locator(".pgd-message")).to_contain_text(re.compile("8,?192"))
    expect(page.locator(".pgd")).to_have_attribute("data-state", "error")
    page.locator("#distribution-examples").get_by_text("2 + 2 =").click()
    expect(page.locator(".pgd")).to_have_attribute("data-state", "ready")
    expect(page.locator("#distribution-prompt textarea")).to_have_value("2 + 2 =")


@VIEWS
def test_everyone_can_read_the_picture(open_page: Opener, server: Server, width: int, dark: bool) -> None:
    page = opened(open_page, server, width=width, dark=dark)
    slide(page, "top_p", 0.3)
    page.locator("[data-action=many]").click()
    page.locator("#pgd-probe").fill("Paris")
    expect(page.locator(".pgd-readings li")).to_have_count(2)
    page.locator(".pgd-chip").nth(2).click()
    page.get_by_role("switch", name="Apply “Min p”").uncheck()
    page.mouse.move(0, 0)
    assert violations(page, "#tab-distribution") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
