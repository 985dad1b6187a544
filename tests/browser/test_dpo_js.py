"""The pair of answers token by token, in a page of its own: β, steps, pairs, what is taken back, and the keyboard."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect

from playground.core.losses import dpo_loss
from tests.browser.scripts import page_with

pytestmark = pytest.mark.browser


def side(tokens: list[str], ratios: list[float], *, more: int = 0) -> dict[str, Any]:
    return {"tokens": tokens, "ratios": ratios, "sum": sum(ratios), "count": len(tokens) + more}


def snapshot(step: int, index: int = 0, factor: float = 1.0) -> dict[str, Any]:
    data = {
        "index": index,
        "pairs": 2,
        "beta": 0.1,
        "prompt": f"<b>Question {index}</b>",
        "chosen": side(["A", " fine", "<i>"], [0.0, 4.0 * factor, -1.0 * factor]),
        "rejected": side(["A", " bad"], [0.0, -6.0 * factor], more=3),
    }
    return {"kind": "snapshot", "name": "dpo.tokens", "step": step, "data": data}


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[Page]:
    with page_with(browser, {"dpo": "dpo_tokens"}) as found:
        yield found


@pytest.fixture
def page(shared: Page) -> Page:
    shared.evaluate(
        """(events) => {
          window.panel = new dpo.PairTokens();
          document.body.replaceChildren(panel.element);
          panel.add({ kind: "snapshot", name: "ppo.ratios", step: 0, data: {} });
          panel.draw();
          window.before = panel.element.hidden;
          for (const event of events) panel.add(event);
          panel.draw();
        }""",
        [snapshot(step, index, factor) for step, factor in ((0, 0.0), (5, 0.5), (10, 1.0)) for index in (0, 1)],
    )
    return shared


def levels(page: Page, name: str) -> list[int]:
    chips: Locator = page.locator(f".pt-dpo-{name} .pt-token")
    return [int(level) for level in chips.evaluate_all("(chips) => chips.map((chip) => chip.dataset.level)")]


def test_a_pair_is_shown_at_its_newest_step(page: Page) -> None:
    assert page.evaluate("before")
    assert (levels(page, "chosen"), levels(page, "rejected")) == ([0, 3, -1], [0, -3])
    expect(page.locator(".pt-dpo-prompt")).to_have_text("<b>Question 0</b>")
    expect(page.locator(".pt-dpo-chosen .pt-token").nth(2)).to_contain_text("<i>")
    expect(page.locator(".pt-dpo-rejected .pt-dpo-sum")).to_contain_text('"reward":"−0.60"')
    expect(page.locator(".pt-dpo-rejected .pt-dpo-sum")).to_contain_text('"shown":2,"count":5')
    page.locator("#dpo-tokens-step").fill("0")
    assert (levels(page, "chosen"), levels(page, "rejected")) == ([0, 0, 0], [0, 0])
    page.locator(".pt-dpo-pick", has_text='"number":2').click()
    expect(page.locator(".pt-dpo-prompt")).to_have_text("<b>Question 1</b>")
    assert levels(page, "rejected") == [0, 0]


def test_beta_weighs_in_the_page_as_the_loss_does(page: Page) -> None:
    one = torch.tensor([1.0])
    for beta in (0.01, 0.1, 0.5):
        page.evaluate("(beta) => panel.weigh(beta)", beta)
        wanted = dpo_loss(3.0 * one, -6.0 * one, 0 * one, 0 * one, beta=beta)
        margin, loss = wanted.margin.item(), wanted.total.item()
        told = page.locator(".pt-dpo-sums").inner_text()
        assert f'"margin":"+{margin:.2f}"' in told
        assert f'"loss":"{loss:.3f}"' in told
        assert f'"share":"{100 / (1 + math.exp(-margin)):.1f} %"' in told
    page.locator("#dpo-tokens-beta").focus()
    for _ in range(150):
        page.keyboard.press("ArrowLeft")
    assert levels(page, "rejected") == [0, -1]  # a smaller β pales
    page.locator(".pt-dpo-beta button").click()
    assert levels(page, "rejected") == [0, -3]
    places = list(range(0, 401, 7))
    assert page.evaluate("(places) => places.map((place) => dpo.placeOf(dpo.betaAt(place)))", places) == places


def test_a_token_tells_its_number_to_pointer_and_keyboard(page: Page) -> None:
    page.locator(".pt-dpo-chosen .pt-token").nth(1).hover()
    told = page.locator(".pt-dpo-chosen .pt-strip-detail")
    expect(told).to_contain_text('"token":" fine","ratio":"+4.000","factor":"54.6","reward":"+0.400"')
    page.locator(".pt-dpo-rejected .pt-token").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pt-dpo-rejected .pt-strip-detail")).to_contain_text('"ratio":"−6.000"')


def test_what_a_lost_attempt_showed_is_taken_back(page: Page) -> None:
    page.evaluate("panel.cut(5); panel.draw()")
    expect(page.locator(".pt-scrubber-label").first).to_contain_text('"step":5,"last":5')
    page.evaluate("panel.cut(-1); panel.draw()")
    assert page.evaluate("panel.element.hidden")
