"""The page's translation of errors: the same cases as the server's."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.scripts import page_with
from tests.ui.told import CASES, CATALOGUE, HOSTILE

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, {"sentences": "sentences"}) as found:
        found.evaluate("written => sentences.learn(written)", CATALOGUE)
        yield found


def test_sentences_are_translated(page: Page) -> None:
    found = page.evaluate("all => all.map(sentences.translated)", [english for english, _ in CASES])
    assert found == [told for _, told in CASES]


@pytest.mark.timeout(60)
def test_no_text_takes_long(page: Page) -> None:
    found = page.evaluate("all => all.map(sentences.translated)", HOSTILE)
    assert [type(text) for text in found] == [str] * len(HOSTILE)


def test_what_is_no_text_stays_as_it_is(page: Page) -> None:
    assert page.evaluate("[null, undefined, 3].map(sentences.translated)") == [None, None, 3]
