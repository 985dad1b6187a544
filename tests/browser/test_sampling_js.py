"""The browser's arithmetic against the Python's, on the same logits, in the browser that people use."""

import base64
import math
import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import torch
from playwright.sync_api import Browser, Page

from playground.core import sampling

pytestmark = pytest.mark.browser

SOURCE = Path(__file__).resolve().parents[2] / "assets" / "js" / "sampling.js"
Floats = npt.NDArray[np.float32]

MODULE = "source => import(`data:text/javascript,${encodeURIComponent(source)}`).then(it => { window.it = it; })"
TRANSFORM = """
cases => cases.map(([base64, settings, previous]) => {
  const logits = new Float32Array(Uint8Array.from(atob(base64), letter => letter.charCodeAt(0)).buffer);
  const ranking = it.penalise(it.setApart(it.rank(logits), previous), settings);
  const distribution = it.transform(ranking, settings);
  const back = values => {
    const bytes = new Uint8Array(values.buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  };
  const { first, end, kept, keptMass, entropy, effective } = distribution;
  const cutBy = at => it.cutBy(distribution, at, settings.temperature) ?? null;
  const cut = Array.from(ranking.order.slice(0, 50), (_, at) => cutBy(at));
  return {
    first, end, cut, kept, keptMass, entropy, effective,
    rawEntropy: ranking.raw.entropy,
    order: Array.from(ranking.order.slice(0, 50)),
    probabilities: back(it.probabilities(ranking, distribution)),
    byRank: back(Float64Array.from(ranking.order, (_, at) => it.probabilityAt(distribution, at).final)),
    raw: back(Float64Array.from(logits, (_, id) => it.rawProbability(ranking, id))),
  };
})
"""


class Case(NamedTuple):
    """One set of logits and settings."""

    logits: Floats
    temperature: float
    k: int
    p: float
    share: float
    penalty: float
    previous: list[int]
    mass: float = 1.0
    presence: float = 0.0
    frequency: float = 0.0


@pytest.fixture(scope="module")
def module(browser: Browser) -> Page:
    """A page with the module as `it`."""
    page = browser.new_page()
    page.evaluate(MODULE, SOURCE.read_text(encoding="utf-8"))
    return page


def in_browser(page: Page, cases: list[Case]) -> list[dict[str, Any]]:
    """What sampling.js makes of each case, all in one round trip."""
    sent = []
    for case in cases:
        settings: dict[str, float] = {
            "temperature": case.temperature,
            "top_k": case.k,
            "top_p": case.p,
            "min_p": case.share,
            "typical_p": case.mass,
            "repetition_penalty": case.penalty,
            "presence_penalty": case.presence,
            "frequency_penalty": case.frequency,
        }
        logits = base64.b64encode(case.logits.astype("<f4").tobytes()).decode()
        sent.append([logits, settings, case.previous])
    found: list[dict[str, Any]] = page.evaluate(TRANSFORM, sent)
    for one in found:
        for name in ("probabilities", "byRank", "raw"):
            one[name] = np.frombuffer(base64.b64decode(one[name]), dtype="<f8")
    return found


def in_python(case: Case) -> sampling.Distribution:
    return sampling.transform(
        torch.from_numpy(case.logits),
        temperature_value=case.temperature,
        k=case.k,
        p=case.p,
        min_p_share=case.share,
        typical_mass=case.mass,
        penalty=case.penalty,
        presence=case.presence,
        frequency=case.frequency,
        previous_ids=torch.tensor(case.previous or [len(case.logits)]),
    )


def logits_of(kind: str, size: int, chance: np.random.Generator) -> Floats:
    """(size,) logits: smooth, with many ties, with both extremes, mostly forbidden, or one token alone."""
    smooth = chance.normal(0, 4, size)
    match kind:
        case "ties":
            values = np.round(smooth / 3)
        case "extreme":
            values = np.where(chance.random(size) < 0.1, chance.choice([-1e4, 1e4, 0.0, -0.0], size), smooth)
        case "forbidden":
            values = np.where(chance.random(size) < 0.9, -np.inf, smooth)
            values[chance.integers(size)] = 1.0
        case "survivor":
            values = np.full(size, -np.inf)
            values[chance.integers(size)] = -1e4
        case _:
            values = smooth
    return values.astype(np.float32)


def cases(kind: str, size: int, count: int) -> list[Case]:
    chance = np.random.default_rng([size, count, len(kind), ord(kind[0])])
    dice = random.Random(f"{kind} {size}")
    found = []
    for _ in range(count):
        temperature = dice.choice([0.0, 1.0, 1e-31, 0.01, dice.uniform(0.05, 1), dice.uniform(1, 5), 5.0])
        k = dice.choice([0, 0, 1, 2, dice.randint(1, 50), dice.randint(1, size), size + 5])
        p = dice.choice([1.0, 0.0, dice.random(), dice.uniform(0.8, 1), dice.uniform(0.99, 1)])
        share = dice.choice([0.0, 0.0, 1.0, dice.random(), dice.uniform(0, 0.1)])
        penalty = dice.choice([1.0, dice.uniform(0.3, 1), dice.uniform(1, 3)])
        previous = [dice.randrange(size + 2) for _ in range(dice.randint(0, 40))]
        mass = dice.choice([1.0, 1.0, dice.uniform(0.01, 1), dice.uniform(0.8, 1)])
        presence, frequency = (dice.choice([0.0, dice.uniform(-2, 2)]) for _ in range(2))
        logits = logits_of(kind, size, chance)
        found.append(Case(logits, temperature, k, p, share, penalty, previous, mass, presence, frequency))
    return found


KINDS = ["smooth", "ties", "extreme", "forbidden", "survivor"]


@pytest.mark.parametrize(("size", "count"), [(1, 20), (2, 40), (40, 150), (1000, 20), (49_152, 4)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_browser_equals_python(module: Page, kind: str, size: int, count: int) -> None:
    some = cases(kind, size, count)
    for case, found in zip(some, in_browser(module, some), strict=True):
        expected = in_python(case)
        words = repr(case._replace(logits=case.logits[:20]))
        probabilities = expected.probabilities.numpy()
        np.testing.assert_allclose(found["probabilities"], probabilities, rtol=1e-9, atol=1e-12, err_msg=words)
        np.testing.assert_allclose(found["raw"], expected.raw.numpy(), rtol=1e-9, atol=1e-12, err_msg=words)
        assert found["kept"] == expected.kept.sum(), words
        assert found["keptMass"] == pytest.approx(expected.kept_mass.item(), rel=1e-9), words
        assert found["entropy"] == pytest.approx(expected.entropy_nats.item(), rel=1e-9, abs=1e-9), words
        assert found["effective"] == pytest.approx(expected.effective_choices.item(), rel=1e-9), words
        assert found["rawEntropy"] == pytest.approx(sampling.entropy(expected.raw).item(), rel=1e-9, abs=1e-9), words
        ranked = probabilities[found["order"]]
        np.testing.assert_allclose(found["byRank"][: len(ranked)], ranked, rtol=1e-9, atol=1e-12, err_msg=words)
        kept_by_rank = expected.kept.numpy()[found["order"]]
        assert [cut is None for cut in found["cut"]] == kept_by_rank.tolist(), words
        stretch = ranked[found["first"] : found["end"]]
        assert (np.diff(stretch) <= 1e-15).all(), words
        assert found["end"] - found["first"] == found["kept"], words


def test_each_cut_is_told_by_its_name(module: Page) -> None:
    """Probabilities 0.4, 0.3, 0.2, 0.06, 0.04: each filter alone, then all at once."""
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.06, 0.04])).astype(np.float32)
    plain = Case(logits, 1, 0, 1, 0, 1, [])
    cases = [
        plain._replace(k=2),
        plain._replace(p=0.65),
        plain._replace(share=0.45),
        plain._replace(mass=0.25),
        plain._replace(temperature=0),
        plain._replace(k=4, p=0.85, share=0.6, mass=0.3),
    ]
    found = [one["cut"] for one in in_browser(module, cases)]
    assert found[0] == [None, None, "top_k", "top_k", "top_k"]
    assert found[1] == [None, None, "top_p", "top_p", "top_p"]
    assert found[2] == [None, None, None, "min_p", "min_p"]
    assert found[3] == ["typical_p", None, "typical_p", "typical_p", "typical_p"]
    assert found[4] == [None, *["temperature"] * 4]
    assert found[5][2:] == ["min_p", "top_p", "top_k"]
    assert None in found[5][:2]


def test_numbers_by_hand(module: Page) -> None:
    """Probabilities 0.5, 0.25, 0.125, 0.125; top-p 0.7 needs the second to cross."""
    logits = np.log(np.array([0.125, 0.5, 0.125, 0.25])).astype(np.float32)
    found = in_browser(module, [Case(logits, 1, 0, 0.7, 0, 1, [])])[0]
    assert found["order"] == [1, 3, 0, 2]
    assert found["probabilities"].tolist() == pytest.approx([0, 2 / 3, 0, 1 / 3], rel=1e-6)
    assert found["keptMass"] == pytest.approx(0.75, rel=1e-6)
    assert found["entropy"] == pytest.approx(math.log(3) - 2 / 3 * math.log(2), rel=1e-6)
    assert found["rawEntropy"] == pytest.approx(1.75 * math.log(2), rel=1e-6)


@pytest.mark.parametrize("bad", [[], [math.nan, 1.0], [math.inf, 1.0], [-math.inf, -math.inf]])
def test_logits_that_are_no_distribution_are_refused(module: Page, bad: list[float]) -> None:
    written = "[" + ",".join(
        {math.inf: "Infinity", -math.inf: "-Infinity"}.get(x, str(x).replace("nan", "NaN")) for x in bad
    )
    refused = module.evaluate(
        f"() => {{ try {{ it.rank(Float32Array.from({written}])) }} catch (e) {{ return e.name }} }}"
    )
    assert refused == "RangeError"


DRAW = """([logits, settings, seed, stream, count]) => {
  const distribution = it.transform(it.rank(Float32Array.from(logits)), settings);
  return Array.from(it.draw(distribution, it.generator(seed, stream), count));
}"""
PLAIN = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "typical_p": 1}


def test_draws_follow_the_distribution(module: Page) -> None:
    """Chi-square on 4 degrees of freedom; 18.5 is passed by chance once in a thousand seeds."""
    logits = [2.0, 1.0, 0.5, 0.0, -1.0]
    drawn = module.evaluate(DRAW, [logits, PLAIN, 7, 0, 20_000])
    counts = np.bincount(drawn, minlength=5)
    expected = 20_000 * torch.tensor(logits).softmax(0).numpy()
    assert ((counts - expected) ** 2 / expected).sum() < 18.5


def test_a_seed_repeats_its_draws_and_another_does_not(module: Page) -> None:
    first, again, other, stream = (
        module.evaluate(DRAW, [[0.0] * 100, PLAIN, *numbers, 50]) for numbers in ([3, 0], [3, 0], [4, 0], [3, 1])
    )
    assert first == again
    assert first != other
    assert first != stream


def test_cut_tokens_are_never_drawn(module: Page) -> None:
    drawn = module.evaluate(DRAW, [[3.0, 2.0, 1.0, 0.0], PLAIN | {"top_k": 2, "temperature": 5}, 1, 0, 5000])
    assert set(drawn) == {0, 1}
    drawn = module.evaluate(DRAW, [[3.0, 2.0, 1.0, 0.0], PLAIN | {"typical_p": 0.2}, 1, 0, 2000])
    assert set(drawn) == {1}


def test_neighbouring_seeds_and_steps_draw_independently(module: Page) -> None:
    """The first number of 4,000 generators, by seed and by stream: uniform (chi-square, 9 degrees of freedom)."""
    for numbers in ("(at, 0)", "(0, at)"):
        first = module.evaluate(f"() => Array.from({{ length: 4000 }}, (_, at) => it.generator{numbers}())")
        counts, _ = np.histogram(first, bins=10, range=(0, 1))
        assert ((counts - 400) ** 2 / 400).sum() < 27.9
