"""A finished evaluation as the page shows it: scores, every example, and its figures. Nothing of where it lies."""

import functools
import json
from typing import Any

from playground.errors import RunError
from playground.evaluation.subject import EXAMPLES
from playground.runs.events import Phase
from playground.runs.store import RunStore
from playground.ui.i18n import say

RESULT = ("examples", "signature", "base", "tuned")
"""What is shown of `result.json`, which also holds places on our disk."""
SETTINGS = ("run", "split", "limit", "generation")


def evaluation_view(store: RunStore, evaluation: str, locale: str) -> dict[str, Any]:
    """`{"evaluation", "name", "settings", "result", "rows": [one per example], "figures": {name: Plotly's JSON}}`.

    Args:
        locale: language of the words in the figures.

    Raises:
        RunError: there is no such evaluation, it is not done, or its examples are gone.
    """
    record = store.get(evaluation)
    if record.kind != "evaluation":
        raise RunError(f"{evaluation} is a training run, not an evaluation.")
    if record.phase is not Phase.DONE or record.result is None:
        raise RunError(f"Evaluation {evaluation} is {record.phase}; there are answers to see once one is done.")
    try:
        rows = json.loads((store.folder(evaluation) / EXAMPLES).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"The answers of evaluation {evaluation} cannot be read any more; evaluate again.") from error
    result = {name: record.result[name] for name in RESULT}
    return {
        "evaluation": record.id,
        "name": record.name,
        "settings": {name: record.document[name] for name in SETTINGS},
        "result": result,
        "rows": rows,
        "figures": _figures(result, rows, locale),
    }


def _figures(result: dict[str, Any], rows: list[dict[str, Any]], locale: str) -> dict[str, Any]:
    from playground.plots import evaluation as plots  # plotly takes a second to import

    text = functools.partial(say, locale=locale)
    drawn = {
        "metrics": plots.metric_bars(result, text),
        "rows": plots.bleu_scatter(rows, text),
        "differences": plots.bleu_differences(rows, text),
    }
    return {name: figure.to_plotly_json() for name, figure in drawn.items()}
