"""A run whose worker is killed goes on at a click, on the same curve, in every page that shows it."""

from collections.abc import Iterator
from typing import Any

import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener, Server, running_app
from tests.evaluation.finished_runs import data_file
from tests.jobs.conftest import workers_of
from tests.small_models import make_model
from tests.waiting import wait_until

pytestmark = pytest.mark.browser

STEPS = 150
LONG = 120_000


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app as its host has it, without a model; a small one and data are in its home."""
    home = tmp_path_factory.mktemp("resume")
    make_model("llama", home / "llama")
    data_file(home)
    with running_app(home, PLAYGROUND_MODEL="none") as running:
        yield running


def steps_on(page: Page) -> list[int]:
    """The steps of the points that the chart of the loss shows."""
    script = "() => [...document.getElementById('train-chart-loss')?.data?.[0]?.x ?? []]"
    found: list[int] = page.evaluate(script)
    return found


def look(open_page: Opener, name: str) -> Page:
    """A page that looks at a run."""
    page = open_page()
    page.get_by_role("tab", name="Train", exact=True).click()
    page.locator(".pt-run", has_text=name).first.click()
    return page


def test_a_killed_run_is_resumed_at_a_click(open_page: Opener, app: Server) -> None:
    config: dict[str, Any] = {
        "name": "to be killed",
        "model": str(app.home / "llama"),
        "data": {"source": str(app.home / "rows.json"), "template": "instruction-response", "split": [0.5, 0.5]},
        "training": {"max_steps": STEPS, "batch_size": 2, "eval_steps": 0, "sample_steps": 30, "save_steps": 20},
    }
    client = Client(app.url, verbose=False)
    run = client.predict(config=config, api_name="/start_run")["run"]
    wait_until(lambda: client.predict(run=run, api_name="/run_status")["steps"] > 30, 300, "some steps")
    (worker,) = workers_of(app.process.pid)
    worker.suspend()  # it would be done before two pages are open
    page, other = look(open_page, "to be killed"), look(open_page, "to be killed")
    wait_until(lambda: len(steps_on(page)) > 30, 300, "some points")
    expect(page.locator("#train-resume")).to_be_hidden()
    worker.kill()
    for watching in (page, other):
        expect(watching.locator("#train-live .pt-phase").first).to_have_text("Failed", timeout=LONG)
        expect(watching.locator("#train-resume")).to_be_visible()
    expect(page.locator("#train-live .pt-reason")).to_contain_text("The last checkpoint is of step")
    page.locator("#train-resume").click()
    for watching in (page, other):
        expect(watching.locator("#train-live .pt-phase").first).to_have_text("Done", timeout=LONG)
        wait_until(lambda: steps_on(page) == list(range(1, STEPS + 1)), 30, "the whole curve")
        expect(watching.locator("#train-resume")).to_be_hidden()
        expect(watching.locator("#train-stop")).to_be_hidden()
    assert steps_on(other) == list(range(1, STEPS + 1))
    expect(page.locator("#train-samples-step")).to_have_attribute("max", str(STEPS // 30))
