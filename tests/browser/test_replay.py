"""A run played again: the pace, and on the page to and fro, without a model."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Opener, Server
from tests.browser.scripts import page_with
from tests.browser.test_journey import open_tab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    return tiny_server


def test_time_in_the_queue_and_long_pauses_are_left_out(browser: Browser) -> None:
    with page_with(browser, {"replay": "replay"}) as page:
        events = [
            {"kind": "phase", "phase": "queued", "time": 100},
            {"kind": "phase", "phase": "preparing", "time": 700},
            {"kind": "metric", "step": 1, "time": 702.5},
            {"kind": "metric", "step": 2, "time": 5000},
            {"kind": "metric", "step": 2, "time": 4999},
            {"kind": "phase", "phase": "done", "time": 5001},
        ]
        assert page.evaluate("events => replay.schedule(events)", events) == [0, 0, 2.5, 7.5, 7.5, 8.5]


def points(page: Page) -> int:
    """How many points the first chart has."""
    return int(page.locator("#train-live [data-points]").get_attribute("data-points") or 0)


def move(page: Page, share: float) -> None:
    page.locator("#train-replay-time").evaluate(
        "(it, share) => { it.value = share * it.max; it.dispatchEvent(new Event('input')); }", share
    )


def test_a_recorded_run_is_shown_and_played_again(open_page: Opener) -> None:
    page = open_page()
    open_tab(page, "Train")
    page.locator(".pt-recordings summary").click()
    recorded = page.locator(".pt-recordings .pt-run")
    expect(recorded.filter(has_text="ppo-").first).to_be_visible()
    recorded.filter(has_text="dpo-").first.click()
    expect(page.locator("#train-live .pt-phase")).to_have_text("Done")
    whole = points(page)
    assert whole > 10
    expect(page.locator("#train-stop")).to_be_hidden()

    page.locator("#train-replay").click()
    expect(page.locator("#train-replay")).to_be_hidden()
    expect(page.locator("#train-live .pt-phase")).not_to_have_text("Done")
    toggle = page.locator("#train-replay-toggle")
    toggle.click()
    expect(toggle).to_have_text("Play")
    move(page, 0.6)
    expect(page.locator("#train-live .pt-phase")).to_have_text("Running")
    later = points(page)
    assert 0 < later < whole
    move(page, 0.3)
    assert points(page) < later
    toggle.click()
    page.wait_for_function("at => document.querySelector('#train-replay-time').value > at", arg=0)
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#train-live .pt-phase")).to_have_text("Done")
    assert points(page) == whole
    expect(page.locator("#train-replay")).to_be_visible()


@pytest.mark.parametrize(("method", "plane"), [("ppo", "ppo_plane"), ("grpo", "group_plane"), ("rloo", "group_plane")])
def test_the_way_through_the_plane_stands_beside_what_the_reference_offers(
    open_page: Opener, method: str, plane: str
) -> None:
    page = open_page()
    open_tab(page, "Train")
    page.locator(".pt-recordings summary").click()
    page.locator(".pt-recordings .pt-run").filter(has_text=f"{method}-").first.click()
    figure = page.locator(f"[data-figure={plane}]")
    figure.scroll_into_view_if_needed()
    expect(figure.locator(".ppo-frontier")).to_have_count(1)
    assert figure.locator("svg[role=img] circle title").count() > 10
    # Eight answers to a prompt: the best of two, of four and of eight.
    expect(figure.locator("svg[role=img] rect title")).to_have_count(3)
    page.locator("#train-chart-ppo_kl").scroll_into_view_if_needed()
    page.locator("#train-chart-ppo_kl .main-svg").first.wait_for()
    series = page.evaluate("document.getElementById('train-chart-ppo_kl').data.map(({x}) => x.length)")
    assert series[0] > 10
