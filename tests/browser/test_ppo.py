"""PPO from the page: a reward is chosen, a run goes on, its updates are looked at, and a reload shows the same."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener, Server, Witness
from tests.browser.test_shell import open_tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

LONG = 300_000
"""Milliseconds that a few updates of the bundled model may take on a machine that does other things too."""
UPDATES = 3
SETTINGS = {
    "training-max-steps": UPDATES,
    "training-batch-size": 4,
    "ppo-rollouts": 8,
    "ppo-max-new-tokens": 6,
    "name": "few updates",
}


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    return tiny_server


def start(page: Page) -> None:
    """Starts PPO on the bundled openings, towards friendly words that are few."""
    open_tab(page, "train")
    page.locator("#train-method").get_by_label("PPO", exact=True).check()
    expect(page.locator("#train-source input")).to_have_value("Lumen: openings (bundled)")
    expect(page.locator("#train-reward-sentiment").first).to_be_visible()
    page.locator("#train-reward-kinds").get_by_label("Length").check()
    page.locator("#train-reward-length-target input").fill("5")
    page.locator("#train-reward-length-weight input").fill("0.5")
    for field, value in SETTINGS.items():
        box = page.locator(f"#train-{field} input, #train-{field} textarea").first
        box.fill(str(value))
        box.press("Tab")
    page.locator("#train-start").click()
    # The form is long; the run comes to where it can be seen.
    expect(page.locator("#train-live .pt-head")).to_be_in_viewport()


def expect_cards_of_the_first_update(page: Page) -> None:
    """Waits for them: the label goes with the slider at once, the figures follow in the next frame."""
    # Before the first update policy and reference are one.
    expect(page.locator(".ppo-card .ppo-facts").first).to_contain_text("KL 0 nats")


def whole(page: Page) -> list[str]:
    """Everything that the figures of the update say in words."""
    return page.locator(".ppo .ppo-card, .ppo .pt-figure-note, .ppo .pt-scrubber-label").all_inner_texts()


def test_updates_are_looked_at_and_a_reload_shows_the_same(open_page: Opener, app: Server, witness: Witness) -> None:
    page = open_page()
    start(page)
    expect(page.locator("#train-live .pt-phase")).to_have_text("Done", timeout=LONG)
    (config,) = (app.home / "runs").glob("ppo-*/config.json")
    terms = json.loads(config.read_text())["ppo"]["reward"]["terms"]
    assert [(term["weight"], term["reward"]["kind"]) for term in terms] == [(1, "sentiment"), (0.5, "length")]
    assert terms[1]["reward"]["target"] == 5

    expect(page.locator("#train-live .pt-facts")).to_contain_text("nats")
    expect(page.locator(".pt-scrubber-label").first).to_have_text(f"Update {UPDATES} of {UPDATES}")
    expect(page.locator(".ppo-card")).to_have_count(8)
    drawn = "id => document.getElementById(id).data.filter(({x}) => x.length).map(({name}) => name)"
    page.locator("#train-chart-ppo_parts").scroll_into_view_if_needed()
    page.locator("#train-chart-ppo_parts .main-svg").first.wait_for()
    assert page.evaluate(drawn, "train-chart-ppo_parts") == ["sentiment", "length"]

    slider = page.locator("#ppo-step")
    slider.focus()
    slider.press("Home")
    expect(page.locator(".pt-scrubber-label").first).to_have_text(f"Update 1 of {UPDATES}")
    expect_cards_of_the_first_update(page)
    # Beside the run's path the plane has what the answers of the reference allow.
    page.locator("[data-figure=ppo_plane]").scroll_into_view_if_needed()
    expect(page.locator("[data-figure=ppo_plane] .ppo-frontier")).to_have_count(1)
    first = whole(page)

    plots = page.locator(".ppo-clip svg[role=img]")
    plots.first.scroll_into_view_if_needed()
    dots = page.locator(".ppo-clip svg[role=img] g > *")
    tokens = page.locator(".ppo-card .pt-token").count()
    assert 8 < dots.count() == tokens <= 48
    plots.first.focus()
    plots.first.press("ArrowRight")
    expect(page.locator(".ppo-detail mark")).to_have_count(1)
    expect(page.locator(".ppo-detail")).to_contain_text("ratio")

    page.locator("#ppo-shade").select_option("value")
    page.locator(".ppo-card .pt-token").first.hover()
    expect(page.locator(".ppo-card .pt-strip-detail").first).to_contain_text("value")

    witness.reload(page)
    open_tab(page, "train")
    expect(page.locator(".pt-scrubber-label").first).to_have_text(f"Update {UPDATES} of {UPDATES}")
    page.locator("#ppo-step").focus()
    page.locator("#ppo-step").press("Home")
    expect(page.locator(".pt-scrubber-label").first).to_have_text(f"Update 1 of {UPDATES}")
    expect_cards_of_the_first_update(page)
    assert whole(page) == first
