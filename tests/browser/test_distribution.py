"""The Distribution tab on the real model: what one sees, what the sliders do, and what bad input does."""

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import gradio as gr
import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Page, Request, expect

from playground.config.generation import GenerationSettings
from playground.errors import ModelError
from playground.models.trace import Trace
from playground.ui import distribution_view
from playground.ui.question import BASE
from playground.ui.services import Services
from playground.ui.tabs import distribution
from tests.browser.conftest import Opener, Server

browser = pytest.mark.browser
needs_model = pytest.mark.real


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


@browser
@needs_model
def test_the_sliders_redraw_without_a_request(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is")
    shown_prompt(page, "The", "␣capital", "␣of", "␣France", "␣is")
    assert row(page, 0).startswith("␣Paris 77")
    assert fact(page, "kept") == "49,152"
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


@browser
@needs_model
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


@browser
@needs_model
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


@browser
@needs_model
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


@browser
@needs_model
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


@browser
@needs_model
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


@browser
@needs_model
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


@browser
@needs_model
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


@browser
@needs_model
def test_a_link_shows_the_same_view_to_someone_else(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is")
    shown_prompt(page, "␣France", "␣is")
    for name, value in (("temperature", 1.5), ("top_k", 9), ("typical_p", 0.9)):
        slide(page, name, value)
    page.get_by_role("switch", name="Apply “Typical p”").uncheck()
    page.locator("#pgd-seed").fill("11")
    page.locator(".pgd-row").nth(1).click()
    expect(page.locator(".pgd-chip.pgd-drawn")).to_have_text(["␣the"])
    page.locator("[data-action=many]").click()
    page.locator("[data-action=link]").click()
    expect(page.locator(".pgd-share-note")).not_to_be_empty()
    address = page.evaluate("location.href")
    assert "host" not in address
    rows, draws = page.locator(".pgd-rows").inner_text(), fact(page, "draws")
    other = open_page(address.removeprefix(open_page.url))
    expect(other.locator(".pgd")).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(other.locator(".pgd-chip.pgd-drawn")).to_have_text(["␣the"])
    expect(other.locator("[data-fact=draws]")).to_have_text(draws)
    assert other.locator(".pgd-rows").inner_text() == rows
    assert other.locator("#distribution-prompt textarea").input_value() == "The capital of France is the"
    expect(other.get_by_role("switch", name="Apply “Typical p”")).not_to_be_checked()
    expect(other.locator(".pgd-notice")).to_be_hidden()
    strange = open_page("#distribution?model=Other&prompt=Hello+there&drawn=1+2&temperature=99&top_k=4")
    expect(strange.locator(".pgd-notice")).to_contain_text("made with Other, but the loaded model is SmolLM2")
    expect(strange.locator("[data-fact=kept]")).to_have_text("4")
    expect(strange.locator(".pgd-chip.pgd-drawn")).to_have_count(0)
    expect(strange.locator("input[type=number][data-setting=temperature]")).to_have_value("1")


@browser
@needs_model
def test_the_figure_and_its_data_are_taken_away(open_page: Opener, server: Server, tmp_path: Path) -> None:
    page = opened(open_page, server)
    ask(page, "The capital of France is")
    shown_prompt(page, "␣France", "␣is")
    slide(page, "top_k", 3)
    page.locator("[data-action=many]").click()
    for kind in ("csv", "svg", "png"):
        with page.expect_download() as waiting:
            page.locator(f"[data-action={kind}]").click()
        waiting.value.save_as(tmp_path / f"figure.{kind}")
    with (tmp_path / "figure.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 49_152
    assert json.loads(table[0]["token"]) == " Paris"
    assert sum(float(row["probability"]) for row in table) == pytest.approx(1)
    assert sum(float(row["raw_probability"]) for row in table) == pytest.approx(1)
    assert sum(int(row["samples"]) for row in table) == 1000
    assert [row["cut_by"] for row in table[:4]] == ["", "", "", "top_k"]
    assert not any(row["token"].startswith(("=", "+", "-", "@")) for row in table)
    drawing = ElementTree.parse(tmp_path / "figure.svg").getroot()  # noqa: S314, made by this very test
    words = "".join(drawing.itertext())
    assert "␣Paris" in words
    assert "Top k 3" in words
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "figure.png").stat().st_size > 20_000


@browser
@needs_model
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


@browser
@needs_model
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


@browser
@needs_model
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


@browser
@needs_model
def test_markup_in_a_prompt_stays_text(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    ask(page, "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'> ${window.hit = 1} {{value}} a\tb\n")
    expect(page.locator(".pgd-chip").last).to_have_text("⏎")
    words = "".join(page.locator(".pgd-chip").all_text_contents())
    assert words.startswith("<script>window.hit␣=␣1</script><img␣src=x")
    assert "⇥" in words
    assert page.evaluate("window.hit") is None
    assert page.locator(".pgd script, .pgd img").count() == 0


@browser
@needs_model
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


@browser
@needs_model
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everyone_can_read_the_picture(open_page: Opener, server: Server, width: int, dark: bool) -> None:
    page = opened(open_page, server, width=width, dark=dark)
    slide(page, "top_p", 0.3)
    page.locator("[data-action=many]").click()
    page.locator("#pgd-probe").fill("Paris")
    expect(page.locator(".pgd-readings li")).to_have_count(2)
    page.locator(".pgd-chip").nth(2).click()
    page.get_by_role("switch", name="Apply “Min p”").uncheck()
    page.mouse.move(0, 0)
    found = Axe().run(page, context="#tab-distribution").response["violations"]
    assert [f"{one['id']}: {[node['html'][:200] for node in one['nodes']]}" for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@browser
@needs_model
def test_moving_a_slider_moves_nothing_else(open_page: Opener, server: Server) -> None:
    page = opened(open_page, server)
    places = "all => all.map(one => Math.round(one.getBoundingClientRect().top))"
    before = page.locator(".pgd-row, .pgd-tile, .pgd-control, .pgd-draws").evaluate_all(places)
    for name, value in (("top_p", 0.5), ("temperature", 0), ("temperature", 5), ("top_k", 2), ("typical_p", 0.5)):
        slide(page, name, value)
        assert page.locator(".pgd-row, .pgd-tile, .pgd-control, .pgd-draws").evaluate_all(places) == before


@browser
@needs_model
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


class OneModel:
    """Stands for the services with a model of four tokens that answers the same to everything."""

    def __init__(self, state: str = "ready") -> None:
        self.state = state
        self.asked: list[tuple[str, bool, str | None, list[int]]] = []

    def status(self) -> dict[str, Any]:
        return {"state": self.state, "title": "One", "ref": "one"}

    def model_server(self) -> "OneModel":
        return self

    def token_texts(self) -> list[str]:
        return ["a", "b", " ", "\n"]

    def tokenise(self, text: str) -> list[int]:
        return [self.token_texts().index(letter) for letter in text]

    def beginning(self, text: str, tokens: int) -> str:
        return text[:tokens]

    def next_token(
        self, prompt: str, *, chat: bool = False, run: str | None = None, drawn: Any = (), traced: int = 0
    ) -> Any:
        if len(prompt) > 5:
            raise ModelError("The prompt is too long; shorten it.")
        self.asked.append((prompt, chat, run, list(drawn)))
        logits = np.array([0, 2, 1, -np.inf], dtype=np.float32)
        ids = [0, *drawn]
        rows = torch.zeros(len(drawn))
        trace = Trace(1, rows, rows.int(), rows, rows.int(), rows, torch.from_numpy(logits)) if traced else None
        return SimpleNamespace(ids=ids, logits=logits, vocabulary_id="one", drawn="b" * len(drawn), trace=trace)


def services(model: OneModel) -> Services:
    return cast("Services", model)


def event(**data: object) -> gr.EventData:
    return gr.EventData(None, data)


def test_without_a_model_the_picture_waits() -> None:
    for state in ("starting", "empty", "loading", "failed"):
        assert distribution_view.picture_of(services(OneModel(state)), "a", False, "") == {"state": "waiting"}


def test_a_refusal_is_part_of_the_picture() -> None:
    found = distribution_view.picture_of(services(OneModel()), "far too long", False, "")
    assert found == {"state": "error", "message": "The prompt is too long; shorten it."}


def test_a_step_shows_what_was_drawn_in_a_plain_prompt_only() -> None:
    model = OneModel()
    plain = distribution.step(services(model), event(prompt="a", chat=False, run="", drawn=[1, 1]))
    assert plain[:2] == ("abb", "abb")
    assert plain[2]["drawn"] == [1, 1]
    chat = distribution.step(services(model), event(prompt="a", chat=True, run="r", drawn=[1]))
    assert not isinstance(chat[0], str)
    assert model.asked == [("a", False, None, [1, 1]), ("a", True, "r", [1])]


def test_a_step_may_break_a_plain_prompt_off_but_not_a_chat() -> None:
    model = OneModel()
    assert distribution.step(services(model), event(prompt="abab", drawn=[1], keep=2))[:2] == ("abb", "abb")
    distribution.step(services(model), event(prompt="abab", chat=True, drawn=[1], keep=2))
    assert [asked[0] for asked in model.asked] == ["ab", "abab"]


def test_an_empty_prompt_waits_for_one_unless_tokens_were_appended() -> None:
    model = services(OneModel())
    assert distribution_view.picture_of(model, " ", False, "") == {"state": "empty"}
    assert distribution_view.picture_of(model, "", False, "", [1])["state"] == "ready"


def test_a_named_text_is_read_as_it_stands_and_behind_a_space() -> None:
    model = services(OneModel())
    assert distribution_view.probe(model, "ab") == {"readings": [[0, 1], [2, 0, 1]]}
    assert distribution_view.probe(model, " ab") == {"readings": [[2, 0, 1]]}
    for bad in ("", "a" * 201, None, 5, ["a"]):
        assert "1 to 200 characters" in distribution_view.probe(model, bad)["error"]


def test_a_link_of_another_model_leaves_its_tokens_out() -> None:
    model, request = OneModel(), cast("gr.Request", None)
    same = distribution.follow(services(model), None, event(prompt="a", model="One", drawn=[1]), request)
    other = distribution.follow(services(model), None, event(prompt="a", model="Two", drawn=[1], run="x"), request)
    assert (same[0], same[3]["linked"], same[3]["drawn"]) == ("ab", "One", [1])
    assert (other[0], other[3]["linked"], other[3]["drawn"]) == ("a", "Two", [])
    assert other[2]["value"] == BASE
    broken = distribution.follow(services(model), None, event(prompt="a", model="One", drawn="1,2"), request)
    assert "list of ids" in broken[3]["message"]


@pytest.mark.parametrize("drawn", [[4], [-1], ["1"], [None], [1.5], [True]])
def test_a_step_by_what_is_no_token_is_refused(drawn: list[Any]) -> None:
    found = distribution.step(services(OneModel()), event(prompt="a", drawn=drawn))[2]
    assert found["message"] == f"Token ids of this model are 0 to 3; got {drawn[0]!r}."


def test_a_table_is_json_whatever_the_logits() -> None:
    logits = np.array([0, 2, 1, -np.inf], dtype=np.float32)
    found = distribution_view.table(logits, [1], ["a", "b", " "], GenerationSettings(strategy="sampling", top_k=1), 10)
    assert [one["id"] for one in found["tokens"]] == [1, 2, 0, 3]
    assert [one["probability"] for one in found["tokens"]] == [1, 0, 0, 0]
    assert found["tokens"][3] == {
        "id": 3,
        "text": "",
        "logit": None,
        "raw_probability": 0,
        "probability": 0,
        "kept": False,
    }
    assert found["kept_mass"] == pytest.approx(found["tokens"][0]["raw_probability"])
    assert found["effective_choices"] == 1


@pytest.mark.parametrize("limit", [0, -1, True, 1.5])
def test_a_bad_limit_is_refused(limit: Any) -> None:
    with pytest.raises(Exception, match="limit must be a whole number of at least 1"):
        distribution.next_token(services(OneModel()), "a", limit=limit)
