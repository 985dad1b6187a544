"""The browser's chi-square test and links against numbers that do not come from it."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page

from tests.browser.scripts import page_with

pytestmark = pytest.mark.browser

MODULES = {
    "sampling": "sampling",
    "statistics": "statistics",
    "link": "distribution_link",
    "formula": "distribution_formula",
}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, MODULES) as found:
        yield found


def test_the_incomplete_gamma_function_equals_torchs(page: Page) -> None:
    shapes = [0.5, 1, 1.5, 2, 7.5, 20, 99.5, 500, 5000]
    points = [(a, a * factor) for a in shapes for factor in (0, 1e-6, 0.01, 0.3, 0.9, 0.999, 1, 1.001, 1.2, 2, 5, 40)]
    found = page.evaluate("points => points.map(([a, x]) => statistics.upperGamma(a, x))", points)
    a, x = torch.tensor(points, dtype=torch.float64).T
    expected = torch.special.gammaincc(a, x)
    torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("freedom", "statistic", "p"),
    [(1, 3.841459, 0.05), (4, 9.487729, 0.05), (4, 18.466827, 0.001), (10, 18.307038, 0.05), (100, 124.342113, 0.05)],
)
def test_p_values_are_those_of_the_tables(page: Page, freedom: int, statistic: float, p: float) -> None:
    found = page.evaluate("([k, x]) => statistics.upperGamma(k / 2, x / 2)", [freedom, statistic])
    assert found == pytest.approx(p, abs=1e-7)


@pytest.mark.parametrize("bad", [[0, 1], [-1, 1], [1, -1], [1, None]])
def test_what_has_no_value_is_refused(page: Page, bad: list[Any]) -> None:
    call = "([a, x]) => { try { statistics.upperGamma(a, x ?? NaN) } catch (error) { return error.name } }"
    assert page.evaluate(call, bad) == "RangeError"


FIT = """([probabilities, counts, settings]) => {
  const ranking = sampling.rank(Float32Array.from(probabilities, Math.log));
  const plain = { temperature: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1 };
  const total = counts.reduce((sum, count) => sum + count, 0);
  const distribution = sampling.transform(ranking, { ...plain, ...settings });
  return statistics.goodnessOfFit(Uint32Array.from(counts), total, distribution);
}"""


def test_chi_square_by_hand(page: Page) -> None:
    """100 draws from 0.5, 0.3, 0.2: 25/50 + 25/30 + 0."""
    found = page.evaluate(FIT, [[0.5, 0.3, 0.2], [55, 25, 20], {}])
    assert found["statistic"] == pytest.approx(0.5 + 25 / 30, rel=1e-5)
    assert found["freedom"] == 2
    assert found["p"] == pytest.approx(0.5134, abs=1e-3)


def test_rare_tokens_share_a_bin_and_cut_ones_have_none(page: Page) -> None:
    rare = [0.5, 0.38, *[0.02] * 6]
    found = page.evaluate(FIT, [rare, [50, 38, 3, 2, 2, 2, 2, 1], {}])
    assert found["bins"] == 3  # expected 50, 38 and 6 times 2
    assert found["statistic"] == pytest.approx(0, abs=1e-6)
    few = page.evaluate(FIT, [[0.5, 0.47, 0.03], [50, 47, 3], {}])
    assert few["bins"] == 2  # 3 are too few for a bin of their own and join the rarest
    assert page.evaluate(FIT, [[0.5, 0.3, 0.2], [60, 40, 0], {"top_k": 2}])["bins"] == 2
    assert page.evaluate(FIT, [[0.5, 0.3, 0.2], [100, 0, 0], {"top_k": 1}]) is None


def test_true_samples_have_p_values_of_every_size_and_false_ones_do_not(page: Page) -> None:
    """p is uniform where the theory holds: of 200 seeds about 20 lie below 0.1; one that draws elsewhere is found."""
    p_values = page.evaluate("""() => Array.from({ length: 200 }, (_, seed) => {
      const ranking = sampling.rank(Float32Array.from({ length: 300 }, (_, id) => 4 * Math.sin(id)));
      const plain = { top_k: 0, top_p: 1, min_p: 0, typical_p: 1 };
      const at = (temperature) => sampling.transform(ranking, { temperature, ...plain });
      const fit = (drawn) => {
        const counts = new Uint32Array(300);
        for (const found of sampling.draw(drawn, sampling.generator(seed), 1000)) counts[found]++;
        return statistics.goodnessOfFit(counts, 1000, at(1)).p;
      };
      return [fit(at(1)), fit(at(2))];
    })""")
    true, false = zip(*p_values, strict=True)
    below = [sum(p < level for p in true) for level in (0.1, 0.5, 0.9)]
    assert 6 <= below[0] <= 38
    assert 70 <= below[1] <= 130
    assert 160 <= below[2] <= 194
    assert max(false) < 0.01


VIEW = {
    "model": "SmolLM2 135M",
    "prompt": "a & b = #1?\n  ünï 한국어 +%",
    "chat": True,
    "run": "20260101-abc",
    "drawn": [5, 0, 49151],
    "values": {"temperature": 0.7, "top_k": 40},
    "off": ["top_k", "min_p"],
    "seed": 7,
    "samples": 3,
    "heat": "entropy",
}
NAMES = ["temperature", "top_k", "top_p", "min_p"]


def test_a_link_gives_its_view_back(page: Page) -> None:
    found = page.evaluate("([view, names]) => link.read(link.written(view), names)", [VIEW, NAMES])
    assert found == VIEW


@pytest.mark.parametrize("hash_", ["", "#", "#distribution", "#other?prompt=a"])
def test_other_addresses_are_no_links(page: Page, hash_: str) -> None:
    assert page.evaluate("([hash, names]) => link.read(hash, names)", [hash_, NAMES]) is None


def test_what_is_wrong_in_a_link_is_left_out(page: Page) -> None:
    hash_ = (
        "#distribution?temperature=hot&top_k=&top_p=0.5&host=KEY&off=top_k+host&drawn=1+-2+x+3&seed=1e9&samples=9999"
    )
    found = page.evaluate("([hash, names]) => link.read(hash, names)", [hash_, NAMES])
    assert found["values"] == {"top_p": 0.5}
    assert found["off"] == ["top_k"]
    assert found["drawn"] == [1, 3]
    assert found["seed"] == 0
    assert found["samples"] == 100
    assert "KEY" not in str(found)


@pytest.mark.parametrize(
    ("x", "written"),
    [
        (0, "1.00"),
        (1, "2.72"),
        (10, "22,026"),
        (37.1754, "1.40 × 10¹⁶"),
        (-20, "2.06 × 10⁻⁹"),
        (1e5, "2.81 × 10⁴³⁴²⁹"),
        (-1e5, "3.56 × 10⁻⁴³⁴³⁰"),
    ],
)
def test_exponentials_are_written_however_large(page: Page, x: float, written: str) -> None:
    assert page.evaluate("x => formula.power(x)", x) == written
