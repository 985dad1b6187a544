"""The Rollouts view on the model in the box: drawing, β, the sweep, stopping, a reload, files, small screens."""

import csv
import io
import json
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.accessibility import serious_violations
from tests.browser.conftest import Opener, Server, Witness

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    return tiny_server


@pytest.fixture
def visit(browser: Browser, witness: Witness, app: Server) -> Iterator[Opener]:
    opener = Opener(browser, witness, app.url)
    yield opener
    for context in opener.contexts:
        context.close()


STOP_AT_ONCE = """() => {
    const look = () => {
        const stop = document.querySelector("#rollouts-picture [data-action=stop]");
        if (stop?.checkVisibility()) stop.click();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""
"""Stops the next draw as soon as it can be stopped: a fast machine is done before a click from out here arrives."""


def open_view(page: Page) -> None:
    page.locator("#tab-distribution-button").first.click()
    expect(page.locator(".pgd").first).to_have_attribute("data-state", "ready")
    page.locator("#distribution-view-rollouts-button").first.click()
    expect(page.locator("#rollouts-start")).to_be_visible()


def fact(page: Page, name: str) -> str:
    return page.locator(f"#rollouts-picture [data-fact={name}]").inner_text()


def number(page: Page, name: str) -> float:
    return float(fact(page, name).split()[0])


def draw(page: Page, count: int) -> None:
    page.locator("#rollouts-count input").fill(str(count))
    page.locator("#rollouts-start").click()
    expect(page.locator("#rollouts-picture [data-fact=drawn]")).to_have_text(str(count))


def move_beta(page: Page, power: float) -> None:
    page.locator("#pgr-beta").evaluate("(it, to) => { it.value = to; it.dispatchEvent(new Event('input')); }", power)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_rollouts_from_the_click_to_the_plane(visit: Opener, witness: Witness) -> None:
    page = visit()
    open_view(page)
    draw(page, 48)
    expect(page.locator("#rollouts-picture [data-fact=policy]")).to_contain_text("π_ref is Tiny as it is")
    assert page.locator(".pgr-node").count() > 5
    expect(page.locator(".pgr-range")).to_have_text("1–10 of 48")

    # β: without a request, from the reference to the best rollout.
    asked: list[str] = []

    def saw(request: Request) -> None:
        if "/playground/status" not in request.url:
            asked.append(request.url)

    page.on("request", saw)
    reference = number(page, "reference")
    move_beta(page, 2)
    assert number(page, "optimal") == pytest.approx(reference, abs=0.01)
    assert number(page, "divergence") == pytest.approx(0, abs=1e-3)
    assert number(page, "effective") == pytest.approx(48, abs=0.1)
    assert fact(page, "collapse") == ""
    move_beta(page, -2)
    page.locator("th[data-column=reward] button").click()
    best = float(page.locator("tr[data-row] [data-cell=reward]").first.inner_text())
    assert number(page, "optimal") == pytest.approx(best, abs=0.02)
    assert "carry π* in effect" in fact(page, "collapse")
    assert asked == []

    # The tree by keyboard, and a rollout read whole.
    page.locator(".pgr-node[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#rollouts-picture [data-fact=prefix]")).to_contain_text("of 48 rollouts")
    page.locator(".pgr-text").first.click()
    expect(page.locator(".pgr-more pre")).to_be_visible()

    with page.expect_download() as found:
        page.locator("[data-figure=rollouts] [data-take=csv]").click()
    rows = list(csv.DictReader(io.StringIO(found.value.path().read_text("utf-8"), newline="")))
    assert len(rows) == 48
    assert sum(float(row["optimal_weight"]) for row in rows) == pytest.approx(1)
    assert sum(float(row["reward"]) for row in rows) / 48 == pytest.approx(reference, abs=0.006)
    assert all(isinstance(json.loads(row["text"]), str) for row in rows)
    for figure in ("tree", "spread", "settling", "plane"):
        with page.expect_download() as found:
            page.locator(f"[data-figure={figure}] [data-take=svg]").first.click()
        drawing = found.value.path().read_text("utf-8")
        assert ElementTree.fromstring(drawing).tag.endswith("svg")  # noqa: S314, ours
        assert "var(" not in drawing
    texts = [row["text"] for row in rows]

    # A reload finds the same; so does a stranger with the address.
    witness.reload(page)
    open_view(page)
    expect(page.locator("#rollouts-picture [data-fact=drawn]")).to_have_text("48")
    move_beta(page, -1)
    page.locator("#rollouts-picture [data-action=link]").click()
    expect(page.locator("#rollouts-picture .pgd-share-note")).not_to_be_empty()
    other = visit(url=page.url)
    expect(other.locator("#rollouts-picture [data-fact=drawn]")).to_have_text("48")
    expect(other.locator("#rollouts-count input")).to_have_value("48")
    expect(other.locator(".pgr-beta input[type=number]")).to_have_value("0.1")
    with other.expect_download() as found:
        other.locator("[data-figure=rollouts] [data-take=csv]").click()
    again = csv.DictReader(io.StringIO(found.value.path().read_text("utf-8"), newline=""))
    assert [row["text"] for row in again] == texts


def test_refusals_other_rewards_a_sweep_and_a_stop(visit: Opener) -> None:
    page = visit(width=390, dark=True)
    open_view(page)
    draw(page, 12)

    page.get_by_label("Pattern", exact=True).check()
    page.get_by_label("Sentiment", exact=True).uncheck()
    pattern = page.locator("#set-reward-pattern-pattern, #rollouts-reward-pattern-pattern").locator("input, textarea")
    pattern.fill("(a")
    page.locator("#rollouts-anew").click()
    expect(page.locator("#rollouts-picture .pgr-problem")).to_contain_text("is not a regular expression")
    expect(page.locator("#rollouts-picture [data-fact=drawn]")).to_have_text("12")  # nothing is lost
    pattern.fill("zzz")
    page.locator("#rollouts-anew").click()
    expect(page.locator("#rollouts-picture [data-fact=collapse]")).to_contain_text("the same reward")
    assert number(page, "mean") == 0

    page.locator("#rollouts-sweep button").first.click()
    page.locator("#rollouts-sweep-points input").fill("3")
    page.locator("#rollouts-sweep-count input").fill("8")
    page.locator("#rollouts-sweep-start").click()
    expect(page.locator("#rollouts-sweep-picture .pgr")).to_have_attribute("data-points", "3")
    expect(page.locator("#rollouts-sweep-picture circle[data-temperature]")).to_have_count(3)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious_violations(page) == []

    page.locator("#rollouts-count input").fill("1024")
    page.locator("#rollouts-max-new-tokens input, #rollouts-generation-max-new-tokens input").first.fill("128")
    page.evaluate(STOP_AT_ONCE)
    page.locator("#rollouts-start").click()
    expect(page.locator("#rollouts-picture .pgr-problem")).to_contain_text("Stopped")
    expect(page.locator("#rollouts-picture .pgr-progress")).to_be_hidden()
