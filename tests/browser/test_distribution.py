"""The Distribution tab on the real model: from logits to probabilities, slider by slider and step by step."""

import re

import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Request, expect

from playground.ui.tabs import distribution
from tests.browser.conftest import Opener, Server, Witness
from tests.browser.next_token import ask, fact, opened, row, shown_prompt, slide

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_the_sliders_redraw_without_a_request(open_page: Opener, server: Server, witness: Witness) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is")
    shown_prompt(page, "The", "␣capital", "␣of", "␣France", "␣is")
    assert row(page, 0).startswith("␣Paris 77")
    assert fact(page, "kept") == "49,152"
    witness.settle(page)
    requests: list[str] = []

    def saw(request: Request) -> None:
        if "/playground/status" not in request.url:
            requests.append(request.url)

    page.on("request", saw)
    slide(page, "temperature", 2)
    assert float(row(page, 0).split()[1]) < 20
    assert "Nothing is cut: all 49,152 tokens" in fact(page, "sentence")
    slide(page, "top_k", 3)
    assert fact(page, "kept") == "3"
    assert row(page, 3).endswith("cut")
    assert page.locator(".pgd-row.pgd-cut").count() == 21
    assert re.search(r"3 of 49,152 tokens stay.*divided by 0\.\d+", fact(page, "sentence"))
    finals = [float(row(page, at).split()[1]) for at in range(3)]
    assert sum(finals) == pytest.approx(100, abs=0.2)
    slide(page, "temperature", 0)
    assert row(page, 0) == "␣Paris 100 %"
    assert fact(page, "entropy") == "0.00 nats"
    page.locator("[data-action=reset]").click()
    expect(page.locator("[data-fact=kept]")).to_have_text("49,152")
    assert requests == []


def test_a_number_typed_beside_a_slider_counts_and_a_bad_one_does_not(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    number = page.locator("input[type=number][data-setting=top_k]")
    number.fill("1000")
    expect(page.locator("[data-fact=kept]")).to_have_text("1,000")
    for bad in ("-3", "2.5", ""):
        number.fill(bad)
        expect(number).to_have_attribute("aria-invalid", "")
        expect(page.locator("[data-fact=kept]")).to_have_text("1,000")
    number.blur()
    expect(number).to_have_value("1000")


def test_a_token_says_everything_about_itself(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is")
    shown_prompt(page, "␣France", "␣is")
    detail = page.locator(".pgd-detail")
    expect(detail.locator("[data-token=id]")).to_have_text("7042")
    expect(detail.locator("[data-token=logit]")).to_have_text(re.compile(r"^17\.37\d$"))
    expect(detail.locator("[data-token=raw]")).to_have_text(re.compile(r"^77\.\d %$"))
    slide(page, "top_k", 1)
    page.locator(".pgd-row").nth(1).focus()
    expect(detail.locator("[data-token=rank]")).to_have_text("2")
    expect(detail.locator("[data-token=final]")).to_have_text("0 %")
    expect(detail.locator("[data-step=filters]")).to_have_text("cut")
    expect(detail.locator("[data-note=filters]")).to_have_text("by Top k")
    page.keyboard.press("ArrowDown")
    expect(detail.locator("[data-token=rank]")).to_have_text("3")
    page.keyboard.press("End")
    expect(detail.locator("[data-token=rank]")).to_have_text("24")
    page.locator("[data-action=more]").click()
    expect(page.locator(".pgd-row")).to_have_count(48)


def number(words: str) -> float:
    """What a figure on the page says: "1.72 × 10¹⁰", "77.3 %", "49,152"."""
    found = re.match(r"([\d,.]+)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?( %)?", words)
    assert found, words
    exponent = (found[2] or "0").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(found[1].replace(",", "")) * 10.0 ** int(exponent) / (100 if found[3] else 1)


def test_the_strip_works_the_probability_out_step_by_step(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is Paris. The capital of France is")
    shown_prompt(page, "␣France", "␣is")
    for name, value in (("temperature", 0.5), ("repetition_penalty", 1.05), ("presence_penalty", 0.2), ("top_k", 20)):
        slide(page, name, value)
    slide(page, "frequency_penalty", 0.1)
    page.locator("#pgd-probe").fill(" Paris")
    expect(page.locator(".pgd-readings li")).to_have_count(1)
    page.locator(".pgd-row", has=page.get_by_text("␣Paris", exact=True)).focus()
    step = {
        name: page.locator(f"[data-step={name}]").inner_text()
        for name in ("logit", "penalised", "divided", "exp", "sum", "uncut", "final")
    }
    assert page.locator("[data-note=penalised]").inner_text() == "÷ 1.05 − 0.2 − 1 × 0.1"
    logit, penalised, divided = (float(step[name]) for name in ("logit", "penalised", "divided"))
    assert penalised == pytest.approx(logit / 1.05 - 0.3, abs=0.02)
    assert divided == pytest.approx(penalised / 0.5, abs=0.02)
    assert np.log(number(step["exp"])) == pytest.approx(divided, abs=0.02)
    assert number(step["exp"]) / number(step["sum"]) == pytest.approx(number(step["uncut"]), rel=0.01)
    kept_mass = number(fact(page, "mass"))
    assert number(step["uncut"]) / kept_mass == pytest.approx(number(step["final"]), rel=0.01)
    slide(page, "temperature", 0)
    expect(page.locator("[data-note=divided]")).to_have_text("T = 0")


def test_a_step_is_switched_off_and_on_and_says_what_it_leaves(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    places = page.locator(".pgd-control input[type=range]").evaluate_all("all => all.map(one => one.dataset.setting)")
    assert places == list(distribution.SLIDERS)
    slide(page, "top_k", 7)
    left = page.locator(".pgd-control").filter(has=page.locator("#pgd-top_k")).locator(".pgd-left")
    expect(left).to_have_text("7 stay")
    switch = page.get_by_role("switch", name="Apply “Top k”")
    switch.uncheck()
    expect(page.locator("[data-fact=kept]")).to_have_text("49,152")
    expect(page.locator("input[type=number][data-setting=top_k]")).to_have_value("7")
    switch.check()
    expect(page.locator("[data-fact=kept]")).to_have_text("7")
    switch.uncheck()
    slide(page, "top_k", 5)
    expect(switch).to_be_checked()
    expect(page.locator("[data-fact=kept]")).to_have_text("5")


def test_moving_a_slider_moves_nothing_else(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    places = "all => all.map(one => Math.round(one.getBoundingClientRect().top))"
    before = page.locator(".pgd-row, .pgd-tile, .pgd-control, .pgd-draws").evaluate_all(places)
    for name, value in (("top_p", 0.5), ("temperature", 0), ("temperature", 5), ("top_k", 2), ("typical_p", 0.5)):
        slide(page, name, value)
        assert page.locator(".pgd-row, .pgd-tile, .pgd-control, .pgd-draws").evaluate_all(places) == before


def test_a_script_asks_for_the_next_token(server: Server) -> None:
    server.wait_for("ready")
    client = Client(server.url, verbose=False)
    found = client.predict(prompt="The capital of France is", top_k=3, limit=5, api_name="/next_token")
    assert [one["text"] for one in found["tokens"]][:3] == [" Paris", " the", " London"]
    assert found["tokens"][0]["raw_probability"] == pytest.approx(0.773, abs=0.005)
    assert [one["kept"] for one in found["tokens"]] == [True, True, True, False, False]
    assert sum(one["probability"] for one in found["tokens"]) == pytest.approx(1)
    assert found["kept"] == 3
    assert found["vocabulary"] == 49_152
    with pytest.raises(AppError, match=r"generation\.temperature must be at most 5; got 9"):
        client.predict(prompt="a", temperature=9.0, api_name="/next_token")
    with pytest.raises(AppError, match="prompt is empty"):
        client.predict(prompt=" ", api_name="/next_token")
