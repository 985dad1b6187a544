"""Script planted wherever a text of somebody's is shown: it stays text, in every tab, in refusals and on phones."""

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from playground.ui.posted import NO_TEXT
from tests.browser.conftest import Opener, Server, Witness, running_app
from tests.browser.planted import (
    ALIVE,
    FIGURED,
    METRIC,
    NAMED,
    PLANTED,
    SHORT,
    Planted,
    harmless,
    hover,
    plant,
    plant_tour,
)
from tests.browser.test_data import upload
from tests.browser.test_journey import unfold, write
from tests.browser.test_shell import open_tab
from tests.browser.test_stage import on_stage, phone
from tests.browser.test_tour import owner_of

pytestmark = pytest.mark.browser

SOON, MINUTES = 3_000, 180_000
OPENINGS = 10
"""Times that a list is opened until it has come."""
LINK = {"model": NAMED, "prompt": PLANTED, "heat": SHORT, "reward": SHORT}
"""What stands behind the name of a view in its address."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def app(planted: Planted) -> Iterator[Server]:
    """An app of its own: what is planted would stand in the lists of all other tests."""
    with running_app(planted.model.parents[1], PLAYGROUND_MODEL=str(planted.model)) as running:
        running.wait_for("ready")
        yield running


def offered(page: Page, *fields: str, words: str = NAMED) -> None:
    """Lists to choose from have the planted runs, or other planted words, in them."""
    for field in fields:
        box = page.locator(f"#{field} input").first
        option = page.locator(f"#{field}").get_by_role("option", name=words).first
        for _ in range(OPENINGS):
            box.blur()
            box.click()
            with contextlib.suppress(AssertionError):
                expect(option).to_be_visible(timeout=SOON)
                break
            # It was opened before what is in it had come, and is drawn anew when it is opened.
        expect(option).to_be_visible()
        harmless(page)
        box.press("Escape")


def test_what_is_not_text_is_noticed(browser: Browser) -> None:
    lettered = "<text><tspan style='font-weight:bold'>n</tspan></text>"
    for unsafe in (
        SHORT, PLANTED, NAMED, METRIC.removeprefix(SHORT), "<svg onload=window.hurt=1>", f"<svg>{lettered}</svg>",
        "<a href='javascript:window.hurt=1'>x</a>", "<strong>n</strong>", "<i class=katex>x</i>",
    ):  # fmt: skip
        page = browser.new_page()
        page.set_content(f"<p>{unsafe}</p>")
        assert page.evaluate(ALIVE) is not None, unsafe
        page.close()


def test_the_runs_of_others_are_text(open_page: Opener, planted: Planted) -> None:
    page = open_page()
    expect(page.locator("#pp-chip")).to_contain_text(SHORT)
    open_tab(page, "history")
    table = page.locator("#history-table tbody")
    expect(table.locator("tr")).to_have_count(5 + len(FIGURED))
    expect(table).to_contain_text(NAMED)
    expect(table).to_contain_text(f"{SHORT}/model")
    for run in (planted.failed, planted.done):
        table.locator(f"tr[data-run='{run}'] input[type=checkbox]").check()
    page.locator("#history-compare").click()
    expect(page.locator("#history-metric")).to_contain_text(METRIC)
    hover(page, "#history-chart", 2)
    expect(page.locator("#history-chart .hoverlayer")).to_contain_text(NAMED)
    page.locator("#history-metric").select_option(METRIC)
    expect(page.locator("#history-chart .ytitle")).to_have_text(METRIC)
    expect(page.locator("#history-comparison .ph-legend")).to_contain_text(NAMED)
    for phase in ("failed", "done"):
        expect(page.locator("#history-comparison .ph-differences")).to_contain_text(f"/{phase}/{PLANTED}")
    expect(page.locator("#history-comparison .ph-differences thead")).to_contain_text(NAMED)
    harmless(page)
    page.locator("#history-delete").click()
    expect(page.locator("#history-dialog .ph-going")).to_contain_text(NAMED)
    harmless(page)
    page.keyboard.press("Escape")

    open_tab(page, "train")
    live = page.locator("#train-live")
    for place in range(2):
        page.locator("#train-runs li button").nth(place).click()
        expect(live).to_contain_text(f"reason {PLANTED}")
        for part in ("prompt", "answer", "reference", "log"):
            expect(live).to_contain_text(f"{part} {PLANTED}")
        expect(live.locator(".pp-name").first).to_have_text(NAMED)
        harmless(page)
    page.locator("#train-replay").click()
    expect(live.locator(".pt-replay")).to_be_visible()
    expect(live.locator(".pp-name").first).to_have_text(NAMED)
    harmless(page)
    for run in planted.figured:
        page.locator("#train-runs li button").filter(has_text=run).click()
        expect(live.locator(f".pp-name[title='{run}']")).to_have_text(NAMED)
        expect(live.locator(".pt-body")).to_contain_text('onerror="window.hurt=1">')
        harmless(page)


def test_every_list_of_runs_is_text(page: Page) -> None:
    page.locator("#model-source").get_by_text("One of my runs").click()
    offered(page, "model-run")
    open_tab(page, "distribution")
    offered(page, "distribution-run")
    page.locator("#distribution-view-rollouts-button").first.click()
    page.locator("#rollouts-reward-kinds").get_by_label("Reward model").check()
    offered(page, "rollouts-reward-reward_model")
    open_tab(page, "train")
    offered(page, "train-model")
    page.locator("#train-method").get_by_label("PPO", exact=True).check()
    page.locator("#train-reward-kinds").get_by_label("Reward model").check()
    offered(page, "train-reward-reward_model")
    open_tab(page, "compare")
    offered(page, "compare-run")
    offered(page, "compare-example", words=SHORT)
    page.locator("#compare-view-votes-button").first.click()
    offered(page, "votes-evaluation")
    page.locator("#votes-answers").get_by_text("of the loaded model").click()
    offered(page, "votes-contestants", "votes-questions")
    open_tab(page, "evaluate")
    offered(page, "evaluate-run", "evaluate-others", "evaluate-judge")
    page.locator("#evaluate-judging button").first.click()
    offered(page, "evaluate-judging-model")
    open_tab(page, "room")
    offered(page, "stage-run")
    offered(page, "stage-metric", words=METRIC)
    kind = page.locator("#stage-kind")
    kind.get_by_text("guess a token", exact=True).click()
    offered(page, "stage-model")
    kind.get_by_text("vote on answers", exact=True).click()
    offered(page, "stage-evaluation")


def test_an_evaluation_and_its_votes_are_text(open_page: Opener, planted: Planted) -> None:
    page = open_page()
    open_tab(page, "evaluate")
    page.locator("#evaluate-list li button").first.click()
    expect(page.locator("#evaluate-rows tbody tr")).to_have_count(3)
    expect(page.locator("#evaluate-live")).to_contain_text(NAMED)
    expect(page.locator("#evaluate-rows")).to_contain_text(SHORT)
    for judge in (METRIC, NAMED):
        expect(page.locator("#evaluate-live .pe-judge h3").filter(has_text=judge).first).to_be_attached()
    expect(page.locator("#evaluate-live .pe-raw")).to_contain_text(f"reply {PLANTED}")
    expect(page.locator("#evaluate-live .pe-confused thead")).to_contain_text(NAMED)
    harmless(page)
    page.locator("#evaluate-rows-metric").select_option("judge_1")
    for figure, axis in (("rows", "ytitle"), ("differences", "xtitle")):
        expect(page.locator(f"#evaluate-plot-{figure} .{axis}")).to_contain_text(METRIC)
    expect(page.locator("#evaluate-plot-rows .ytitle")).to_contain_text(NAMED)
    harmless(page)
    hover(page, "#evaluate-plot-rows", 1)
    expect(page.locator("#evaluate-plot-rows .hoverlayer")).to_contain_text('onerror="window.hurt=1"><script>')
    harmless(page)
    voter = open_page(f"#votes?evaluation={planted.evaluation}")
    expect(voter.locator("#votes-left")).to_be_visible()
    expect(voter.locator("#votes-arena")).to_contain_text(PLANTED)
    expect(voter.locator("#votes-arena .pp-panel")).to_have_attribute("data-state", "open")
    voter.keyboard.press("1")
    expect(voter.locator("#votes-strengths")).to_contain_text(NAMED)
    expect(voter.locator("#votes-table .pv-mine")).to_contain_text(PLANTED)
    for state in ("failed", "done"):
        expect(voter.locator(f".pl-lesson[data-state={state}] h3")).to_contain_text(NAMED)
    expect(voter.locator(".pl-lesson[data-state=failed]")).to_contain_text(f"reason {PLANTED}")
    expect(voter.locator(".pl-lesson[data-state=done] .pl-rates")).to_contain_text(NAMED)
    harmless(voter)


def test_what_a_model_reads_and_writes_is_text(open_page: Opener, planted: Planted) -> None:
    page = open_page(f"#distribution?{urlencode(LINK)}")
    expect(page.locator("#tab-distribution")).to_contain_text(NAMED)
    harmless(page)
    write(page, "distribution-prompt", PLANTED)
    page.locator("#distribution-show").click()
    picture = page.locator("#distribution-picture")
    expect(picture).to_contain_text("onerror")
    expect(picture.locator(".pgd").first).to_have_attribute("data-state", "ready")
    harmless(page)
    page.locator("#distribution-view-rollouts-button").first.click()
    page.locator("#rollouts-count input").fill("8")
    page.locator("#rollouts-start").click()
    expect(page.locator("#rollouts-picture [data-fact=drawn]")).to_have_text("8", timeout=MINUTES)
    expect(page.locator("#rollouts-picture table").first).to_be_visible()
    harmless(page)
    page.locator("#distribution-view-beam-button").first.click()
    page.locator("[data-action=search]").click()
    expect(page.locator(".pgb-status")).to_contain_text("Done:", timeout=MINUTES)
    harmless(page)

    open_tab(page, "compare")
    expect(page.locator("#compare-run input")).not_to_have_value("")  # the list has come
    page.locator("#compare-run input").click()
    page.get_by_role("option", name=planted.tuned).click()
    write(page, "compare-prompt", PLANTED)
    page.locator("#compare-generation-max-new-tokens input").fill("6")
    page.locator("#compare-start").click()
    expect(page.locator("#compare-answers .pc-state")).to_have_text("Done", timeout=MINUTES)
    harmless(page)
    page.locator("#compare-view-chat-button").first.click()
    page.locator("#chat-input").fill(PLANTED)
    page.locator("#chat-input").press("Enter")
    expect(page.locator(".pch-turn").last).to_have_attribute("data-state", "done", timeout=MINUTES)
    expect(page.locator(".pch-log")).to_contain_text(PLANTED)
    page.locator("#compare-view-shift-button").first.click()
    page.locator("#shift-start").click()
    expect(page.locator("#shift-picture .pgs")).to_have_attribute("data-work", "done", timeout=MINUTES)
    harmless(page)
    page.locator("#compare-view-adapter-button").first.click()
    expect(page.locator("#compare-adapter h3")).to_contain_text(NAMED)
    harmless(page)

    open_tab(page, "evaluate")
    page.locator("#score button").first.click()
    page.locator("#score-run input").click()
    page.get_by_role("option", name=planted.judge).click()
    write(page, "score-prompt", PLANTED)
    write(page, "score-answer", PLANTED)
    page.locator("#score-start").click()
    expect(page.locator("#score-picture .pt-score-total")).to_contain_text(NAMED)
    expect(page.locator("#score-picture .pt-token").filter(has_text="onerror").first).to_be_visible()
    harmless(page)


def test_data_of_somebody_is_text(open_page: Opener, tmp_path: Path) -> None:
    page = open_page()
    path = tmp_path / f"{SHORT} $x$.json"
    rows = [{"instruction": PLANTED, "output": f"{PLANTED} {n}", PLANTED: PLANTED} for n in range(9)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    open_tab(page, "data")
    upload(page, path)
    expect(page.locator(".pda-fields dd").first).to_have_text(PLANTED)
    expect(page.locator(".pda-tokens .pda-token").last).to_have_text(SHORT.replace(" ", "·"))
    harmless(page)
    page.locator("#data-mapping-open").click()
    expect(page.locator(".pda-table")).to_contain_text(PLANTED)
    harmless(page)
    page.locator("#data-train").click()
    expect(page.locator("#train-source input")).to_have_value(re.compile("onerror"))
    harmless(page)


def test_refusals_are_text(open_page: Opener, tmp_path: Path, witness: Witness) -> None:
    witness.allowed.append("status of 500")  # Gradio's way to bring a refusal past the queue
    page = open_page(f"#votes?{urlencode({'evaluation': SHORT})}")
    expect(page.locator("#votes-problem")).to_contain_text(SHORT)
    harmless(page)
    open_tab(page, "model")
    page.locator("#model-source").get_by_text("folder").first.click()
    write(page, "model-folder", f"/nowhere/{PLANTED}")
    expect(page.locator("#model-choice .pp-error")).to_contain_text(PLANTED)
    harmless(page)
    page.locator("#model-source").get_by_text("Hub").click()
    write(page, "model-hub", SHORT)
    page.locator("#model-load").click()
    expect(page.locator("#tab-model, .toast-body").filter(has_text=SHORT).first).to_be_visible()
    harmless(page)
    open_tab(page, "history")
    file = tmp_path / f"{SHORT}.json"
    file.write_text(json.dumps({PLANTED: 1}), encoding="utf-8")
    with page.expect_file_chooser() as asked:
        page.locator("#history-import").click()
    asked.value.set_files(file)
    expect(page.locator("#history-problem .pp-error")).to_contain_text(PLANTED)
    harmless(page)
    open_tab(page, "train")
    unfold(page, "rows")
    write(page, "train-data-split", PLANTED)
    page.locator("#train-data-look").click()
    expect(page.locator(".toast-body").first).to_contain_text(SHORT)
    harmless(page)


@pytest.mark.parametrize("view", ["rollouts", "beam"])
def test_what_a_link_brings_along_is_text(open_page: Opener, view: str) -> None:
    page = open_page(f"#{view}?{urlencode(LINK | {'run': SHORT})}")
    expect(page.locator("#distribution-prompt textarea")).to_have_value(PLANTED)
    expect(page.locator("#tab-distribution")).to_contain_text(NAMED)
    harmless(page)


def test_a_tour_and_what_is_on_stage_is_text(open_page: Opener, app: Server, planted: Planted) -> None:
    host, seen = open_page(), phone(open_page)
    plant_tour(app.home, owner_of(host), planted.failed)
    host.evaluate("localStorage.setItem('playground-tour', JSON.stringify({open: true, at: 1}))")
    host.reload()
    expect(host.locator("#shell-tour")).to_contain_text(f"reason {PLANTED}")
    harmless(host)
    host.evaluate("localStorage.setItem('playground-tour', JSON.stringify({open: true, at: 7}))")
    host.reload()
    expect(host.locator(".pp-tour-outcome tbody tr")).to_have_count(7)
    expect(host.locator("#shell-tour")).to_contain_text(f"reason {PLANTED}")
    harmless(host)
    open_tab(host, "room")
    on_stage(host, "a run's curve")
    hall = phone(open_page, "room?hall", width=1280)
    for page in (seen, hall):
        expect(page.locator("h1")).to_have_text(NAMED)
    host.locator("#stage-metric input").click()
    host.get_by_role("option", name=METRIC).click()
    host.locator("#stage-show").click()
    for page in (seen, hall):
        expect(page.locator(".latest-name")).to_have_text(METRIC)
        harmless(page)
    on_stage(host, "vote on answers")
    expect(seen.locator("#vote-left")).to_be_visible()
    for page in (seen, hall):
        expect(page.locator("body")).to_contain_text(PLANTED)
        harmless(page)
    host.locator("#stage-close").click()
    host.locator("#stage-reveal").click()
    for page in (seen, hall):
        expect(page.locator(".name").filter(has_text=NAMED)).to_be_visible()
        harmless(page)
    host.locator("#stage-kind").get_by_text("guess a token", exact=True).click()
    write(host, "stage-prompt", PLANTED)
    host.locator("#stage-show").click()
    for page in (seen, hall):
        expect(page.locator(".asked")).to_contain_text(PLANTED)
        expect(page.locator(".option")).to_have_count(6)
        expect(page.locator(".note").filter(has_text=SHORT)).to_be_visible()
        harmless(page)
    host.locator("#stage-draw").click()
    for page in (seen, hall):
        expect(page.locator(".row.won")).to_be_visible()
        harmless(page)
    harmless(host)


def test_half_a_character_is_refused_at_the_door(app: Server) -> None:
    """Gradio would end the stream of answers of whoever posts it."""
    body = rb'{"fn_index": 0, "data": ["\ud800"], "session_hash": "here"}'
    for way in ("queue/join", "run/predict", "component_server"):
        headers = {"content-type": "application/json"}
        answer = httpx.post(f"{app.url}gradio_api/{way}", content=body, headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["error"]) == (400, NO_TEXT)


def test_a_header_without_end_is_refused(app: Server) -> None:
    """uvicorn would keep all of it where httptools is installed, and the app's memory with it."""
    address = urlsplit(app.url)
    with socket.create_connection((str(address.hostname), address.port), timeout=60) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nX-Long: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                line.sendall(b"a" * 2**16)
        with contextlib.suppress(ConnectionError):
            assert line.recv(2**16).split(b" ")[1:2] in ([], [b"400"], [b"431"])
    assert httpx.get(f"{app.url}playground/status", timeout=60).status_code == 200
