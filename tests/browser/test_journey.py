"""The whole way on the real model: load, look, tune, reload in mid-run, compare, score."""

import json

import httpx
import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import Opener, Server
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.real, pytest.mark.timeout(1500)]

LONG = 600_000
"""Milliseconds that a short run on the real model may take on a machine that does other things too."""


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def fill(page: Page, field: str, value: str) -> None:
    write(page, f"train-{field}", value)


def write(page: Page, field: str, value: str) -> None:
    """Types into a field of any tab, and leaves it."""
    box = page.locator(f"#{field} input, #{field} textarea").first
    box.fill(value)
    box.press("Tab")


def unfold(page: Page, fold: str) -> None:
    page.locator(f"#train-fold-{fold} button").first.click()


def points(page: Page, chart: str, series: int = 0) -> int:
    """How many points a chart shows."""
    script = "([id, at]) => document.getElementById(id)?.data?.[at]?.x.length ?? 0"
    return int(page.evaluate(script, [f"train-chart-{chart}", series]))


def start_from(page: Page, point: str) -> None:
    page.locator("#train-preset input").click()
    page.get_by_role("option", name=point).click()


def set_up_short_run(page: Page, name: str, steps: int) -> None:
    open_tab(page, "Train")
    start_from(page, "SmolLM2 · instructions")
    expect(page.locator("#train-model input")).to_have_value("SmolLM2 135M Instruct")
    fill(page, "training-max-steps", str(steps))
    fill(page, "training-batch-size", "2")
    unfold(page, "optimiser")
    fill(page, "training-max-length", "96")
    unfold(page, "watch")
    fill(page, "training-eval-steps", "5")
    fill(page, "training-eval-rows", "4")
    fill(page, "training-sample-steps", "5")
    fill(page, "training-sample-tokens", "8")
    fill(page, "name", name)


def run_id(server: Server, name: str) -> str:
    rows = httpx.get(f"{server.url}playground/runs", timeout=30).json()["runs"]
    return next((str(row["run"]) for row in rows if row["name"] == name), "")


def test_load_look_tune_compare_score(open_page: Opener, server: Server) -> None:
    server.wait_for("ready")
    page = open_page()

    open_tab(page, "Distribution")
    page.locator("#distribution-prompt textarea").fill("The capital of France is")
    page.locator("#distribution-show").click()
    expect(page.locator(".pgd")).to_contain_text("Paris")

    set_up_short_run(page, "the journey", steps=10)
    page.locator("#train-start").click()
    wait_until(lambda: bool(run_id(server, "the journey")), 60)
    run = run_id(server, "the journey")
    expect(page.locator("#train-live .pt-phase")).to_have_text("Running", timeout=LONG)
    wait_until(lambda: points(page, "loss") >= 2, 600)

    page.reload()
    open_tab(page, "Train")
    expect(page.locator("#train-live .pp-name").first).to_have_text("the journey")
    wait_until(lambda: points(page, "loss") >= 2, 60)
    expect(page.locator("#train-live .pt-phase")).to_have_text("Done", timeout=LONG)
    wait_until(lambda: points(page, "loss") == 10, 30)
    assert points(page, "loss", series=1) == 3  # validation before training, at 5 and at 10
    assert points(page, "gradient") == points(page, "rate") == points(page, "speed") == points(page, "memory") == 10
    assert points(page, "accuracy") == 10
    slider = page.locator("#train-samples-step")
    expect(slider).to_have_attribute("max", "2")  # answers before training, at 5 and at 10
    expect(page.locator(".pt-sample")).to_have_count(3)
    config = json.loads((server.home / "runs" / run / "config.json").read_text())
    assert config["training"]["max_steps"] == 10
    assert (server.home / "runs" / run / "adapter" / "adapter_model.safetensors").is_file()

    open_tab(page, "Compare")
    expect(page.locator("#compare-run input")).to_have_value(f"the journey · {run}")
    page.locator("#compare-prompt textarea").fill("Name a colour of the rainbow.")
    fields = page.locator("#compare-generation-max-new-tokens input")
    fields.fill("8")
    page.locator("#compare-start").click()
    expect(page.locator("#compare-answers .pc-state")).to_have_text("Done", timeout=LONG)
    assert page.locator("#compare-base").inner_text().strip()
    assert page.locator("#compare-tuned").inner_text().strip()


def test_zoom_survives_stop_keeps_an_adapter_and_two_tabs_see_the_same(open_page: Opener, server: Server) -> None:
    server.wait_for("ready")
    page = open_page()
    set_up_short_run(page, "stopped early", steps=500)
    page.locator("#train-start").click()
    expect(page.locator("#train-live .pt-phase")).to_have_text("Running", timeout=LONG)
    wait_until(lambda: points(page, "loss") >= 1, 600)
    seen = points(page, "loss")
    page.evaluate("() => Plotly.relayout('train-chart-loss', {'xaxis.range': [0.25, 1.5]})")
    wait_until(lambda: points(page, "loss") > seen, 600)
    assert page.evaluate("() => document.getElementById('train-chart-loss').layout.xaxis.range") == [0.25, 1.5]
    second = page.context.new_page()
    second.goto(server.url)
    open_tab(second, "Train")
    expect(second.locator("#train-live .pp-name").first).to_have_text("stopped early")
    wait_until(lambda: points(second, "loss") >= 1, 60)
    page.locator("#train-stop").click()
    expect(page.locator("#train-live .pt-phase")).to_have_text("Stopped", timeout=LONG)
    expect(second.locator("#train-live .pt-phase")).to_have_text("Stopped", timeout=60_000)
    folder = server.home / "runs" / run_id(server, "stopped early")
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    expect(page.locator("#train-stop")).to_be_hidden()


def test_the_list_of_runs_gives_no_secrets_away(open_page: Opener, server: Server) -> None:
    rows = httpx.get(f"{server.url}playground/runs", timeout=30).json()["runs"]
    assert rows
    assert all(not set(row) & {"key", "session", "document"} for row in rows)
    assert str(server.home) not in json.dumps(rows)


def test_a_form_that_cannot_be_a_run_says_so_beside_the_button(open_page: Opener, server: Server) -> None:
    server.wait_for("ready")
    page = open_page()
    open_tab(page, "Train")
    fill(page, "training-learning-rate", "-1")
    expect(page.locator("#train-estimate .pp-error")).to_contain_text("training.learning_rate must be above 0; got -1")
    page.locator("#train-start").click()
    expect(page.locator("#train-estimate .pp-error")).to_contain_text("must be above 0")


def test_an_uploaded_file_that_is_broken_fails_with_its_row(open_page: Opener, server: Server) -> None:
    server.wait_for("ready")
    page = open_page()
    open_tab(page, "Train")
    broken: FilePayload = {
        "name": "broken.json",
        "mimeType": "application/json",
        "buffer": b'[{"instruction": "a", "output": ]',
    }
    with page.expect_file_chooser() as chosen:
        page.locator("#train-upload").click()
    chosen.value.set_files(broken)
    expect(page.locator("#train-source input")).to_have_value("broken.json")
    fill(page, "name", "a broken file")
    page.locator("#train-start").click()
    expect(page.locator("#train-live .pt-phase")).to_have_text("Failed", timeout=LONG)
    expect(page.locator("#train-live .pt-reason")).to_contain_text("broken.json is not valid JSON at line 1")
