"""The Beam search view in a browser, on the model in the box: one search, looked at from every side."""

import csv
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from playwright.sync_api import Locator, Page, Route, expect
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.config.beams import BeamSettings
from playground.models import catalogue
from playground.models.batch import end_tokens
from playground.models.beams import Search, search
from tests.browser.accessibility import violations
from tests.browser.conftest import Opener, Server

pytestmark = pytest.mark.browser

PROMPT = "I watched the film last night and it was"
CHOSEN = BeamSettings(num_beams=5, max_new_tokens=12, length_penalty=1.5, early_stopping="never")


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    return tiny_server


class Expected:
    """The same search, done here."""

    def __init__(self) -> None:
        entry = catalogue.find("tiny")
        assert entry is not None
        assert entry.folder is not None
        self.tokenizer = AutoTokenizer.from_pretrained(entry.folder)
        model = AutoModelForCausalLM.from_pretrained(entry.folder, dtype=torch.float32)
        ids = self.tokenizer(PROMPT)["input_ids"]
        self.found: Search = search(model, ids, CHOSEN, end_tokens(model, self.tokenizer))

    def text(self, place: int) -> str:
        ids = self.found.tokens(place)
        return str(self.tokenizer.decode(ids)).replace(" ", "␣")


@pytest.fixture(scope="module")
def expected() -> Expected:
    return Expected()


def opened(page: Page) -> Page:
    page.locator("#tab-distribution-button").first.click()
    page.locator("#distribution-view-beam-button").click()
    expect(page.locator(".pgb-controls")).to_be_visible()
    return page


STOP_AT_ONCE = """() => {
    const body = document.querySelector(".pgb-body");
    new MutationObserver((_, watch) => {
        if (!body.hidden) { watch.disconnect(); document.querySelector("[data-action=stop]").click(); }
    }).observe(body, { attributes: true });
}"""
"""Stops the next search once its first steps are there: a fast machine is done before a click from out here arrives."""


def ask(page: Page, prompt: str, chosen: BeamSettings) -> None:
    page.locator("#distribution-prompt textarea").fill(prompt)
    for name in ("num_beams", "max_new_tokens", "length_penalty"):
        page.locator(f"#pgb-{name}").fill(str(getattr(chosen, name)))
    page.locator("#pgb-early_stopping").select_option(chosen.early_stopping)
    page.locator("[data-action=search]").click()


def finished(page: Page) -> Locator:
    """The tree, once the search and its comparison are over."""
    expect(page.locator(".pgb-status")).to_contain_text(re.compile("Done:|완료:"))
    return page.locator(".pgb-scroll")


def shown(page: Page) -> list[int]:
    """Places of the candidates that the step shown has, the prompt's -1 among them."""
    return places(page.locator(".pgb-scroll g[data-at]:not(.pgb-later *)"))


def slide(page: Page, step: int) -> None:
    page.locator("#pgb-step").evaluate("(it, step) => { it.value = step; it.dispatchEvent(new Event('input')); }", step)


def places(found: Locator) -> list[int]:
    numbers: list[int] = found.evaluate_all(
        "all => all.map(one => Number(one.dataset.at)).sort((one, other) => one - other)"
    )
    return numbers


def path_of(found: Search, place: int) -> set[int]:
    path = set()
    while place >= 0:
        path.add(place)
        place = found.candidates[place].parent
    return path


def test_the_tree_shows_the_search_that_python_makes(open_page: Opener, expected: Expected) -> None:
    page = opened(open_page())
    ask(page, PROMPT, CHOSEN)
    tree, found = finished(page), expected.found
    assert shown(page) == list(range(-1, len(found.candidates)))
    beams = page.locator(".pgb-beam .pgb-words").all_inner_texts()
    assert [beam.split("<|")[0] for beam in beams] == [expected.text(at).split("<|")[0] for at in found.finished]
    score = f"score −{-found.candidates[found.finished[0]].normalised:.4f}"
    expect(page.locator(".pgb-beam").first).to_contain_text(score)
    kept = {at for at, it in enumerate(found.candidates) if it.fate == "kept"}
    assert set(places(tree.locator("g.pgb-kept"))) == kept
    path = [at for at in range(len(found.candidates)) if at in path_of(found, found.finished[0])]
    assert places(tree.locator("g[data-at].pgb-path")) == [-1, *path]
    boxes = page.locator(".pgb-scroll g[data-at]").evaluate_all(
        "all => all.map(one => one.getAttribute('transform').match(/[-\\d.]+/g).map(Number))"
    )
    assert len({tuple(corner) for corner in boxes}) == len(boxes)
    sentences = page.locator(".pgb-rivals").inner_text()
    assert "greedy" in sentences.lower()
    assert "Of 16 texts drawn" in sentences
    assert "Likelier is not better" in sentences

    slide(page, 2)
    assert max(shown(page)) == 2 * len(found.candidates) // found.steps - 1
    expect(page.locator(".pgb-count")).to_have_text(f"Step 2 of {found.steps}")
    expect(page.locator(".pgb-account")).to_contain_text("10 continuations considered: 5 stay open")
    page.locator(".pgb-table summary").click()
    expect(page.locator(".pgb-table tbody tr")).to_have_count(10)
    page.locator("[data-action=play]").click()
    expect(page.locator(".pgb-count")).to_have_text(re.compile(rf"Step ([4-9]|1\d) of {found.steps}"))
    page.locator("[data-action=play]").click()
    slide(page, found.steps)
    every_candidate_says_what_became_of_it(page, expected)


def every_candidate_says_what_became_of_it(page: Page, expected: Expected) -> None:
    """By mouse, by keyboard and by the list of the final beams."""
    found = expected.found
    pruned = next(at for at, it in enumerate(found.candidates) if it.fate == "pruned" and it.step == 2)
    it = found.candidates[pruned]
    page.locator(f".pgb-scroll g[data-at='{pruned}']").hover()
    facts = {
        name: page.locator(f".pgb-detail dd[data-fact={name}]") for name in ("id", "token", "text", "score", "rank")
    }
    expect(facts["id"]).to_have_text(str(it.token))
    expect(facts["token"]).to_contain_text(f"−{-it.log_probability:.3f}")
    expect(facts["text"]).to_have_text(f"−{-it.score:.3f}")
    expect(facts["score"]).to_have_text(f"−{-it.normalised:.4f}")
    expect(facts["rank"]).to_have_text(f"{it.rank} of 10")
    expect(page.locator("[data-fact=fate]")).to_contain_text(re.compile(r"Dropped: 5 texts .* lacked \d"))
    expect(page.locator("p[data-fact=text]")).to_have_text(expected.text(pruned))

    page.locator(".pgb-scroll g[data-at='-1']").focus()
    expect(page.locator("[data-fact=fate]")).to_contain_text("The prompt")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("Number(document.activeElement.dataset.at)")
    assert focused > 0
    assert found.candidates[focused].step == 1
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("End")
    assert page.evaluate("Number(document.activeElement.dataset.at)") == found.finished[0]
    page.locator(".pgb-beam").nth(2).click()
    expect(page.locator(".pgb-beam").nth(2)).to_have_attribute("aria-pressed", "true")
    assert set(places(page.locator(".pgb-scroll g[data-at].pgb-path"))) == {-1, *path_of(found, found.finished[2])}


def test_what_is_taken_away_holds_everything_and_the_link_shows_it_again(
    open_page: Opener, expected: Expected, tmp_path: Path
) -> None:
    page = opened(open_page())
    ask(page, PROMPT, CHOSEN)
    finished(page)
    page.locator(".pgb-beam").nth(1).click()
    for kind in ("csv", "json", "svg", "png"):
        with page.expect_download() as download:
            page.locator(f".pgb [data-action={kind}]").click()
        download.value.save_as(tmp_path / f"tree.{kind}")
    with (tmp_path / "tree.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = expected.found
    assert [int(row["id"]) for row in rows] == [it.token for it in found.candidates]
    assert [int(row["parent"]) for row in rows] == [it.parent for it in found.candidates]
    best = next(row for row in rows if row["final_place"] == "1")
    assert json.loads(best["text"]).replace(" ", "␣") == expected.text(found.finished[0])
    document: dict[str, Any] = json.loads((tmp_path / "tree.json").read_text(encoding="utf-8"))
    assert len(document["candidates"]) == len(found.candidates)
    assert document["settings"]["num_beams"] == 5
    drawing = ElementTree.parse(tmp_path / "tree.svg").getroot()  # noqa: S314, made by this very test
    assert "prompt" in "".join(drawing.itertext())
    assert (tmp_path / "tree.png").read_bytes().startswith(b"\x89PNG")

    page.locator(".pgb [data-action=link]").click()
    expect(page).to_have_url(re.compile("#beam\\?.*beam=2"))
    again = open_page(page.url.removeprefix(open_page.url), width=390, dark=True, locale="ko-KR")
    finished(again)
    expect(again.locator("#distribution-prompt textarea")).to_have_value(PROMPT)
    expect(again.locator(".pgb-beam").nth(1)).to_have_attribute("aria-pressed", "true")
    assert shown(again) == list(range(-1, len(found.candidates)))
    assert again.evaluate("document.documentElement.scrollWidth") == 390
    assert violations(again, ".pgb") == []


def test_it_stops_when_asked_and_says_what_cannot_be(open_page: Opener, app: Server) -> None:
    page = opened(open_page())
    assert violations(page, ".pgb") == []
    late: list[Route] = []

    def hold(route: Route) -> None:
        """What is asked for while the server has not yet answered to the stop is not lost."""
        late.append(route)

    page.route("**/cancel", hold)
    page.evaluate(STOP_AT_ONCE)
    ask(page, PROMPT, BeamSettings(num_beams=16, max_new_tokens=128, length_penalty=4, early_stopping="never"))
    expect(page.locator("[data-action=stop]")).to_be_disabled()
    expect(page.locator("[data-action=search]")).to_be_enabled()
    expect(page.locator(".pgb-status")).not_to_contain_text("Done")
    ask(page, "   ", CHOSEN)
    expect(page.locator(".pgb .pgd-notice")).to_contain_text("The prompt is empty")
    assert late
    for route in late:
        route.continue_()
    ask(page, "film " * 900, CHOSEN)
    expect(page.locator(".pgb .pgd-notice")).to_contain_text("the model's context holds 512")
    page.locator("#pgb-num_beams").fill("17")
    page.locator("[data-action=search]").click()
    expect(page.locator("#pgb-num_beams")).to_have_attribute("aria-invalid", "")
    ask(page, "<img src=x onerror='window.hit = 1'> ${window.hit = 1}", CHOSEN)
    finished(page)
    assert page.evaluate("window.hit") is None
    assert page.locator(".pgb img").count() == 0
    assert app.status()["state"] == "ready"
