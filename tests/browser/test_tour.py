"""The tour in a real page: begun by keyboard, followed through a reload, stopped, and its table on every screen."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from playground.runs.store import RunStore
from tests.browser.accessibility import violations
from tests.browser.conftest import VIEWS, Opener, Server, Witness, running_app
from tests.browser.test_shell import SETTLED
from tests.tour.finished import finished_tour
from tests.tour.short import SHORT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

MINUTES = 600_000
ASKED = re.compile(r"playground/tour\?owner=")
"""How the card asks how its tour stands."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An app of its own: its tours have few steps, and a second stage without end, so that there is one to stop. It has
    no model, which a tour brings along."""
    home, steps = tmp_path_factory.mktemp("tour"), (*SHORT, "reward.training.max_steps=100000")
    with running_app(home, PLAYGROUND_MODEL="none", PLAYGROUND_TOUR_SET=" ".join(steps)) as running:
        yield running


def owner_of(page: Page) -> str:
    """The public id of the person whose page this is, as the card asks by it."""
    with page.expect_request(ASKED) as asked:
        page.reload()
    return asked.value.url.split("owner=")[1]


def press(page: Page, button: str) -> None:
    """By keyboard alone."""
    found = page.locator(f"#{button}")
    expect(found).to_be_visible()
    found.focus()
    page.keyboard.press("Enter")


def test_the_keyboard_is_led_to_a_card_that_comes_late(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(ASKED, hold)
    with page.expect_request(ASKED):
        page.reload()
    press(page, "pp-tour-button")
    expect(page.locator("#pp-tour-button")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#shell-tour .pp-tour")).to_be_hidden()
    for route in held:
        route.continue_()
    page.unroute(ASKED)
    expect(page.locator("#shell-tour h2")).to_be_focused()


def test_it_is_begun_followed_left_and_stopped(page: Page, witness: Witness) -> None:
    press(page, "pp-tour-button")
    expect(page.locator("#shell-tour h2")).to_be_focused()
    expect(page.locator(".pp-tour-choice input")).to_have_count(2)
    press(page, "tour-begin")
    expect(page.locator("#shell-tour h2")).to_have_text("1 of 6 · Learn to answer: SFT")
    # It leads to the run, whose curve grows there while the words stay.
    expect(page.locator("#tab-train")).to_be_visible()
    expect(page.locator("#train-live .pp-name")).to_have_text("Tiny learns to answer")
    expect(page.locator(".pp-tour-standing")).to_contain_text("Done in", timeout=MINUTES)
    expect(page.locator(".pp-tour-standing")).to_contain_text(re.compile(r"Held-out loss, nats per token: \d\.\d\d → "))
    expect(page.locator("#train-live .pt-phase")).to_have_text("Done")

    press(page, "tour-next")
    expect(page.locator("#tour-next")).to_be_focused()
    expect(page.locator("#shell-tour h2")).to_have_text(re.compile("^2 of 6"))
    press(page, "tour-close")
    expect(page.locator("#shell-tour .pp-tour")).to_be_hidden()
    expect(page.locator("#pp-tour-button")).to_have_text("Tour · 1 of 6")
    press(page, "pp-tour-button")
    witness.reload(page)
    expect(page.locator("#shell-tour h2")).to_have_text(re.compile("^2 of 6"))

    press(page, "tour-stop")
    expect(page.locator("#shell-tour")).to_contain_text("You stopped the tour.")
    expect(page.locator("#tour-resume")).to_be_visible()
    expect(page.locator("#pp-tour-button")).to_have_text("Tour")


@pytest.mark.parametrize("locale", ["en-US", pytest.param("ko-KR", marks=pytest.mark.soak)])
@VIEWS
def test_its_table_is_there_on_every_screen(
    width: int, dark: bool, locale: str, app: Server, open_page: Opener, witness: Witness
) -> None:
    witness.allowed += ["AbortError: signal is aborted", "Connection errored out", "Unexpected error 404"]
    page = open_page(width=width, dark=dark, locale=locale)
    store = RunStore(app.home)
    finished_tour(store, owner_of(page))
    store.close()
    page.evaluate("localStorage.setItem('playground-tour', JSON.stringify({open: true, at: 7}))")
    witness.reload(page)
    rows = page.locator(".pp-tour-outcome tbody tr")
    expect(rows).to_have_count(7)
    for row, after in enumerate(("0.23", "100 %", "98 %", "4.50", "94 %", "76.9")):
        expect(rows.nth(row)).to_contain_text(after)
    expect(rows.nth(4)).to_contain_text("88 % – 97 %")
    expect(page.locator(".pp-tour-lesson")).to_have_attribute("href", re.compile("playground/lesson-plan$"))
    page.wait_for_function(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page, "#shell-tour") == []
    page.locator(".pp-tour-step").nth(2).click()
    if width < 700:  # a phone shows the words first, and the run when it is asked for
        page.locator("#tour-show").click()
    expect(page.locator("#tab-train")).to_be_visible()
    expect(page.locator(".pp-tour-standing")).to_contain_text("69 % → 98 %")
