"""What the page says in each language: refusals and toasts in Korean, and one of a thing in English."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener, Server, Witness
from tests.browser.test_journey import fill, unfold
from tests.browser.test_shell import open_tab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    return tiny_server


def test_a_refused_form_and_a_toast_speak_korean(open_page: Opener, witness: Witness) -> None:
    witness.allowed.append("status of 500")  # Gradio's way to bring a refusal past the queue
    page = open_page(locale="ko-KR")
    open_tab(page, "train")
    fill(page, "training-learning-rate", "-1")
    refused = "training.learning_rate은(는) 0보다 커야 합니다. 입력값: -1"
    expect(page.locator("#train-estimate .pp-error")).to_have_text(re.compile(re.escape(refused)))
    page.locator("#train-start").click()
    expect(page.locator("#train-estimate .pp-error")).to_have_text(re.compile(re.escape(refused)))
    fill(page, "training-learning-rate", "0.001")
    unfold(page, "rows")
    fill(page, "data-split", "many")
    page.locator("#train-data-look").click()
    expect(page.locator(".toast-body").first).to_contain_text(
        "data.split은(는) 85 / 10 / 5처럼 비율로 씁니다. 입력값: 'many'"
    )


def test_an_english_page_asks_for_no_translations(open_page: Opener) -> None:
    page = open_page()
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    assert any("/js/status.js" in address for address in loaded)
    assert not any("sentences" in address for address in loaded)


@pytest.mark.parametrize(
    ("locale", "said"),
    [("en-US", ["1 step", "2 steps", "0 steps"]), ("ko-KR", ["1스텝", "2스텝", "0스텝"])],
)
def test_one_of_a_thing_is_not_many(open_page: Opener, locale: str, said: list[str]) -> None:
    page = open_page(locale=locale)
    texts = page.evaluate("[1, '2', 0].map((steps) => playground.text('train.runs.steps', { steps }))")
    assert texts == said
