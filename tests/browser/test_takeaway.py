"""Taking a run away in the real page: files at a click, and a push to a stand-in of the Hub."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from playground.runs.store import RunStore
from tests.browser.accessibility import serious_violations
from tests.browser.conftest import Opener, Server, Witness, running_app
from tests.browser.test_shell import SETTLED, open_tab
from tests.evaluation.finished_runs import data_file, finished_run
from tests.hub_server import StandIn, serve
from tests.small_models import make_model

pytestmark = pytest.mark.browser

TOKEN = "hf_aSecretThatNobodyMayEverSee"  # noqa: S105  # of the stand-in
NAME = 'Mine <b>"α"</b>'


@pytest.fixture(scope="module")
def hub() -> Iterator[StandIn]:
    with serve() as stand_in:
        stand_in.writers[TOKEN] = "ann"
        yield stand_in


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, hub: StandIn) -> Iterator[Server]:
    """The app without a model, and a run on a small one that left an adapter."""
    home = tmp_path_factory.mktemp("takeaway")
    store = RunStore(home)
    finished_run(store, make_model("llama", home / "llama"), data_file(home), name=NAME)
    store.close()
    with running_app(home, PLAYGROUND_MODEL="none", HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="0") as running:
        yield running


@pytest.fixture
def visit(browser: Browser, witness: Witness, app: Server) -> Iterator[Opener]:
    opener = Opener(browser, witness, app.url)
    yield opener
    for context in opener.contexts:
        context.close()


def opened(visit: Opener, **options: object) -> Page:
    page = visit(**options)  # type: ignore[arg-type]
    open_tab(page, "train")
    expect(page.locator("#takeaway li")).to_have_count(0)
    page.locator("#train-runs li button").first.click()
    expect(page.locator("#takeaway li")).to_have_count(6)
    return page


def saved(page: Page, what: str) -> tuple[str, bytes]:
    with page.expect_download() as found:
        page.locator(f"#takeaway-{what}").click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def test_a_run_goes_to_the_disk_and_to_the_hub(visit: Opener, app: Server, hub: StandIn, witness: Witness) -> None:
    page = opened(visit)
    expect(page.locator("#takeaway-merged")).to_contain_text("Merged model")
    expect(page.locator("#takeaway-merged")).to_contain_text("about")
    name, content = saved(page, "config")
    assert re.fullmatch(r"Mine-b-α-b-sft-\w+-config\.json", name)
    assert json.loads(content)["name"] == NAME
    name, content = saved(page, "script")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {Path(entry).name for entry in archive.namelist()} >= {"script.py", "train.jsonl", "model.safetensors"}
    expect(page.locator("#takeaway .pa-ready")).to_contain_text(name)

    witness.reload(page)
    open_tab(page, "train")
    expect(page.locator("#takeaway li")).to_have_count(6)
    page.locator("#takeaway-hub button").first.click()
    page.locator("#takeaway-repository input").fill("ann/tuned")
    page.locator("#takeaway-token input").fill(TOKEN)
    assert page.locator("#takeaway-token input").get_attribute("type") == "password"
    page.locator("#takeaway-push").click()
    expect(page.locator("#takeaway-pushed a")).to_have_text(f"{hub.url}/ann/tuned", timeout=120_000)
    expect(page.locator("#takeaway-token input")).to_have_value("")
    assert {"README.md", "model.safetensors", "tokenizer.json"} <= set(hub.pushed["ann/tuned"].files)
    assert hub.pushed["ann/tuned"].private
    assert TOKEN not in json.dumps(page.evaluate("({...localStorage, ...sessionStorage})"))
    kept = [path for path in app.home.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert kept == []


def test_a_push_that_is_refused_says_why_in_the_page(visit: Opener) -> None:
    page = opened(visit, width=390, dark=True, locale="ko-KR")
    page.locator("#takeaway-hub button").first.click()
    page.locator("#takeaway-repository input").fill("ann/tuned")
    page.locator("#takeaway-token input").fill("hf_somebody_else")
    page.locator("#takeaway-push").click()
    expect(page.locator("#takeaway-pushed .pp-error")).to_contain_text("Hub가 이 토큰을 알지 못합니다", timeout=120_000)
    expect(page.locator("#takeaway-push")).to_be_enabled()
    page.wait_for_function(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious_violations(page, "#takeaway, #takeaway-hub") == []
