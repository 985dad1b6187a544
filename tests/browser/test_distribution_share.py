"""The Distribution tab on the real model: what one takes away, a link, the data and the figure."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener, Server
from tests.browser.next_token import ask, fact, opened, shown_prompt, slide

pytestmark = [pytest.mark.browser, pytest.mark.real]


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
    strange = open_page("#distribution?model=Other&prompt=Hello+there&drawn=1+2&temperature=99&top_k=4&heat=colour")
    expect(strange.locator(".pgd-notice")).to_contain_text("made with Other, but the loaded model is SmolLM2")
    expect(strange.locator("[data-fact=kept]")).to_have_text("4")
    expect(strange.locator(".pgd-chip.pgd-drawn")).to_have_count(0)
    expect(strange.locator("input[type=number][data-setting=temperature]")).to_have_value("1")


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
