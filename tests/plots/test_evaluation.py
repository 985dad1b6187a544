"""Figures hold exactly the numbers they were given, and words in either language."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.plots import colours
from playground.plots.evaluation import METRICS, bleu_differences, bleu_scatter, metric_bars

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "i18n"

RESULT = {
    "base": {"bleu": 11.25, "chrf": 30.5, "rougeL": 25.0, "exact_match": 0.0},
    "tuned": {"bleu": 23.5, "chrf": 41.0, "rougeL": 44.0, "exact_match": 0.125},
}


def example(row: int, base: float, tuned: float, instruction: str = "Say it.") -> dict[str, Any]:
    scores = {"base": {"bleu": base}, "tuned": {"bleu": tuned}}
    return {"row": row, "instruction": instruction, "scores": scores}


EXAMPLES = [example(935, 0.0, 50.0), example(936, 20.0, 20.0), example(940, 100.0, 4.0)]


@pytest.fixture(params=["en", "ko"])
def text(request: pytest.FixtureRequest) -> Callable[[str], str]:
    words: dict[str, str] = json.loads((FOLDER / f"{request.param}.json").read_text(encoding="utf-8"))
    return words.__getitem__


def test_bars_stand_as_high_as_the_scores(text: Callable[[str], str]) -> None:
    figure = metric_bars(RESULT, text)
    base, tuned = figure.data
    assert list(base.x) == [text(f"plot.{name}") for name in METRICS]
    assert list(base.y) == [11.25, 30.5, 25.0, 0.0]
    assert list(tuned.y) == [23.5, 41.0, 44.0, 12.5]
    assert list(tuned.text) == ["23.5", "41.0", "44.0", "12.5"]
    assert (base.name, tuned.name) == (text("plot.base"), text("plot.tuned"))
    assert (base.marker.color, tuned.marker.color) == (colours.BASE, colours.TUNED)


def test_points_stand_where_both_scores_put_them(text: Callable[[str], str]) -> None:
    figure = bleu_scatter(EXAMPLES, text)
    diagonal, points = figure.data
    assert (list(diagonal.x), list(diagonal.y)) == ([0, 100], [0, 100])
    assert list(points.x) == [0.0, 20.0, 100.0]
    assert list(points.y) == [50.0, 20.0, 4.0]
    assert [row for row, _ in points.customdata] == [935, 936, 940]


def test_differences_are_tuned_minus_base(text: Callable[[str], str]) -> None:
    [bars] = bleu_differences(EXAMPLES, text).data
    assert list(bars.x) == [50.0, 0.0, -96.0]
    edges = [bars.xbins.start + bars.xbins.size * number for number in range(22)]
    assert edges[0] == -105
    assert edges[-1] == 105
    assert 0 not in edges, "no change must fall within a bin, not between two"


def test_hover_texts_are_short_and_never_markup(text: Callable[[str], str]) -> None:
    _, points = bleu_scatter([example(1, 0, 0, "<a href='x'>a & b</a>\n" + "word " * 100)], text).data
    shown = points.customdata[0][1]
    assert shown.startswith("&lt;a href='x'>a &amp; b&lt;/a>")
    assert "<" not in shown.replace("<br>", "")
    assert shown.endswith("…")
    assert len(shown) < 250


@pytest.mark.parametrize("draw", [bleu_scatter, bleu_differences])
def test_no_rows_draw_an_empty_figure(draw: Callable[..., Any], text: Callable[[str], str]) -> None:
    assert len(draw([], text).data[-1].x) == 0


def test_figures_suit_light_and_dark_and_name_their_axes(text: Callable[[str], str]) -> None:
    for figure in (metric_bars(RESULT, text), bleu_scatter(EXAMPLES, text), bleu_differences(EXAMPLES, text)):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text


def test_plots_need_neither_torch_nor_gradio() -> None:
    code = "import playground.plots.evaluation, sys; print({'torch', 'gradio', 'transformers'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
