"""Script time of one slider move over the whole vocabulary, in the browser: computing and writing all rows.

    python -m benchmarks.slider [--moves 400] [--chromium PATH]      # on a busy Linux machine: chrt -r 1 python -m …

The widget is mounted as the app mounts it, on random logits with the spread of a real model's, without a server.
Measured is what runs between the frame's start and the last element written; painting comes after. Budget: one frame.
"""

import argparse
import base64
import json
import mimetypes
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page, Route, sync_playwright

from benchmarks.machine import describe
from playground.ui.distribution_view import slider_of
from playground.ui.i18n import texts
from playground.ui.tabs.distribution import SLIDERS

ASSETS = Path(__file__).resolve().parents[1] / "assets"
RESULTS = Path(__file__).parent / "results" / "slider.json"
BUDGET_MS = 16.0
VOCABULARIES = (49_152, 151_936)
ORIGIN = "http://benchmark.invalid/"

MOUNT = """
async ([texts, settings, value]) => {
  window.playground = {
    text: (key, values = {}) => texts[key].replace(/\\{(\\w+)\\}/g, (_, name) => values[name]),
    asset: path => new URL(path, document.baseURI).href,
    url: path => new URL(path, document.baseURI).href,
    status: null,
  };
  const page = await import(playground.asset("js/distribution.js"));
  await page.mount(document.body, { settings, value }, () => {}, () => {});
}
"""
MOVE = """
async ([name, values]) => {
  const slider = document.querySelector(`input[type=range][data-setting=${name}]`);
  performance.clearMeasures();
  for (const value of values) {
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  return performance.getEntriesByName("playground:distribution").map(entry => entry.duration);
}
"""
SWEEPS = {
    "repetition_penalty": (0.6, 2.0),
    "presence_penalty": (-1.9, 2.0),
    "frequency_penalty": (-1.9, 2.0),
    "temperature": (0.05, 5.0),
    "top_k": (1, 200),
    "top_p": (0.01, 0.99),
    "min_p": (0.01, 0.5),
    "typical_p": (0.01, 0.99),
}
TEXT_TOKENS = 200


def main() -> None:
    """Measures, prints and keeps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--moves", type=int, default=400)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    chosen = parser.parse_args()
    machine = describe()
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox"])
        machine["browser"] = f"Chromium {browser.version}"
        for size in VOCABULARIES:
            page = mounted(browser.new_page(viewport={"width": 1280, "height": 900}), size)
            found[str(size)] = {
                name: summary(moved(page, name, low, high, chosen.moves // len(SWEEPS)))
                for name, (low, high) in SWEEPS.items()
            }
        browser.close()
    report = {"unit": "ms of script time per slider move", "budget": BUDGET_MS, "vocabulary": found, "machine": machine}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def mounted(page: Page, size: int) -> Page:
    """The widget on a page of its own, with its first picture drawn."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).partition("?")[0]
        if path == "":
            return route.fulfill(body='<!doctype html><body><div class="pgd"></div></body>', content_type="text/html")
        if path == "vocabulary":
            return route.fulfill(json=[f" token{number}" for number in range(size)])
        kind = mimetypes.guess_type(path)[0] or "text/plain"
        return route.fulfill(body=(ASSETS / path).read_bytes(), content_type=kind)

    page.route(f"{ORIGIN}**", answer)
    page.goto(ORIGIN)
    chance = np.random.default_rng(0)
    value = {
        "state": "ready",
        "logits": packed(chance.normal(0, 3, size).astype("<f4")),
        "trace": {
            "start": 1,
            "logs": packed(chance.normal(-3, 1, TEXT_TOKENS - 1).astype("<f4")),
            "ranks": packed(np.ones(TEXT_TOKENS - 1, "<i4")),
            "entropies": packed(chance.normal(2, 1, TEXT_TOKENS - 1).astype("<f4")),
            "others": packed(np.ones((TEXT_TOKENS - 1, 10), "<i4")),
            "other_logs": packed(np.full((TEXT_TOKENS - 1, 10), -3, "<f4")),
        },
        "ids": list(range(TEXT_TOKENS)),
        "drawn": [],
        "prompt": "",
        "text": "",
        "chat": False,
        "run": "",
        "model": "benchmark",
        "vocabulary": str(size),
    }
    page.evaluate(MOUNT, [texts("en"), [slider_of(name) for name in SLIDERS], value])
    page.wait_for_selector(".pgd[data-state=ready]")
    return page


def packed(numbers: npt.NDArray[Any]) -> str:
    """As the server sends numbers."""
    return base64.b64encode(numbers.tobytes()).decode()


def moved(page: Page, name: str, low: float, high: float, moves: int) -> list[float]:
    """Milliseconds of each move of one slider from `low` to `high`; it is put back afterwards."""
    page.evaluate(MOVE, [name, np.linspace(low, high, 10).tolist()])  # the compiler warms up on these
    times: list[float] = page.evaluate(MOVE, [name, np.linspace(low, high, moves).tolist()])
    page.locator("[data-action=reset]").click()
    return times


def summary(times: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and number of moves."""
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "moves": len(times)}


if __name__ == "__main__":
    main()
