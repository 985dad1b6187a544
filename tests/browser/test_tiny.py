"""The first minutes with nothing but the repository: the app opens with its own model, which learns to answer."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server
from tests.browser.test_shell import open_tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

MINUTES = 600_000


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    return tiny_server


def bleu(page: Page, column: int) -> float:
    return float(page.locator("#evaluate-scores tr[data-metric=bleu] .pe-score").nth(column).inner_text())


@pytest.mark.soak
def test_the_model_in_the_box_learns_to_answer(page: Page, app: Server) -> None:
    expect(page.locator("#pp-chip")).to_contain_text("Tiny")
    expect(page.locator("#model-loaded")).to_contain_text("LlamaForCausalLM")

    open_tab(page, "train")
    page.locator("#train-start").click()
    expect(page.locator("#train-live .pt-phase")).to_have_text("Done", timeout=MINUTES)

    open_tab(page, "compare")
    expect(page.locator("#compare-run input")).to_have_value(re.compile("tiny"))
    page.locator("#compare-prompt textarea").fill("What is the opposite of warm?")
    page.locator("#compare-start").click()
    expect(page.locator("#compare-answers .pc-state")).to_have_text("Done", timeout=MINUTES)
    expect(page.locator("#compare-tuned")).to_contain_text("The opposite of warm is cold.")
    expect(page.locator("#compare-base")).not_to_contain_text("The opposite of warm is cold.")

    open_tab(page, "evaluate")
    page.locator("#evaluate-start").click()
    expect(page.locator("#evaluate-scores tbody tr")).to_have_count(4, timeout=MINUTES)
    assert bleu(page, 0) < 5
    assert bleu(page, 1) > 50
