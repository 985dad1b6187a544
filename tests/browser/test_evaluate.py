"""The Evaluate tab: results to read on every screen, and an evaluation from the click to the table."""

import csv
import io
import json
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from playground.runs.store import RunStore
from tests.browser.accessibility import serious_violations
from tests.browser.conftest import VIEWS, Opener, Server, running_app
from tests.browser.test_shell import SETTLED, open_tab
from tests.evaluation.finished_runs import data_file, finished_run
from tests.small_models import make_model
from tests.ui.evaluations import HOSTILE, answers, finished_evaluation, run_of

pytestmark = pytest.mark.browser

ROWS = 34
METRICS = 9
OTHER = answers(ROWS)[1][::-1]
"""Answers of a further model."""
MINUTES = 300_000


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app without a model: evaluations of 34 rows, of 12 and of four models, and runs on a small model,
    one of them with so many rows that its evaluation can be stopped."""
    home = tmp_path_factory.mktemp("evaluate")
    store = RunStore(home)
    run = run_of(store)
    finished_evaluation(store, run, rows=ROWS)
    finished_evaluation(store, run, rows=12)
    others = {f"{run}@20": OTHER[:12], "sft-another": [text.upper() for text in OTHER[:12]]}
    finished_evaluation(store, run, rows=12, others=others, name="Four models")
    small = make_model("llama", home / "llama")
    for name in ("A small run", "Its twin"):
        finished_run(store, small, data_file(home), name=name)
    many = home / "many"
    many.mkdir()
    finished_run(store, small, data_file(many, rows=8000), name="A run on many rows")
    store.close()
    with running_app(home, PLAYGROUND_MODEL="none") as running:
        yield running


def opened(open_page: Opener, rows: int = ROWS, **options: object) -> Page:
    """The tab with one of the two results in it."""
    page = open_page(**options)  # type: ignore[arg-type]
    open_tab(page, "evaluate")
    finished = page.locator("#evaluate-list li button").filter(has_text="A run on test")
    finished.nth(1 if rows == ROWS else 0).click()
    expect(page.locator("#evaluate-scores tbody tr")).to_have_count(METRICS)
    expect(page.locator("#evaluate-rows-count")).to_contain_text(f"{rows}")
    return page


def shown_rows(page: Page) -> list[int]:
    return [
        int(number)
        for number in page.locator("#evaluate-rows tbody tr").evaluate_all("all => all.map(one => one.dataset.row)")
    ]


def choose(page: Page, field: str, value: str) -> None:
    page.locator(f"#evaluate-rows-{field}").select_option(value)


def test_scores_stand_side_by_side_with_their_difference(open_page: Opener) -> None:
    page = opened(open_page)
    bleu = page.locator("#evaluate-scores tr[data-metric=bleu]")
    base, tuned = (float(bleu.locator(".pe-score").nth(at).inner_text()) for at in (0, 1))
    assert 0 < base < tuned < 100
    expect(bleu.locator("td").nth(2)).to_contain_text(re.compile(r"▲ \+\d+\.\d better"))
    exact = page.locator("#evaluate-scores tr[data-metric=exact_match]")
    expect(exact.locator(".pe-score").nth(0)).to_have_text("0.03")
    expect(exact.locator(".pe-interval").nth(0)).to_have_text(re.compile(r"^0\.00 – 0\.\d\d$"))
    expect(exact.locator("td").nth(2)).to_contain_text("no change")
    expect(page.locator("#evaluate-scores tr[data-metric=distinct_1] .pe-noise")).to_contain_text("may be noise")
    expect(bleu.locator("td").nth(2)).to_contain_text("p\u00a0<\u00a00.001")
    expect(page.locator("#evaluate-signature")).to_have_text(re.compile(r"^nrefs:1\|case:mixed\|.*\|version:"))
    expect(page.locator(".pe-few")).to_have_count(0)
    expect(page.locator("#evaluate-plot-metrics .pe-dots-metric")).to_have_count(METRICS)
    for name in ("rows", "differences"):
        expect(page.locator(f"#evaluate-plot-{name} .main-svg").first).to_be_visible()


def test_few_rows_come_with_a_warning_in_words(open_page: Opener) -> None:
    expect(opened(open_page, rows=12).locator(".pe-few")).to_contain_text("Only 12 rows")


def test_the_signature_is_copied(open_page: Opener) -> None:
    page = opened(open_page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#evaluate-copy").click()
    expect(page.locator("#evaluate-copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#evaluate-signature").inner_text()


def test_rows_are_paged_sorted_filtered_and_searched(open_page: Opener) -> None:
    page = opened(open_page)
    assert shown_rows(page) == list(range(100, 110))
    for _ in range(3):
        page.locator("#evaluate-rows-next").click()
    expect(page.locator("#evaluate-rows-count")).to_have_text("31–34 of 34 rows")
    assert shown_rows(page) == [130, 131, 132, 133]
    expect(page.locator("#evaluate-rows-next")).to_be_disabled()
    choose(page, "order", "gain.down")
    assert shown_rows(page)[0] == 100
    choose(page, "order", "gain.up")
    assert shown_rows(page)[:2] == [101, 102]
    head = page.locator("th.pe-column-gain")
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert shown_rows(page)[0] == 100
    choose(page, "shown", "worse")
    assert shown_rows(page) == [101]
    choose(page, "shown", "same")
    assert shown_rows(page) == [102]
    choose(page, "shown", "all")
    page.locator("#evaluate-rows-search").fill("SCENE 17")
    expect(page.locator("#evaluate-rows-count")).to_have_text("1–1 of 1 row")
    assert shown_rows(page) == [117]
    page.locator("#evaluate-rows-search").fill("nowhere to be found")
    expect(page.get_by_text("No row fits")).to_be_visible()


def test_a_point_of_the_figure_leads_to_its_row(open_page: Opener) -> None:
    page = opened(open_page)
    choose(page, "shown", "worse")
    expect(page.locator("#evaluate-plot-rows .scatterlayer .point")).to_have_count(ROWS)
    page.evaluate(
        "document.querySelector('#evaluate-plot-rows').emit('plotly_click', {points: [{customdata: [125, '']}]})"
    )
    expect(page.locator("tr.pe-revealed")).to_have_attribute("data-row", "125")
    assert shown_rows(page) == list(range(120, 130))


def test_markup_in_data_stays_text(open_page: Opener) -> None:
    page = opened(open_page)
    expect(page.locator("tr[data-row='101'] .pe-column-question")).to_contain_text(HOSTILE)
    assert page.evaluate("window.hurt") is None


def test_every_row_can_be_taken_away(open_page: Opener) -> None:
    page = opened(open_page)
    choose(page, "shown", "worse")
    with page.expect_download() as found:
        page.locator("#evaluate-rows-csv").click()
    assert re.fullmatch(r"evaluation-\w+-sft-\w+\.csv", found.value.suggested_filename)
    rows = list(csv.DictReader(io.StringIO(found.value.path().read_text("utf-8-sig"), newline="")))
    assert list(rows[0])[:4] == ["instruction", "input", "output", "model_response"]
    assert len(rows) == ROWS
    assert rows[0]["model_response"] == rows[0]["output"]
    choose(page, "whose", "")
    with page.expect_download() as found:
        page.locator("#evaluate-rows-json").click()
    everybody = json.loads(found.value.path().read_text("utf-8"))
    assert len(everybody) == 2 * ROWS
    assert everybody[0]["model_response"] == 'A "quoted", cat of number 0.\nIt sat.'
    assert [str(value) for value in everybody[1].values()] == list(rows[0].values())


def test_any_two_of_many_models_are_read_word_by_word(open_page: Opener) -> None:
    page = open_page()
    open_tab(page, "evaluate")
    page.locator("#evaluate-list li button").filter(has_text="Four models").click()
    expect(page.locator("#evaluate-scores thead th")).to_have_count(5)
    assert page.locator("#evaluate-scores thead th").all_inner_texts()[1:4] == ["Base", "A run", "A run, step 20"]
    expect(page.locator("#evaluate-scores tr[data-metric=bleu] td").nth(3)).to_contain_text("p\u00a0")
    expect(page.locator("#evaluate-plot-metrics .pe-dots-metric").first.locator(".pe-dots-line")).to_have_count(4)
    first = page.locator("tr[data-row='100'] .pe-column-second")
    expect(first.locator("del").first).to_be_visible()
    whole = first.locator("p").first
    base = page.locator("tr[data-row='100'] .pe-column-first p").first.inner_text()
    kept = whole.evaluate(
        "box => [...box.childNodes].filter(one => one.nodeName !== 'INS').map(one => one.textContent).join('')"
    )
    assert kept == base
    page.locator("#evaluate-rows-marks").uncheck()
    expect(first.locator("del")).to_have_count(0)
    choose(page, "second", "sft-another")
    expect(page.locator("th.pe-column-second")).to_have_text("sft-another")
    expect(first.locator("p").first).to_have_text(OTHER[0].upper())
    choose(page, "metric", "length_words")
    expect(page.locator("#evaluate-rows-order option").nth(4)).to_have_text("lowest first: sft-another")
    expect(page.locator("#evaluate-plot-rows .ytitle")).to_contain_text("Length in words")
    choose(page, "order", "change.down")
    gaps = [
        abs(float(text.split()[1]))
        for text in page.locator("td.pe-column-gain").all_inner_texts()
        if "no change" not in text
    ]
    assert gaps == sorted(gaps, reverse=True)
    page.locator("tr[data-row='100'] .pe-others summary").click()
    expect(page.locator("tr[data-row='100'] .pe-others")).to_contain_text("A run, step 20")


@VIEWS
def test_everyone_can_read_a_result(open_page: Opener, width: int, dark: bool) -> None:
    page = opened(open_page, rows=12, width=width, dark=dark)
    page.locator("#evaluate-list li button").filter(has_text="Four models").click()
    expect(page.locator("#evaluate-scores thead th")).to_have_count(5)
    expect(page.locator("#evaluate-plot-differences .main-svg").first).to_be_visible()
    page.wait_for_function(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_violations(page) == []


def test_an_evaluation_from_the_click_to_the_table(open_page: Opener, app: Server) -> None:
    page = open_page()
    open_tab(page, "evaluate")
    chosen = page.locator("#evaluate-run input")
    expect(chosen).to_have_value(re.compile("A run on many rows"))
    chosen.click()
    page.locator("#evaluate-run").get_by_role("option", name=re.compile("A small run")).click()
    expect(chosen).to_have_value(re.compile("A small run"))
    page.locator("#evaluate-others input").click()
    others = page.locator("#evaluate-others").get_by_role("option")
    expect(others).to_contain_text(["A run on many rows", "Its twin"])
    others.filter(has_text="Its twin").first.click()
    page.keyboard.press("Escape")
    page.locator("#evaluate-limit input").fill("4")
    page.locator("#evaluate-generation-max-new-tokens input").fill("6")
    page.locator("#evaluate-start").click()
    expect(page.locator("#evaluate-live h2")).to_contain_text("A small run and 1 other")
    page.reload()
    open_tab(page, "evaluate")
    expect(page.locator("#evaluate-scores tbody tr")).to_have_count(
        METRICS + 1, timeout=MINUTES
    )  # and what was trained
    expect(page.locator("#evaluate-live")).to_contain_text("test rows · greedy, at most 6 tokens")
    expect(page.locator("#evaluate-rows tbody tr")).to_have_count(4)
    expect(page.locator("#evaluate-scores thead th")).to_contain_text(["Metric", "Base", "A small run", "Its twin"])
    expect(page.locator("#evaluate-list li").first).to_contain_text("mine")
    newest = httpx.get(f"{app.url}playground/runs", params={"kind": "evaluation"}, timeout=30).json()["runs"][0]
    assert newest["phase"] == "done"


def test_an_evaluation_is_cancelled_by_its_owner(open_page: Opener, app: Server) -> None:
    page = open_page()
    open_tab(page, "evaluate")
    page.locator("#evaluate-run input").click()
    page.locator("#evaluate-run").get_by_role("option", name=re.compile("A run on many rows")).click()
    page.locator("#evaluate-start").click()
    page.locator("#evaluate-stop").click()
    expect(page.locator("#evaluate-live .pt-phase")).to_have_text("Stopped", timeout=MINUTES)
    expect(page.locator("#evaluate-stop")).to_be_hidden()
    expect(page.locator("#evaluate-scores")).to_have_count(0)
