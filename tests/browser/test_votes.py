"""Blind votes by keyboard, from the link to the table, and on to the Data tab.

An app of its own: it needs a finished evaluation in its home and no model, so that nothing has to be trained.
"""

import json
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from playground.runs.store import RunStore
from playground.voting import lessons
from tests.browser.conftest import VIEWS, Opener, Server, running_app
from tests.browser.test_shell import SETTLED
from tests.ui.evaluations import HOSTILE, finished_evaluation, run_of
from tests.ui.finished_lessons import finished_lesson

pytestmark = pytest.mark.browser

ROWS, SECOND = 10, 6


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app without a model, with one evaluation of ten rows, of which one has the same answer twice."""
    home = tmp_path_factory.mktemp("votes")
    store = RunStore(home)
    run = run_of(store)
    document = json.dumps({"method": "sft", "model": "tiny", "data": {"template": "instruction-response"}})
    with store.database.writing() as connection:
        connection.execute("UPDATE runs SET document = ? WHERE id = ?", (document, run))
    taught = finished_evaluation(store, run, rows=SECOND)
    finished_evaluation(store, run, rows=ROWS)
    voted = store.list("evaluation")[0].id
    lessons.save(finished_lesson(run, voted=voted, taught=taught), store)
    store.close()
    with running_app(home, PLAYGROUND_MODEL="none") as running:
        yield running


def linked(open_page: Opener, app: Server, **options: object) -> Page:
    """The view as a link for voters opens it."""
    store = RunStore(app.home)
    evaluation = store.list("evaluation")[0].id
    store.close()
    page = open_page(f"#votes?evaluation={evaluation}", **options)  # type: ignore[arg-type]
    expect(page.locator("#votes-left")).to_be_visible()
    return page


def count(page: Page, number: int) -> None:
    expect(page.locator("#votes-arena .pv-count")).to_have_text(f"Pair {number} of {ROWS - 1}")
    # A key that is pressed before the pair is there votes on nothing.
    expect(page.locator("#votes-arena .pp-panel")).to_have_attribute("data-state", "open")


def test_votes_by_keyboard_become_a_table_and_a_data_set(open_page: Opener, app: Server) -> None:
    page = linked(open_page, app)
    count(page, 1)
    asked = page.locator("#votes-arena .pv-asked")
    seen = set()
    for number, key in enumerate(["1", "b", "ArrowLeft", "t", "2", "a"], start=1):
        count(page, number)
        seen.add(asked.inner_text())
        page.keyboard.press(key)
    count(page, 7)
    assert len(seen) == 6
    # The last one comes back with its vote, and is changed.
    page.keyboard.press("Backspace")
    expect(page.locator("#votes-left-button")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowDown")
    count(page, 7)
    table = page.locator("#votes-table")
    expect(table).to_contain_text("6 votes on 6 pairs of answers; voters: 1")
    expect(page.locator("#votes-strengths tbody tr")).to_have_count(2)
    expect(page.locator("#votes-verdict")).to_contain_text("may be noise")
    assert page.evaluate("window.hurt") is None
    page.locator("#votes-data").click()
    expect(page.locator("#data-view")).to_contain_text("votes-4-pairs.jsonl")
    page.locator("#data-train").click()
    expect(page.locator("#train-method").get_by_label("DPO", exact=True)).to_be_checked()


@VIEWS
def test_everyone_can_vote(open_page: Opener, app: Server, width: int, dark: bool) -> None:
    page = linked(open_page, app, width=width, dark=dark)
    for side in ("left", "tie", "right"):
        box = page.locator(f"#votes-{side}-button").bounding_box()
        assert box is not None
        assert box["height"] >= 48
        assert box["width"] >= 70
    page.locator("#votes-right-button").click()
    count(page, 2)
    expect(page.locator("#votes-strengths tbody tr")).to_have_count(2)
    page.wait_for_function(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    serious = [
        f"{one['id']}: {[node['html'][:200] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert not serious, "\n".join(serious)


def test_markup_in_an_answer_stays_text(open_page: Opener, app: Server) -> None:
    page = linked(open_page, app)
    asked = page.locator("#votes-arena .pv-asked")
    for number in range(1, ROWS):
        count(page, number)
        if HOSTILE in asked.inner_text():
            break
        page.keyboard.press("0")
    expect(asked).to_contain_text(HOSTILE)
    assert page.evaluate("window.hurt") is None


def test_votes_begin_a_training_and_lead_to_the_next_pairs(open_page: Opener, app: Server) -> None:
    page = linked(open_page, app)
    card = page.locator("#votes-train")
    expect(card.locator(".pl-lesson")).to_contain_text("New pairs are ready", timeout=60_000)
    card.get_by_role("button", name="Mine").click()
    expect(card).to_contain_text("choose A or B on 8 more pairs")
    for number in range(1, ROWS):
        count(page, number)
        page.keyboard.press("a" if number % 2 else "b")
    expect(card).to_contain_text("9 votes on these pairs (voters: 1): 9 preferences to learn from")
    page.locator("#votes-train-start").click()
    going = card.locator(".pl-lesson", has_text="under way")
    expect(going).to_contain_text("learns from 7 preferences, 2 held out")
    going.get_by_role("button", name="Stop").click()
    expect(card.locator(".pl-lesson[data-state=stopped]")).to_contain_text("You stopped it.")
    page.reload()
    stopped = card.locator(".pl-lesson[data-state=stopped]")
    expect(stopped.get_by_role("button", name="Go on")).to_be_visible(timeout=60_000)
    card.get_by_role("button", name="Vote on the new pairs").click()
    expect(page.locator("#votes-arena .pv-count")).to_have_text(f"Pair 1 of {SECOND - 1}")
    page.keyboard.press("1")
    expect(card.locator(".pl-lesson", has_text="May be noise")).to_contain_text("Before: Tiny against the others")
