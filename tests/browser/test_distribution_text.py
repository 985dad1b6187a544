"""The Distribution tab on the real model: the text token by token, what is appended, drawn and looked up."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener, Server
from tests.browser.next_token import ask, fact, opened, shown_prompt, slide

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_a_named_token_is_looked_up(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is")
    shown_prompt(page, "␣France", "␣is")
    page.locator("#pgd-probe").fill("Paris Hilton")
    readings = page.locator(".pgd-readings li")
    expect(readings).to_have_count(2)
    assert "".join(readings.nth(1).locator(".pgd-chip").all_text_contents()) == "␣Paris␣Hilton"
    expect(readings.nth(1)).to_contain_text(re.compile(r"Rank 1 of 49,152, raw 77\.\d %, final 77\.\d %: stays"))
    slide(page, "top_k", 1)
    expect(readings.nth(0)).to_contain_text("final 0 %: cut by Top k")
    readings.nth(1).get_by_role("button").click()
    expect(page.locator(".pgd-chip.pgd-drawn")).not_to_have_count(0)
    expect(page.locator("#distribution-prompt textarea")).to_have_value("The capital of France is Paris Hilton")
    page.locator("#pgd-probe").fill("")
    expect(readings).to_have_count(0)


def test_a_click_appends_and_every_step_can_be_gone_back_to_or_branched_from(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is")
    shown_prompt(page, "␣France", "␣is")
    written = page.locator("#distribution-prompt textarea")
    page.locator(".pgd-row").nth(0).click()
    expect(written).to_have_value("The capital of France is Paris")
    page.locator(".pgd-row").nth(0).focus()
    page.keyboard.press("Enter")
    drawn = page.locator(".pgd-chip.pgd-drawn")
    expect(drawn).to_have_count(2)
    drawn.nth(0).hover()
    expect(page.locator(".pgd-step-facts")).to_contain_text(re.compile(r"probability 77\.\d %, rank 1, entropy"))
    others = page.locator(".pgd-other")
    expect(others).to_have_count(10)
    expect(others.nth(0)).to_be_disabled()
    assert "␣the" in others.nth(1).inner_text()
    drawn.nth(0).click()
    others.nth(1).click()
    expect(written).to_have_value("The capital of France is the")
    expect(drawn).to_have_text(["␣the"])
    page.locator(".pgd-row").nth(0).click()
    expect(drawn).to_have_count(2)
    drawn.nth(1).click()
    page.locator("[data-action=back]").click()
    expect(drawn).to_have_text(["␣the"])
    # Within the prompt too: what comes after goes.
    page.locator(".pgd-chip").nth(3).click()
    wanted = others.nth(0).locator("b").inner_text().replace("␣", " ")
    others.nth(0).click()
    expect(written).to_have_value(f"The capital of{wanted}")
    expect(drawn).to_have_count(1)


def test_a_text_is_shaded_and_read_by_keyboard(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is Paris.\nThe capital  of France is banana")
    shown_prompt(page, "␣is", "␣banana")
    shades = page.locator(".pgd-chip").evaluate_all("all => all.map(one => one.dataset.shade ?? '')")
    assert shades[0] == ""
    assert shades[-1] == "5"
    assert "0" in shades
    page.locator("#pgd-heat").select_option("none")
    expect(page.locator(".pgd-chip[data-shade]")).to_have_count(0)
    page.locator("#pgd-heat").select_option("entropy")
    assert page.locator(".pgd-shade").count() == 6
    page.locator(".pgd-chip").last.focus()
    page.keyboard.press("Home")
    expect(page.locator(".pgd-step-facts")).to_contain_text("nothing comes before it")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pgd-step-facts")).to_contain_text("␣capital")
    page.keyboard.press("Enter")
    expect(page.locator(".pgd-chip").nth(1)).to_have_attribute("aria-pressed", "true")


def test_one_draw_goes_on_with_the_text_and_undo_goes_back(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is")
    shown_prompt(page, "␣France", "␣is")
    slide(page, "temperature", 0)
    page.locator("[data-action=one]").click()
    expect(page.locator("#distribution-prompt textarea")).to_have_value("The capital of France is Paris")
    expect(page.locator(".pgd-chip.pgd-drawn")).to_have_text(["␣Paris"])
    assert page.locator("input[type=number][data-setting=temperature]").input_value() == "0"
    expect(page.locator("[data-action=one]")).to_be_enabled()
    page.locator("[data-action=one]").click()
    expect(page.locator(".pgd-chip.pgd-drawn")).to_have_count(2)
    page.locator("[data-action=undo]").click()
    expect(page.locator(".pgd-chip.pgd-drawn")).to_have_text(["␣Paris"])
    page.locator("[data-action=restart]").click()
    expect(page.locator("#distribution-prompt textarea")).to_have_value("The capital of France is")
    expect(page.locator("[data-action=undo]")).to_be_disabled()


def test_a_chat_draws_the_answer_and_leaves_the_message_alone(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    page.locator("#distribution-prompt textarea").fill("What is the capital of France?")
    page.locator("#distribution-chat").get_by_label("Chat message").check()
    shown_prompt(page, "istant", "⏎")
    expect(page.locator(".pgd-chip").filter(has_text="<|im_start|>").first).to_be_visible()
    slide(page, "temperature", 0)
    page.locator("[data-action=one]").click()
    expect(page.locator(".pgd-chip.pgd-drawn")).to_have_text(["The"])
    expect(page.locator("#distribution-prompt textarea")).to_have_value("What is the capital of France?")


def test_a_thousand_draws_scatter_around_the_theory_and_their_seed_repeats_them(
    open_page: Opener, server: Server
) -> None:
    page = opened(open_page, server)
    outlines = page.locator(".pgd-seen:visible")
    expect(outlines).to_have_count(0)
    page.locator("#pgd-seed").fill("7")
    page.locator("[data-action=many]").click()
    expect(page.locator("[data-fact=draws]")).to_contain_text("1,000 samples, seed 7.")
    assert outlines.count() > 15
    assert re.search(r"χ² = [\d.]+ with \d+ degrees of freedom, p = 0\.\d+", fact(page, "draws"))
    first = fact(page, "draws")
    widths = page.locator(".pgd-seen").evaluate_all("all => all.map(one => one.style.width)")
    page.locator("[data-action=many]").click()
    expect(page.locator("[data-fact=draws]")).to_contain_text("2,000 samples, seed 7.")
    slide(page, "temperature", 0.5)
    expect(outlines).to_have_count(0)
    expect(page.locator("[data-fact=draws]")).to_contain_text("Draw again")
    slide(page, "temperature", 1)
    page.locator("[data-action=many]").click()
    assert fact(page, "draws") == first
    assert page.locator(".pgd-seen").evaluate_all("all => all.map(one => one.style.width)") == widths
