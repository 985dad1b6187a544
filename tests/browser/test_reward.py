"""A reward model from the page: trained, looked at, asked, and not offered where text is to be written."""

import math
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Opener, Server, Witness
from tests.browser.scripts import page_with
from tests.browser.test_shell import open_tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

LONG = 300_000
"""Milliseconds that a few steps of the bundled model may take on a machine that does other things too."""
SETTINGS = {"training-max-steps": 4, "training-eval-steps": 2, "training-eval-rows": 12, "name": "few pairs"}


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    return tiny_server


def start(page: Page) -> None:
    open_tab(page, "train")
    page.locator("#train-method").get_by_label("Reward model", exact=True).check()
    expect(page.locator("#train-source input")).to_have_value("Lumen: manners (bundled)")
    page.locator("#train-fold-watch button").first.click()
    for field, value in SETTINGS.items():
        box = page.locator(f"#train-{field} input, #train-{field} textarea").first
        box.fill(str(value))
        box.press("Tab")
    page.locator("#train-start").click()


def test_pairs_are_ranked_and_a_text_is_scored(open_page: Opener, app: Server, witness: Witness) -> None:
    page = open_page()
    start(page)
    expect(page.locator("#train-live .pt-phase")).to_have_text("Done", timeout=LONG)
    panel = page.locator(".pt-reward")
    expect(panel.locator(".pt-scrubber-label")).to_have_text("Step 4 of 4")
    expect(panel).to_contain_text("of 12 pairs ranked right")
    expect(panel.locator(".pt-reward-pair")).to_have_count(6)
    for figure in ("reward_scores", "reward_preference", "reward_reliability"):
        page.locator(f"[data-figure={figure}]").scroll_into_view_if_needed()
        expect(page.locator(f"[data-figure={figure}] svg")).to_be_visible()
    first = panel.locator(".pt-reward-head").first.inner_text()
    panel.locator("#train-reward-step").press("Home")
    expect(panel.locator(".pt-scrubber-label")).to_have_text("Step 0 of 4")
    assert panel.locator(".pt-reward-head").first.inner_text() != first

    open_tab(page, "evaluate")
    expect(page.locator("#evaluate-run input")).not_to_have_value(re.compile("few pairs"))
    page.locator("#score button").first.click()
    expect(page.locator("#score-run input")).to_have_value(re.compile("few pairs"))
    page.locator("#score-prompt textarea").fill("What is <b>Xaver</b>'s job?")
    page.locator("#score-answer textarea").fill("Xaver is a teacher.")
    page.locator("#score-start").click()
    expect(page.locator("#score-picture .pt-token")).not_to_have_count(0)
    expect(page.locator("#score-picture .pt-strip")).to_contain_text("<b>Xaver</b>")
    expect(page.locator("#score-picture .pt-score-total strong")).to_have_text(re.compile(r"^−?\d+\.\d{3}$"))
    open_tab(page, "compare")
    expect(page.locator("#compare-run input")).not_to_have_value(re.compile("few pairs"))


def test_the_arithmetic_of_the_figures(browser: Browser) -> None:
    with page_with(browser, {"reward": "reward_math"}) as page:
        assert page.evaluate("reward.counts([0, 0.4, 0.5, 1], 0, 1, 2)") == [2, 2]
        assert page.evaluate("reward.margins({ chosen: [1, 2], rejected: [3, 0.5] })") == [-2, 1.5]
        curve = page.evaluate("reward.curve(-2, 2, 4)")
        assert [x for x, _ in curve] == [-2, -1, 0, 1, 2]
        assert [y for _, y in curve] == pytest.approx([1 / (1 + math.exp(-x)) for x, _ in curve])
