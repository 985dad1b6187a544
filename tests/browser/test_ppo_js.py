"""The arithmetic of PPO's figures against Python's and by hand, and what live figures share."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from playground.core.policy_losses import policy_loss
from tests.browser.scripts import page_with

pytestmark = pytest.mark.browser

MODULES = {
    "ppo": "ppo_math",
    "scrubber": "scrubber",
    "strip": "token_strip",
    "warnings": "train_warnings",
    "panel": "ppo",
}
EPSILON = 0.2


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, MODULES) as found:
        yield found


def test_the_clipped_objective_is_pythons(page: Page) -> None:
    generator = torch.Generator().manual_seed(4)
    ratios = torch.rand(200, generator=generator, dtype=torch.float64) * 2 + 0.05
    advantages = torch.randn(200, generator=generator, dtype=torch.float64)
    for ratio, advantage in zip(ratios.view(5, 40), advantages.view(5, 40), strict=True):
        logps = ratio.log().unsqueeze(1).requires_grad_()
        zeros, ones = torch.zeros_like(logps), torch.ones_like(logps)
        wanted = policy_loss(logps, zeros, advantage.unsqueeze(1), ones, clip=EPSILON)
        wanted.total.backward()  # type: ignore[no-untyped-call]
        assert logps.grad is not None
        found = page.evaluate(
            "([pairs, e]) => pairs.map(([r, a]) => [ppo.objective(r, a, e), ppo.isClipped(r, a, e)])",
            [list(zip(ratio.tolist(), advantage.tolist(), strict=True)), EPSILON],
        )
        values, clipped = zip(*found, strict=True)
        assert -sum(values) / len(values) == pytest.approx(wanted.total.item(), rel=1e-9)
        # Clipped is exactly where there is no gradient.
        assert list(clipped) == (logps.grad.squeeze(1) == 0).tolist()


def test_the_line_bends_where_the_clip_begins(page: Page) -> None:
    corners = page.evaluate(
        "[ppo.corners(2, 0.2, 0.5, 1.5), ppo.corners(-1, 0.2, 0.5, 1.5), ppo.corners(1, 0.2, 0.9, 1.1)]"
    )
    assert corners[0] == [[0.5, 1.0], [0.8, 1.6], [1.2, 2.4], [1.5, 2.4]]
    assert corners[1] == [[0.5, -0.8], [0.8, -0.8], [1.2, -1.2], [1.5, -1.5]]
    assert corners[2] == [[0.9, 0.9], [1.1, 1.1]]


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        pytest.param([1.0], [0.6, 1.4], id="nothing has moved"),
        pytest.param([0.5, 1.7], [0.5, 1.7], id="all are shown"),
        pytest.param([0.01, 40.0], [0.01, 2.2], id="far ones stand at the edges"),
    ],
)
def test_the_axis_of_ratios(page: Page, ratios: list[float], expected: list[float]) -> None:
    found = page.evaluate("ratios => ppo.ratioRange(ratios, 0.2)", ratios)
    assert found == pytest.approx(expected)
    ticks = page.evaluate("([from, to]) => ppo.ratioTicks(from, to, 0.2)", found)
    assert 1 in ticks
    assert found[0] - 1e-9 <= ticks[0] <= ticks[-1] <= found[1] + 1e-9
    assert 3 <= len(ticks) <= 8


def test_dots_by_their_sign_from_the_least_ratio_on(page: Page) -> None:
    dots = {"ratio": [1.3, 0.9, 0.7, 1.0], "advantage": [1, 2, -1, 0]}
    sides = page.evaluate("dots => ppo.bySign(dots, 0.2)", dots)
    assert [(dot["at"], dot["clipped"]) for dot in sides["gain"]] == [(1, False), (3, False), (0, True)]
    assert [(dot["at"], dot["objective"], dot["clipped"]) for dot in sides["loss"]] == [(2, -0.8, True)]


def test_a_token_is_read_in_its_answer(page: Page) -> None:
    """Answer 5 has tokens 1, 2 and 4 among the dots: something is missing before the first and the last."""
    dots = {"row": [5, 2, 5, 5], "position": [4, 0, 1, 2]}
    assert page.evaluate("dots => ppo.around(dots, 2)", dots) == [None, 2, 3, None, 0]
    assert page.evaluate("dots => ppo.around(dots, 1)", dots) == [1]


def test_the_histogram_by_hand(page: Page) -> None:
    histogram = {"edges": [0.5, 0.7, 0.9, 1.1, 1.3, 1.6, 2.0], "counts": [0, 0, 6, 2, 0, 0]}
    assert page.evaluate("h => ppo.shareOutside(h, 0.1)", histogram) == 0.25
    assert page.evaluate("h => ppo.shareOutside(h, 0.3)", histogram) == 0
    bins = page.evaluate("h => ppo.filledBins(h, 0.05)", histogram)
    assert [(one["from"], one["to"], one["count"]) for one in bins] == [
        (0.7, 0.9, 0), (0.9, 1.1, 6), (1.1, 1.3, 2), (1.3, 1.6, 0),
    ]  # fmt: skip
    empty = page.evaluate("h => ppo.filledBins(h, 0.2)", {**histogram, "counts": [0] * 6})
    assert (empty[0]["from"], empty[-1]["to"]) == (0.5, 1.6)
    assert page.evaluate("h => ppo.shareOutside(h, 0.2)", {**histogram, "counts": [0] * 6}) == 0


def test_a_long_run_keeps_steps_evenly_and_the_newest(page: Page) -> None:
    script = """count => {
      const steps = new scrubber.Steps(10);
      for (let step = 1; step <= count; step++) steps.set(step, step * 10);
      return { order: steps.order, values: steps.order.map(step => steps.get(step)) };
    }"""
    found = page.evaluate(script, 10)
    assert found["order"] == list(range(1, 11))
    found = page.evaluate(script, 40)
    assert found["order"] == [1, 9, 17, 25, 33, 40]
    assert found["values"] == [step * 10 for step in found["order"]]


def test_steps_are_taken_back(page: Page) -> None:
    found = page.evaluate("""() => {
      const steps = new scrubber.Steps();
      for (const step of [1, 5, 9]) steps.set(step, `old ${step}`);
      steps.cut(5);
      steps.set(9, "new");
      return [steps.order, steps.get(9), steps.nearest(8), steps.nearest(0), steps.nearest(99)];
    }""")
    assert found == [[1, 5, 9], "new", 5, 1, 9]


def test_the_slider_follows_until_the_reader_goes_back(page: Page) -> None:
    found = page.evaluate("""async () => {
      const picked = [];
      const words = (step, last) => `${step} of ${last}`;
      const one = new scrubber.Scrubber("s", { words, pick: (step) => picked.push(step) });
      const seen = [];
      const show = (order, holds) => { one.show(order, holds); seen.push(one.step); };
      show([1]); show([1, 2, 3]);
      show([1, 2, 3, 4], true);                    // somebody reads
      show([1, 2, 3, 4, 5]);
      const slide = (place) => { one.slider.value = place; one.slider.dispatchEvent(new Event("input")); };
      const frame = () => new Promise(requestAnimationFrame);
      slide(4); slide(1);                          // within a frame: the last counts
      await frame();
      show([1, 2, 3, 4, 5, 6]);                    // stays at 2
      show([1, 3, 5]);                             // 2 is no longer kept
      slide(2);
      await frame();
      show([1, 3, 5, 7]);                          // follows again
      return { seen, picked, words: one.label.textContent };
    }""")
    assert found == {"seen": [1, 3, 3, 5, 2, 1, 7], "picked": [2, 5], "words": "7 of 7"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (0.04, 0), (0.06, 1), (0.34, 2), (0.67, 3), (1, 3), (50, 3), (-0.5, -2), (-9, -3), (None, 0)],
)
def test_how_strong_a_ground_is(page: Page, value: float | None, expected: int) -> None:
    assert page.evaluate("value => strip.level(value, 1)", value) == expected


def test_the_scale_leaves_out_a_few_extremes(page: Page) -> None:
    values: list[Any] = [*([-1.0] * 99), 1000.0, None]
    assert page.evaluate("values => strip.scaleOf(values)", values) == 1
    assert page.evaluate("strip.scaleOf([0, 0, 5])") == 5
    assert page.evaluate("[strip.scaleOf([]), strip.scaleOf([0, 0]), strip.level(0, 0)]") == [0, 0, 0]


def test_a_strip_tells_its_numbers_and_shows_text_as_text(page: Page) -> None:
    page.evaluate("""() => {
      const one = new strip.TokenStrip({ label: "answer", told: (at) => `number ${at}`, hint: "look" });
      document.body.replaceChildren(one.element);
      one.show([" good", "<b>x</b>", "\\n"], [1, -1, null], 1);
    }""")
    chips = page.locator(".pt-token")
    expect(chips).to_have_text(["good", "<b>x</b>", "⏎"])
    assert [chip.get_attribute("data-level") for chip in chips.all()] == ["3", "-3", "0"]
    chips.first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pt-strip-detail")).to_have_text("number 1")
    chips.last.hover()
    expect(page.locator(".pt-strip-detail")).to_have_text("number 2")


def test_warnings_are_few_and_counted(page: Page) -> None:
    page.evaluate("""() => {
      const all = new warnings.Warnings();
      document.body.replaceChildren(all.element);
      for (const text of ["a", "b", "a", "c", "d", "<i>e</i>"]) all.add(text);
    }""")
    expect(page.locator(".pt-warnings li")).to_have_text(["<i>e</i>", "d", "c"])
    expect(page.locator(".pt-warnings p")).to_contain_text('{"count":2}')


def snapshots(step: int, text: str) -> list[dict[str, Any]]:
    """What one update tells, with one answer of two tokens; answers of one token have bars too."""
    numbers = {name: [0.5, -0.5] for name in ("advantage", "log_ratio", "value", "token_reward", "returns")}
    row = {
        "row": 0, "prompt": "<b>p</b>", "tokens": [text, "."], "tokens_left_out": 0, "ended": True, "score": 1.0,
        "reward": 1.0, "kl": 0.0, **numbers,
    }  # fmt: skip
    clip = {
        "clip_range": 0.2, "epoch_kl": [0.01, 0.02], "ended_early": False, "minibatches": 2,
        "dots": {"ratio": [1.3, 0.9], "advantage": [1, -1], "token": [text, "."], "row": [0, 0], "position": [0, 1]},
        "histogram": {"edges": [0.5, 0.8, 1.2, 2.0], "counts": [0, 1, 1]},
    }  # fmt: skip
    shares = {name: [0.75, 0.25] for name in ("reward", "reference", "policy", "optimum")}
    action = {"prompt": "p", "beta": 0.5, "tokens": ["a", "b"], "distance": 0.5, "compared": 2, "mass": 1, **shares}
    told = {"clip": clip, "rollouts": {"rows": [row]}, "action": action}
    return [
        {"kind": "metric", "step": step, "values": {"objective/kl": step / 10, "objective/scores": step}},
        *({"kind": "snapshot", "step": step, "name": f"ppo.{name}", "data": data} for name, data in told.items()),
    ]


def mount(page: Page) -> None:
    """An empty panel as `one`, and `take`, which gives it events."""
    page.evaluate("""() => {
      window.one = new panel.PPO();
      document.body.replaceChildren(one.element);
      window.take = (events) => { events.forEach((event) => one.add(event)); one.draw(); };
    }""")


def test_the_panel_shows_the_newest_update_and_takes_back_what_a_lost_attempt_told(page: Page) -> None:
    mount(page)
    expect(page.locator(".ppo")).to_be_hidden()
    page.evaluate("take", [event for step in (1, 2, 3) for event in snapshots(step, f"old{step}")])
    offered = {"scores": [[0, 1, 0, 1], [2, 3, 2, 3]]}
    page.evaluate("take", [{"kind": "snapshot", "step": 0, "name": "ppo.reference", "data": offered}])
    label, first = page.locator(".pt-scrubber-label"), page.locator(".pt-token").first
    expect(label).to_have_text('ppo.step {"step":3,"last":3}')
    expect(first).to_have_text("old3")
    expect(page.locator(".ppo-prompt").last).to_have_text("<b>p</b>")
    expect(page.locator("[data-figure=ppo_plane] .ppo-frontier")).to_have_count(1)
    expect(page.locator("[data-figure=ppo_action] rect[data-kind=optimum]")).to_have_count(2)

    page.evaluate("() => { one.cut(1); one.draw(); }")
    expect(label).to_have_text('ppo.step {"step":1,"last":1}')
    expect(first).to_have_text("old1")
    assert page.evaluate("one.plane.points.order") == [1]
    page.evaluate("take", snapshots(2, "new2"))
    expect(first).to_have_text("new2")
    page.evaluate("() => { one.cut(-1); one.draw(); }")
    expect(page.locator(".ppo")).to_be_hidden()
    page.evaluate("one.remove()")


def test_a_new_update_waits_while_a_token_is_read(page: Page) -> None:
    mount(page)
    page.evaluate("take", snapshots(1, "first"))
    first = page.locator(".pt-token").first
    first.hover()
    page.evaluate("take", snapshots(2, "second"))
    expect(first).to_have_text("first")
    page.mouse.move(0, 0)
    page.evaluate("take", snapshots(3, "third"))
    expect(first).to_have_text("third")


def test_the_scored_end_of_a_long_answer_stands_apart(page: Page) -> None:
    mount(page)
    events = snapshots(1, "first")
    table = next(event["data"] for event in events if event.get("name") == "ppo.rollouts")
    table["rows"][0] |= {"tokens_left_out": 3, "tokens_at_end": 1, "token_reward": [0.0, 7.5]}
    page.evaluate("take", events)
    strip = page.locator(".ppo-card .pt-strip")
    assert strip.locator(":scope > *").all_inner_texts() == ["first", "…", "."]
    assert strip.locator(".ppo-gap").get_attribute("title") == 'ppo.rollout.left_out {"count":3}'
    strip.locator(".pt-token").last.hover()
    expect(page.locator(".ppo-card .pt-strip-detail")).to_contain_text("7.5")
    # The token behind the gap is not taken for the one that stands in its place in the answer.
    assert page.evaluate("[...one.clip.answers]") == [[0, ["first"]]]
