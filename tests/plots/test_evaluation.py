"""Figures hold exactly the numbers they were given, and words in either language."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.plots.evaluation import Axis, differences, scatter

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "i18n"


def example(row: int, base: float, tuned: float, instruction: str = "Say it.") -> dict[str, Any]:
    scores = {
        model: {"bleu": score, "perplexity": 1 + score, "exact_match": float(score == 100)}
        for model, score in (("base", base), ("tuned", tuned))
    }
    return {"row": row, "instruction": instruction, "scores": scores}


EXAMPLES = [example(935, 0.0, 50.0), example(936, 20.0, 20.0), example(940, 100.0, 4.0)]


Text = Callable[[str], str]


def draw_scatter(examples: list[dict[str, Any]], text: Text, metric: str = "bleu") -> Any:
    return scatter(examples, Axis("base", "Base: BLEU"), Axis("tuned", "A run: BLEU"), metric, text)


def draw_differences(examples: list[dict[str, Any]], text: Text, metric: str = "bleu") -> Any:
    return differences(examples, "base", "tuned", metric, "Difference: BLEU", text)


@pytest.fixture(params=["en", "ko"])
def text(request: pytest.FixtureRequest) -> Callable[[str], str]:
    words: dict[str, str] = json.loads((FOLDER / f"{request.param}.json").read_text(encoding="utf-8"))
    return words.__getitem__


def test_points_stand_where_both_scores_put_them(text: Callable[[str], str]) -> None:
    figure = draw_scatter(EXAMPLES, text)
    diagonal, points = figure.data
    assert (list(diagonal.x), list(diagonal.y)) == ([0, 100], [0, 100])
    assert list(points.x) == [0.0, 20.0, 100.0]
    assert list(points.y) == [50.0, 20.0, 4.0]
    assert [row for row, _ in points.customdata] == [935, 936, 940]


def test_differences_are_tuned_minus_base(text: Callable[[str], str]) -> None:
    [bars] = draw_differences(EXAMPLES, text).data
    assert list(bars.x) == [50.0, 0.0, -96.0]
    edges = [bars.xbins.start + bars.xbins.size * number for number in range(22)]
    assert edges[0] == -105
    assert edges[-1] == 105
    assert 0 not in edges, "no change must fall within a bin, not between two"


def test_scales_suit_the_metric(text: Text) -> None:
    """Perplexities lie orders apart; shares end at 1; a difference of 0 never falls between two bins."""
    figure = draw_scatter(EXAMPLES, text, "perplexity")
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    low, high = figure.layout.xaxis.range
    assert low < 0 < math.log10(101) < high
    assert draw_scatter(EXAMPLES, text, "exact_match").layout.xaxis.range == pytest.approx((-0.03, 1.03))
    assert draw_scatter([], text, "perplexity").layout.xaxis.type == "log"
    for metric, reach in (("perplexity", 96), ("exact_match", 1)):
        [bars] = draw_differences(EXAMPLES, text, metric).data
        assert bars.xbins.start == pytest.approx(-1.05 * reach)
        assert bars.xbins.end == pytest.approx(1.05 * reach)
        assert bars.xbins.size == pytest.approx(0.1 * reach)


def test_hover_texts_are_short_and_never_markup(text: Callable[[str], str]) -> None:
    _, points = draw_scatter([example(1, 0, 0, "<a href='x'>a & b</a>\n" + "word " * 100)], text).data
    shown = points.customdata[0][1]
    assert shown.startswith("&lt;a href='x'>a &amp; b&lt;/a>")
    assert "<" not in shown.replace("<br>", "")
    assert shown.endswith("…")
    assert len(shown) < 250


@pytest.mark.parametrize("draw", [draw_scatter, draw_differences])
def test_no_rows_draw_an_empty_figure(draw: Callable[..., Any], text: Callable[[str], str]) -> None:
    assert len(draw([], text).data[-1].x) == 0


def test_figures_suit_light_and_dark_and_name_their_axes(text: Callable[[str], str]) -> None:
    for figure in (draw_scatter(EXAMPLES, text), draw_differences(EXAMPLES, text)):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text


def test_plots_need_neither_torch_nor_gradio() -> None:
    code = "import playground.plots.evaluation, sys; print({'torch', 'gradio', 'transformers'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
