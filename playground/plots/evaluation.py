"""Figures of an evaluation: data in, plotly figures out. Words come from the caller, so that they can be translated.

Every function takes `text`, which gives the words of a key such as "plot.base"; the keys are in `assets/i18n`.
"""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from playground.plots.colours import CLEAR, GRID, INK, TUNED

Text = Callable[[str], str]

ENDS = {"bleu": 100.0, "chrf": 100.0, "rougeL": 100.0, "exact_match": 1.0, "accuracy": 1.0}
"""How far the scores of a row can reach, of metrics that have an end."""
LOGARITHMIC = ("perplexity",)
HOVER_LENGTH = 160
BINS = 21


class Axis(NamedTuple):
    """Whose scores are drawn, and what they are called."""

    model: str
    """Its id."""
    title: str


def scatter(examples: Sequence[Mapping[str, Any]], first: Axis, second: Axis, metric: str, text: Text) -> go.Figure:
    """Each row as a point, one model's score across and another's up; where both score the same is the diagonal.

    Args:
        examples: as in `examples.json`.
        metric: one that the examples have.
    """
    across, up = _values(examples, first.model, metric), _values(examples, second.model, metric)
    low, high = _range([*across, *up], metric)
    kind = "log" if metric in LOGARITHMIC else "linear"
    figure = _figure(first.title, second.title)
    figure.add_scatter(
        x=[low, high], y=[low, high], mode="lines", line={"color": INK, "dash": "dot"}, name=text("plot.equal"),
        hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=across,
        y=up,
        mode="markers",
        marker={"color": TUNED, "size": 9, "opacity": 0.75, "line": {"color": INK, "width": 1}},
        name=text("plot.rows"),
        customdata=[[example["row"], _hover(example["instruction"])] for example in examples],
        hovertemplate="%{customdata[0]}: %{customdata[1]}<br>%{x:.4g} → %{y:.4g}<extra></extra>",
    )
    ends = [math.log10(low), math.log10(high)] if kind == "log" else [low, high]
    room = (ends[1] - ends[0]) * 0.03
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(type=kind, range=[ends[0] - room, ends[1] + room])
    return figure


def differences(
    examples: Sequence[Mapping[str, Any]], first: str, second: str, metric: str, title: str, text: Text
) -> go.Figure:
    """How many rows gained or lost how much from one model to another, in bins of which one is centred on 0.

    Args:
        first, second: ids of the models.
        title: of the axis of differences.
    """
    gaps = [
        after - before
        for before, after in zip(_values(examples, first, metric), _values(examples, second, metric), strict=True)
    ]
    reach = ENDS.get(metric) or max((abs(gap) for gap in gaps), default=0.0) or 1.0
    size = 2 * reach / (BINS - 1)
    edge = reach + size / 2
    figure = _figure(title, text("plot.row_count"))
    figure.add_histogram(
        x=gaps,
        xbins={"start": -edge, "end": edge, "size": size},
        autobinx=False,
        marker={"color": TUNED, "line": {"color": INK, "width": 1}},
        name=text("plot.rows"),
        hovertemplate="%{x}: %{y}<extra></extra>",
    )
    figure.add_vline(x=0, line={"color": INK, "dash": "dot"})
    figure.update_xaxes(range=[-edge, edge])
    return figure


def _values(examples: Sequence[Mapping[str, Any]], model: str, metric: str) -> list[float]:
    return [example["scores"][model][metric] for example in examples]


def _range(values: Sequence[float], metric: str) -> tuple[float, float]:
    """Ends of an axis that holds them all."""
    if metric in LOGARITHMIC:
        low, high = min(values, default=1.0), max(values, default=1.0)
        return (low, high) if high > low else (low / 2, high * 2)
    return 0.0, ENDS.get(metric) or max(values, default=0.0) or 1.0


def _figure(across: str, up: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        template="none",
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"color": INK, "size": 14},
        margin={"l": 64, "r": 16, "t": 32, "b": 56},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
    figure.update_xaxes(title_text=_plain(across), gridcolor=GRID, linecolor=INK, zeroline=False)
    figure.update_yaxes(title_text=_plain(up), gridcolor=GRID, linecolor=INK, zeroline=False)
    return figure


def _hover(text: str) -> str:
    """A short text for a hover label."""
    line = " ".join(text.split())
    short = line if len(line) <= HOVER_LENGTH else line[:HOVER_LENGTH] + "…"
    return "<br>".join(_plain(part) for part in textwrap.wrap(short, 60))


def _plain(text: str) -> str:
    """The same where plotly would take `<` for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
