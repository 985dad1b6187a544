"""Figures of an evaluation: data in, plotly figures out. Words come from the caller, so that they can be translated.

Every function takes `text`, which gives the words of a key such as "plot.base"; the keys are in `assets/i18n`.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from playground.plots.colours import BASE, CLEAR, GRID, INK, TUNED

Text = Callable[[str], str]

METRICS = ("bleu", "chrf", "rougeL", "exact_match")
HOVER_LENGTH = 160


def metric_bars(result: Mapping[str, Any], text: Text) -> go.Figure:
    """Base beside tuned for every metric. Exact match, 0-1 in `result`, is drawn in per cent like the others.

    Args:
        result: what `evaluate --json` prints.
    """
    figure = _figure(text("plot.metric"), text("plot.score"))
    for side, colour in (("base", BASE), ("tuned", TUNED)):
        heights = [result[side][name] * (100 if name == "exact_match" else 1) for name in METRICS]
        figure.add_bar(
            x=[text(f"plot.{name}") for name in METRICS],
            y=heights,
            name=text(f"plot.{side}"),
            marker_color=colour,
            text=[f"{height:.1f}" for height in heights],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(barmode="group", yaxis_rangemode="tozero")
    return figure


def bleu_scatter(examples: Sequence[Mapping[str, Any]], text: Text) -> go.Figure:
    """Each row as a point, base BLEU across and tuned BLEU up; above the diagonal tuning helped.

    Args:
        examples: as in `examples.json`.
    """
    figure = _figure(text("plot.base_bleu"), text("plot.tuned_bleu"))
    figure.add_scatter(
        x=[0, 100], y=[0, 100], mode="lines", line={"color": INK, "dash": "dot"}, name=text("plot.equal"),
        hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=[example["scores"]["base"]["bleu"] for example in examples],
        y=[example["scores"]["tuned"]["bleu"] for example in examples],
        mode="markers",
        marker={"color": TUNED, "size": 9, "opacity": 0.75, "line": {"color": INK, "width": 1}},
        name=text("plot.rows"),
        customdata=[[example["row"], _hover(example["instruction"])] for example in examples],
        hovertemplate="%{customdata[0]}: %{customdata[1]}<br>%{x:.1f} → %{y:.1f}<extra></extra>",
    )
    figure.update_xaxes(range=[-3, 103])
    figure.update_yaxes(range=[-3, 103])
    return figure


def bleu_differences(examples: Sequence[Mapping[str, Any]], text: Text) -> go.Figure:
    """How many rows gained or lost how much BLEU, in bins of ten points centred on 0."""
    differences = [example["scores"]["tuned"]["bleu"] - example["scores"]["base"]["bleu"] for example in examples]
    figure = _figure(text("plot.difference"), text("plot.row_count"))
    figure.add_histogram(
        x=differences,
        xbins={"start": -105, "end": 105, "size": 10},
        autobinx=False,
        marker={"color": TUNED, "line": {"color": INK, "width": 1}},
        name=text("plot.rows"),
        hovertemplate="%{x}: %{y}<extra></extra>",
    )
    figure.add_vline(x=0, line={"color": INK, "dash": "dot"})
    figure.update_xaxes(range=[-105, 105])
    return figure


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
    figure.update_xaxes(title_text=across, gridcolor=GRID, linecolor=INK, zeroline=False)
    figure.update_yaxes(title_text=up, gridcolor=GRID, linecolor=INK, zeroline=False)
    return figure


def _hover(text: str) -> str:
    """A short text for a hover label, where plotly would take `<` for markup."""
    line = " ".join(text.split())
    short = line if len(line) <= HOVER_LENGTH else line[:HOVER_LENGTH] + "…"
    escaped = [part.replace("&", "&amp;").replace("<", "&lt;") for part in textwrap.wrap(short, 60)]
    return "<br>".join(escaped)
