"""The History tab in a real page: found, renamed, compared, watched, taken up again, imported and deleted."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from playground.config import codec
from playground.config.presets import ready
from playground.config.run import RunConfig, RunRef
from playground.jobs.submission import in_words
from playground.runs.checkpoints import writing
from playground.runs.events import Event, Metric, Phase, PhaseChange
from playground.runs.locks import hold
from playground.runs.store import RunStore
from tests.browser.accessibility import serious_violations
from tests.browser.conftest import VIEWS, Opener, Server, Witness, running_app
from tests.browser.test_shell import SETTLED, open_tab
from tests.ui.evaluations import HOSTILE, finished_evaluation

pytestmark = pytest.mark.browser

CONFIG = ready("tiny-sft")
OTHERS = 28
"""Runs beside the named ones: more than a page."""


@dataclass
class Home:
    """An app and the store that it looks at; `first` and `second` are comparable, `base` has `above` on it."""

    server: Server
    store: RunStore
    first: str
    second: str
    base: str
    above: str
    evaluation: str


def finished(store: RunStore, name: str, loss: float, config: RunConfig = CONFIG) -> str:
    """A run of five steps that ended, with a checkpoint of a megabyte."""
    run = store.create("run", codec.encode(config), method="sft", model=in_words(config.model), name=name, owner="")
    points: list[Event] = [
        Metric(step, {"loss": loss + 1 / step, "eval_loss": loss + 2 / step}, time=100.0 + 10 * step)
        for step in range(1, 6)
    ]
    started = [PhaseChange(Phase.PREPARING, time=100.0), PhaseChange(Phase.RUNNING, time=105.0)]
    store.append(run, [*started, *points, PhaseChange(Phase.DONE, time=160.0)])
    with writing(store.folder(run), 5, {}) as partial:
        (partial / "checkpoint-5").mkdir()
        (partial / "checkpoint-5" / "weights").write_bytes(b"1" * 1_000_000)
    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("history")
    store = RunStore(folder)
    for number in range(OTHERS):
        store.finish(
            store.create("run", codec.encode(CONFIG), method="sft", model="tiny", name=f"Other {number}", owner=""),
            Phase.FAILED,
        )
    base = finished(store, "Base", 3.0)
    above = finished(store, "On the base", 2.5, replace(CONFIG, model=RunRef(base)))
    first = finished(store, HOSTILE, 2.0)
    second = finished(store, "Second", 1.0, replace(CONFIG, training=replace(CONFIG.training, max_steps=77)))
    evaluation = finished_evaluation(store, second, rows=5)
    with running_app(folder, PLAYGROUND_MODEL="none") as server:
        yield Home(server, store, first, second, base, above, evaluation)
    store.close()


@pytest.fixture
def visit(browser: Browser, witness: Witness, home: Home) -> Iterator[Opener]:
    opener = Opener(browser, witness, home.server.url)
    yield opener
    for context in opener.contexts:
        context.close()


def opened(visit: Opener, **options: object) -> Page:
    page = visit(**options)  # type: ignore[arg-type]
    open_tab(page, "history")
    expect(page.locator("#history-table tbody tr").first).to_be_visible()
    return page


def row(page: Page, run: str) -> Locator:
    return page.locator(f"#history-table tr[data-run='{run}']")


def tick(page: Page, *runs: str) -> None:
    for run in runs:
        row(page, run).locator("input[type=checkbox]").check()


def names(page: Page) -> list[str]:
    return page.locator("#history-table tbody .ph-open").all_inner_texts()


def column(page: Page, name: str) -> list[str]:
    return page.locator(f"#history-table tbody .ph-{name}").all_inner_texts()


def test_runs_are_found_sorted_and_turned_through(visit: Opener, home: Home) -> None:
    page = opened(visit)
    count = page.locator("#history-count")
    expect(count).to_contain_text(f"1–25 of {OTHERS + 5}, ")
    expect(page.locator(".ph-total")).to_contain_text(f"{OTHERS + 4} runs and 1 evaluation take 4.0 MB of disk")
    expect(row(page, home.evaluation)).to_contain_text(re.compile(r"BLEU \d+\.\d → \d+\.\d.*Evaluation.*run Second"))
    page.locator("#history-next").click()
    expect(count).to_contain_text("26–33 of 33")
    page.locator("#history-search").fill("oTHER 1")
    expect(count).to_contain_text("1–11 of 11")
    page.locator("#history-phase").select_option("done")
    expect(page.get_by_text("Nothing here fits the filters above.")).to_be_visible()
    page.locator("#history-search").fill("")
    page.locator("#history-kind").select_option("run")
    head = page.locator("#history-table th.ph-loss")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert column(page, "loss") == ["1.2", "2.2", "2.7", "3.2"]
    head.get_by_role("button").press("Enter")
    assert column(page, "loss") == ["3.2", "2.7", "2.2", "1.2"]
    assert column(page, "headline") == [f"{shown}\nval. loss" for shown in ("3.4", "2.9", "2.4", "1.4")]
    page.locator("#history-whose").select_option("mine")
    expect(count).to_be_hidden()
    page.locator("#history-whose").select_option("all")
    rename_in_place(page, home)


def rename_in_place(page: Page, home: Home) -> None:
    title = row(page, home.first).locator(".ph-open")
    expect(title).to_have_text(HOSTILE)
    row(page, home.first).locator(".ph-pencil").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("이름 & <b>more</b>")
    page.wait_for_timeout(3500)  # a refresh comes in between
    page.keyboard.press("Enter")
    expect(page.locator(".ph-said")).to_have_text("Renamed.")
    expect(row(page, home.first).locator(".ph-pencil")).to_be_focused()
    assert home.store.get(home.first).name == "이름 & <b>more</b>"
    tick(page, home.first)
    page.locator("#history-rename").click()
    page.keyboard.type("Never kept")
    page.keyboard.press("Escape")
    expect(title).to_have_text("이름 & <b>more</b>")
    assert page.evaluate("window.hurt") is None


def test_two_runs_side_by_side(visit: Opener, home: Home) -> None:
    page = opened(visit)
    tick(page, home.first)
    expect(page.locator("#history-compare")).to_be_disabled()
    tick(page, home.second)
    page.locator("#history-compare").click()
    chart = page.locator("#history-chart")
    expect(chart.locator(".scatterlayer .trace")).to_have_count(2)
    dashes = chart.locator(".scatterlayer .js-line").evaluate_all("all => all.map(one => one.style.strokeDasharray)")
    assert dashes[0] != dashes[1]
    legend = page.locator(f".ph-legend tr[data-run='{home.second}'] td")
    expect(legend).to_have_text(["1.2", "1.2", "2"])
    page.locator("#history-metric").select_option("eval_loss")
    expect(legend).to_have_text(["1.4", "1.4", "3"])
    page.locator("#history-across").select_option("seconds")
    expect(chart.locator(".xtitle")).to_have_text("Seconds of work")
    with page.expect_download() as found:
        page.locator("#history-csv").click()
    points = list(csv.DictReader(io.StringIO(found.value.path().read_text("utf-8-sig"), newline="")))
    assert [(one["step"], one["seconds"]) for one in points if one["run"] == home.second][:2] == [
        ("1", "10.000"), ("2", "20.000"),
    ]  # fmt: skip
    settings = page.locator(".ph-differences tbody tr")
    expect(settings).to_have_count(1)
    expect(settings).to_have_attribute("data-path", "training.max_steps")
    expect(settings.locator("td")).to_have_text([str(CONFIG.training.max_steps), "77"])
    page.locator("#history-settings-all").check()
    assert settings.count() > 20
    tick(page, home.base)
    expect(chart.locator(".scatterlayer .trace")).to_have_count(3)
    expect(page.locator(".ph-differences")).to_have_count(0)
    watch_a_live_one(page, home)


def watch_a_live_one(page: Page, home: Home) -> None:
    store = home.store
    page.locator("#history-metric").select_option("loss")
    run = store.create("run", codec.encode(CONFIG), method="sft", model="tiny", name="Going on", owner="")
    with hold(store.lock_path(run)):
        store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING), Metric(1, {"loss": 4.0})])
        tick(page, run)
        expect(row(page, run)).to_contain_text("Running")
        legend = page.locator(f".ph-legend tr[data-run='{run}'] td")
        expect(legend.first).to_have_text("4")
        row(page, run).locator("input[type=checkbox]").focus()
        store.append(run, [Metric(2, {"loss": 3.5})])
        expect(legend.first).to_have_text("3.5")
        expect(row(page, run).locator(".ph-loss")).to_have_text("3.5")
        expect(row(page, run).locator("input[type=checkbox]")).to_be_focused()
        expect(row(page, run).locator("input[type=checkbox]")).to_be_checked()
        expect(row(page, run).locator(".ph-seconds")).not_to_have_text(
            row(page, run).locator(".ph-seconds").inner_text()
        )
        page.locator("#history-delete").click()
        expect(page.locator("#history-dialog .pp-error")).to_contain_text("Going on stays: it is in phase “Running”")
        page.keyboard.press("Escape")
        expect(page.locator("#history-dialog")).to_be_hidden()
        store.finish(run, Phase.STOPPED)
    expect(row(page, run)).to_contain_text("Stopped")


def test_settings_go_to_the_form_from_a_run_and_from_a_file(visit: Opener, home: Home, tmp_path: Path) -> None:
    page = opened(visit)
    tick(page, home.above)
    page.locator("#history-use").click()
    model = page.locator("#train-model input")
    expect(model).to_have_value(f"Base · {home.base}")
    # All settings are read, down to the base's weights, which it has never had.
    expect(page.locator("#train-estimate .pp-error")).to_contain_text(f"Run {home.base} left no weights")
    open_tab(page, "history")
    file = tmp_path / "config.json"
    file.write_text('{"training": {"max_steps": 0, "batch": 2}, "date": 1}')
    import_file(page, file)
    problem = page.locator("#history-problem .pp-error")
    for part in ("date is not a setting", "training.batch is not a setting", "training.max_steps must be at least 1"):
        expect(problem).to_contain_text(part)
    file.write_text(json.dumps(codec.encode(replace(CONFIG, name="Out of a file"))))
    import_file(page, file)
    expect(page.locator("#train-name").locator("input, textarea")).to_have_value("Out of a file")
    expect(model).to_have_value("Tiny")
    page.wait_for_timeout(1000)  # whatever else arrives late must not change it back
    expect(model).to_have_value("Tiny")
    look_at(page, home)


def import_file(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as asked:
        page.locator("#history-import").click()
    asked.value.set_files(file)


def look_at(page: Page, home: Home) -> None:
    open_tab(page, "history")
    row(page, home.second).locator(".ph-open").click()
    expect(page.locator("#train-live .pp-name")).to_have_text("Second")
    open_tab(page, "history")
    row(page, home.evaluation).locator(".ph-open").click()
    expect(page.locator("#evaluate-scores tbody tr")).to_have_count(9)


@VIEWS
def test_everyone_can_read_the_history(visit: Opener, home: Home, width: int, dark: bool) -> None:
    page = opened(visit, width=width, dark=dark)
    tick(page, home.first, home.second)
    page.locator("#history-compare").click()
    expect(page.locator("#history-chart .main-svg").first).to_be_visible()
    expect(page.locator(".ph-differences tbody tr")).to_have_count(1)
    page.wait_for_function(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_violations(page) == []


def test_disk_comes_back_last_of_all(visit: Opener, home: Home) -> None:
    page = opened(visit)
    tick(page, home.second)
    page.locator("#history-free").click()
    expect(page.locator("#history-dialog")).to_contain_text("1.0 MB of disk come back.")
    page.locator("#history-dialog-do").click()
    expect(page.locator(".ph-said")).to_have_text("1.0 MB of disk came back.")
    expect(row(page, home.second).locator(".ph-bytes")).to_have_text(re.compile(r"^\d KB$"))
    expect(page.locator("#history-free")).to_be_disabled()
    tick(page, home.base)
    page.locator("#history-delete").click()
    dialog = page.locator("#history-dialog")
    expect(dialog.locator(".ph-going li")).to_have_text([re.compile("^Second")])
    expect(dialog.locator(".pp-error")).to_have_text("Base stays: On the base needs it. Delete that first.")
    expect(dialog).to_contain_text("These evaluations stay, with their answers and scores: A run on test.")
    page.locator("#history-dialog-do").click()
    expect(page.locator(".ph-said")).to_contain_text("1 deleted")
    expect(row(page, home.second)).to_have_count(0)
    expect(row(page, home.evaluation)).to_contain_text(f"run {home.second}, deleted")
    assert not (home.store.home / "runs" / home.second).exists()
    tick(page, home.base, home.above)
    page.locator("#history-delete").click()
    expect(dialog.locator(".ph-going li")).to_have_count(2)
    page.locator("#history-dialog-do").click()
    expect(page.locator(".ph-said")).to_contain_text("2 deleted; 2.0 MB of disk came back.")
    assert not {home.base, home.above} & {record.id for record in home.store.list(limit=-1)}
