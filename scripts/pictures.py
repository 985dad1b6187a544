"""Takes the README's pictures from a running app: `python -m scripts.pictures ADDRESS [NAME …]`, all without a name.

They show what is in that app's home: `distribution`, `rollouts` and `data` need a model; `train`, `ppo`, `ppo-curves`,
`dpo`, `shift`, `votes` and `evaluate` the newest finished run or evaluation of their kind; `tour` a tour of the person
named by `PLAYGROUND_PICTURES_OWNER`. The chip must say that a model is ready. Chromium is found as the tests find it.
"""

import io
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import FloatRect, Locator, Page, Route, sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
CHROMIUM = os.environ.get("PLAYGROUND_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
OWNER = os.environ.get("PLAYGROUND_PICTURES_OWNER", "")
WIDTH, HEIGHT = 1280, 860
LARGEST = 150_000
"""Bytes of a picture."""
COLOURS = (256, 128, 64, 48, 32)
"""Sizes of the palette that are tried until a picture is small enough."""
MINUTES = 300_000
"""Milliseconds for a model to answer on a machine that does other things too."""
VOTES = 12
KIND = re.compile("please|thank you|happy|pleasure|friend|welcome|sure", re.IGNORECASE)
"""How a reader who likes manners votes."""
FILM = "I watched the film last night and it was"


class Scene(NamedTuple):
    """What a picture shows."""

    prepare: Callable[[Page], None]
    show: str
    """Selectors of what is in it; what they cover together is cut out."""
    scale: float = 2.0
    """Pixels of the picture per pixel of the page."""
    most: int = HEIGHT
    """Height at most, in pixels of the page."""


def tab(page: Page, name: str) -> None:
    """Opens a tab by its name in `TABS`."""
    page.locator(f"#tab-{name}-button").first.click()
    page.locator(f"#tab-{name}").wait_for(state="visible")


def draw(page: Page) -> None:
    """Passes the whole page by, so that figures which wait until they are seen are drawn."""
    page.evaluate(
        """async () => {
            const all = document.documentElement;
            for (let at = 0; at < all.scrollHeight; at += 400) {
                all.scrollTop = at;
                await new Promise((done) => setTimeout(done, 150));
            }
            all.scrollTop = 0;
        }"""
    )
    page.wait_for_timeout(800)


def distribution(page: Page) -> None:
    tab(page, "distribution")
    page.locator("#distribution-prompt textarea").fill("The capital of France is")
    page.locator("#distribution-show").click()
    page.locator(".pgd-row").first.wait_for(timeout=MINUTES)
    for name, value in (("temperature", 1.2), ("top_p", 0.6)):
        page.locator(f"#pgd-{name}").evaluate(
            "(it, to) => { it.value = to; it.dispatchEvent(new Event('input')); }", value
        )
    page.get_by_role("button", name="Draw 1,000").click()
    page.wait_for_timeout(1500)


def rollouts(page: Page) -> None:
    tab(page, "distribution")
    page.locator("#distribution-prompt textarea").fill(FILM)
    page.locator("#distribution-view-rollouts-button").first.click()
    page.locator("#rollouts-count input").fill("256")
    page.locator("#rollouts-start").click()
    page.locator("[data-fact=drawn]").get_by_text("256").wait_for(timeout=MINUTES)
    page.locator("#pgr-beta").evaluate("(it) => { it.value = -0.5; it.dispatchEvent(new Event('input')); }")
    draw(page)


def data(page: Page) -> None:
    tab(page, "data")
    page.locator("#data-open").click()
    page.locator("#data-row .pda-token-fact").first.wait_for(timeout=MINUTES)
    draw(page)


def run_of(method: str) -> Callable[[Page], None]:
    """Opens the newest run of a method in the Train tab, or its recording."""

    def prepare(page: Page) -> None:
        tab(page, "train")
        page.locator(".pt-recordings summary").click()
        listed = page.locator("#train-runs .pt-run").filter(has_text=re.compile(rf"(Done|Stopped){method}-\w{{6}}"))
        listed.first.wait_for()
        done = listed.filter(has_text=re.compile(f"Done{method}"))
        (done if done.count() else listed).first.click()
        page.locator("#train-live [data-points]").wait_for()
        draw(page)

    return prepare


def shift(page: Page) -> None:
    tab(page, "compare")
    page.locator("#compare-view-shift-button").first.click()
    page.locator("#compare-run input").click()
    page.get_by_role("option", name=re.compile("like films")).first.click()
    page.locator("#compare-generation-max-new-tokens input").fill("24")
    page.locator("#compare-prompt textarea").fill(FILM)
    page.locator("#shift-start").click()
    page.locator("#shift-picture [data-work=done]").wait_for(timeout=MINUTES)
    page.locator("#shift-picture .pgs-rows li").first.wait_for(timeout=MINUTES)
    page.wait_for_timeout(1000)


def votes(page: Page) -> None:
    tab(page, "compare")
    page.locator("#compare-view-votes-button").first.click()
    page.locator("#votes-start").click()
    for _ in range(VOTES):
        page.locator("#votes-left").wait_for()
        page.wait_for_timeout(700)
        left, right = (page.locator(f"#votes-{side}").inner_text() for side in ("left", "right"))
        page.keyboard.press("a" if KIND.search(left) else "b" if KIND.search(right) else "t")
    page.wait_for_timeout(1000)


def evaluate(page: Page) -> None:
    tab(page, "evaluate")
    page.locator("#evaluate-list li button").filter(has_text="Done").first.click()
    page.locator("#evaluate-scores tbody tr").first.wait_for()
    draw(page)


def tour(page: Page) -> None:
    def redirect(route: Route) -> None:
        route.continue_(url=re.sub(r"owner=\w*", f"owner={quote(OWNER)}", route.request.url))

    page.route(re.compile(r"playground/tour\?owner="), redirect)
    page.evaluate("localStorage.setItem('playground-tour', JSON.stringify({open: true, at: 7}))")
    page.reload()
    page.locator(".pp-tour-outcome tbody tr").first.wait_for()
    page.wait_for_timeout(1500)


SCENES = {
    "distribution": Scene(distribution, "#tab-distribution .pgd", 1.5, 1000),
    "rollouts": Scene(rollouts, "[data-figure=rollouts], [data-figure=tree], [data-figure=plane]", 1.5, 1400),
    "data": Scene(data, "#shell-tabs", 1.5, 1190),
    "train": Scene(run_of("sft"), ".gradio-container", 1.5),
    "ppo": Scene(run_of("ppo"), "#train-live .ppo", most=880),
    "ppo-curves": Scene(run_of("ppo"), ".pt-warnings, .pt-chart-ppo_reward, .pt-chart-ppo_kl", 1.5),
    "dpo": Scene(run_of("dpo"), ".pt-chart-dpo_rewards, .pt-chart-dpo_margin, #train-live .pt-dpo", most=1300),
    "shift": Scene(shift, "#shift-picture", most=1000),
    "votes": Scene(votes, "#shell-tabs", 1.5, 960),
    "evaluate": Scene(evaluate, "#shell-tabs", 1.5, 1060),
    "tour": Scene(tour, ".gradio-container", 1.5),
}


def frame(page: Page, scene: Scene) -> FloatRect:
    """What is cut out: all that the scene shows, with a little air around it."""
    boxes = [box for box in (one.bounding_box() for one in shown(page, scene)) if box and box["height"]]
    air = 12.0
    left, top = (max(0.0, min(box[side] for box in boxes) - air) for side in ("x", "y"))
    right = min(WIDTH, max(box["x"] + box["width"] for box in boxes) + air)
    bottom = max(box["y"] + box["height"] for box in boxes) + air
    return {"x": left, "y": top, "width": right - left, "height": min(bottom - top, scene.most)}


def shown(page: Page, scene: Scene) -> list[Locator]:
    """The parts of the page that a scene shows."""
    found = page.locator(scene.show).all()
    if not found:
        raise SystemExit(f"nothing fits {scene.show}")
    return found


def small(picture: bytes) -> bytes:
    """The picture with as many colours as its size allows."""
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    packed = b""
    for colours in COLOURS:
        reduced = whole.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        out = io.BytesIO()
        reduced.save(out, "PNG", optimize=True)
        packed = out.getvalue()
        if len(packed) <= LARGEST:
            break
    return packed


def main() -> None:
    """Takes the pictures that were named."""
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    address, *names = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        for name in names or SCENES:
            scene = SCENES[name]
            context = browser.new_context(
                viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=scene.scale, color_scheme="light"
            )
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(address)
            page.wait_for_selector("#pp-chip[data-state=ready]", timeout=MINUTES)
            scene.prepare(page)
            page.evaluate("document.activeElement?.blur?.()")
            page.mouse.move(0, 0)
            page.evaluate("document.documentElement.scrollTop = 0")
            page.wait_for_timeout(500)
            taken = small(page.screenshot(full_page=True, clip=frame(page, scene)))
            (FOLDER / f"{name}.png").write_bytes(taken)
            print(f"{name}: {len(taken) / 1e3:.0f} kB")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
