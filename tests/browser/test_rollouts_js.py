"""The browser's arithmetic of rollouts against Python's, and the tree of shared beginnings by hand."""

import math
from collections.abc import Iterator
from statistics import fmean
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page

from playground.core.estimates import running
from playground.core.optimum import best_of, optimum
from tests.browser.scripts import page_with

pytestmark = pytest.mark.browser

MODULES = {"statistics": "rollouts_statistics", "tree": "rollouts_tree", "link": "rollouts_link"}

REWARDS = {
    "spread": torch.randn(256, generator=torch.Generator().manual_seed(1)).tolist(),
    "ties": [0.0, 1.0, 1.0, 0.0, 2.0, 1.0],
    "large": [1e6 + value for value in (0.0, 3.0, 1.0, 2.5)],
    "equal": [0.25] * 5,
    "one": [-3.0],
}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, MODULES) as found:
        yield found


@pytest.mark.parametrize("name", REWARDS)
def test_the_optimum_and_best_of_are_pythons(page: Page, name: str) -> None:
    rewards = REWARDS[name]
    betas, draws = [0.01, 0.1, 1, 7.5, 100], [1, 2, 8, 64]
    found = page.evaluate(
        """([rewards, betas, draws]) => ({
          optima: betas.map(beta => ({ ...statistics.optimum(rewards, beta),
                                       weights: [...statistics.optimum(rewards, beta).weights] })),
          curve: statistics.curve(rewards, betas),
          best: draws.map(count => statistics.bestOf(rewards, count)),
          running: Object.values(statistics.running(rewards)).map(all => [...all].map(x => isNaN(x) ? null : x)),
        })""",
        [rewards, betas, draws],
    )
    given = torch.tensor(rewards, dtype=torch.float64)
    for beta, one, point in zip(betas, found["optima"], found["curve"], strict=True):
        expected = optimum(given, beta)
        assert one["weights"] == pytest.approx(expected.weights.tolist(), rel=1e-8, abs=1e-12)
        figures = [one["reward"], one["divergence"], one["effective"]]
        assert figures == pytest.approx([expected.reward, expected.divergence, expected.effective], rel=1e-7, abs=1e-9)
        assert [point["divergence"], point["reward"]] == pytest.approx([one["divergence"], one["reward"]])
    for count, one in zip(draws, found["best"], strict=True):
        wanted = best_of(given, count)
        assert [one["reward"], one["divergence"], one["bound"]] == pytest.approx(
            [wanted.reward, wanted.divergence, wanted.bound], rel=1e-7, abs=1e-9
        )
    means, errors = running(given)
    assert found["running"][0] == pytest.approx(means.tolist())
    assert found["running"][1][0] is None
    assert found["running"][1][1:] == pytest.approx(errors[1:].tolist(), rel=1e-6, abs=1e-9)


def test_policies_for_several_prompts_are_taken_together_prompt_by_prompt(page: Page) -> None:
    prompts, betas, draws = list(REWARDS.values()), [0.1, 1.0], 4
    found = page.evaluate(
        """([prompts, betas, draws]) => ({
          curve: statistics.together(prompts.map((rewards) => statistics.curve(rewards, betas))),
          best: statistics.together(prompts.map((rewards) => [statistics.bestOf(rewards, draws)]))[0],
        })""",
        [prompts, betas, draws],
    )
    given = [torch.tensor(rewards, dtype=torch.float64) for rewards in prompts]
    for beta, point in zip(betas, found["curve"], strict=True):
        wanted = [optimum(rewards, beta) for rewards in given]
        assert point["beta"] == beta
        assert point["reward"] == pytest.approx(fmean(one.reward for one in wanted))
        assert point["divergence"] == pytest.approx(fmean(one.divergence for one in wanted))
    best = [best_of(rewards, draws) for rewards in given]
    assert found["best"]["draws"] == draws
    assert found["best"]["reward"] == pytest.approx(fmean(one.reward for one in best))
    assert found["best"]["divergence"] == pytest.approx(fmean(one.divergence for one in best))


def test_a_histogram_by_hand(page: Page) -> None:
    found = page.evaluate("statistics.histogram([0, 0.05, 0.1, 1], [0.1, 0.2, 0.3, 0.4])")
    assert found[0] == pytest.approx({"from": 0, "to": 0.05, "share": 0.25, "weight": 0.1, "count": 1})
    assert [bin_["count"] for bin_ in found[:3]] == [1, 1, 1]
    assert found[-1]["count"] == 1
    assert sum(bin_["share"] for bin_ in found) == pytest.approx(1)
    assert sum(bin_["weight"] for bin_ in found) == pytest.approx(1)
    single = page.evaluate("statistics.histogram([3, 3])")
    assert [(bin_["from"], bin_["to"], bin_["count"]) for bin_ in single] == [(2.5, 3.5, 2)]


def test_shared_beginnings_by_hand(page: Page) -> None:
    """1 2 3, 1 2 4 5, 1 2 and 7: one node of 1 2, with 3 and 4 5 below; one rollout ends there."""
    half = math.log(0.5)
    rollouts: list[dict[str, Any]] = [
        {"ids": [1, 2, 3], "logs": [half, half, half]},
        {"ids": [1, 2, 4, 5], "logs": [half, half, half, 0]},
        {"ids": [7], "logs": [half]},
        {"ids": [1, 2], "logs": [half, half]},
    ]
    found = page.evaluate(
        "rollouts => tree.below(tree.prefixTree(rollouts)).map(({ids, rows, log, length, level}) => "
        "({ids, rows, log, length, level}))",
        rollouts,
    )
    assert [node["ids"] for node in found] == [[1, 2], [3], [4, 5], [7]]
    assert [node["rows"] for node in found] == [[0, 1, 3], [0], [1], [2]]
    assert [node["level"] for node in found] == [1, 2, 2, 1]
    assert [math.exp(node["log"]) for node in found] == pytest.approx([0.25, 0.125, 0.125, 0.5])


VIEW = {
    "model": "Tiny",
    "prompt": "a & b = #1?\n  한국어 +%",
    "chat": True,
    "run": "20260101-abc",
    "settings": {"count": 128, "temperature": 0.7, "top_k": 40, "seed": 7},
    "reward": {"kind": "sum", "terms": [{"weight": 2, "reward": {"kind": "pattern", "pattern": "a|b&c=#"}}]},
    "beta": 0.25,
}


def test_a_link_gives_its_view_back(page: Page) -> None:
    assert page.evaluate("view => link.read(link.written(view))", VIEW) == VIEW


@pytest.mark.parametrize("hash_", ["", "#rollouts", "#distribution?prompt=a"])
def test_other_addresses_are_no_links(page: Page, hash_: str) -> None:
    assert page.evaluate("hash => link.read(hash)", hash_) is None


def test_what_is_wrong_in_a_link_is_left_out(page: Page) -> None:
    found = page.evaluate(
        "hash => link.read(hash)", "#rollouts?prompt=a&settings=%7Bx&reward=5&beta=-1&host=KEY&chat=maybe"
    )
    assert found == {"model": "", "prompt": "a", "chat": False, "run": "", "settings": {}, "reward": None, "beta": 1}
