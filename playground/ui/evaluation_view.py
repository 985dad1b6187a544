"""A finished evaluation as the page shows it: scores, examples, figures, words that differ, and files to take away.

Nothing of where it lies. Results of earlier versions are shown like those of today.
"""

import functools
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from playground.errors import RunError
from playground.evaluation import course_form
from playground.evaluation.documents import examples_of, result_of
from playground.evaluation.subject import BASE, EXAMPLES, run_of
from playground.evaluation.wording import word_difference
from playground.runs.events import Phase
from playground.runs.records import RunRecord
from playground.runs.store import RunStore
from playground.ui.i18n import say
from playground.ui.judge_agreement import with_votes

RESULT = ("examples", "signature", "resamples", "models", "judges", "labels_by")
"""What is shown of `result.json`, which also holds places on our disk."""
SETTINGS = ("run", "split", "limit", "generation")
ROWS_AT_ONCE = 50
"""Rows whose words are compared at one time: a page of them."""


class Finished(NamedTuple):
    """An evaluation that is done."""

    record: RunRecord
    result: dict[str, Any]
    """With `models` and `judges`, whichever version wrote it."""
    rows: list[dict[str, Any]]
    """Every example, with the answers by the models' ids."""

    def names(self, locale: str) -> dict[str, str]:
        """What the models are called on screen, by id: runs of one name are told apart by theirs."""
        names = {model["id"]: _name(model, locale) for model in self.result["models"]}
        told = list(names.values())
        return {model: name if told.count(name) == 1 else f"{name} · {run_of(model)}" for model, name in names.items()}


def finished(store: RunStore, evaluation: str) -> Finished:
    """Reads what an evaluation left.

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
    run = str(record.document["run"])
    return Finished(record, result_of(record.result, run), examples_of(rows, run))


def evaluation_view(store: RunStore, evaluation: str, locale: str) -> dict[str, Any]:
    """`{"evaluation", "name", "settings", "result", "names": {model: words}, "rows": [one per example]}`.

    Args:
        locale: language of the names.

    Raises:
        RunError: as `finished`.
    """
    found = finished(store, evaluation)
    judges = with_votes(store, evaluation, found.result["judges"], found.rows)
    return {
        "evaluation": found.record.id,
        "name": found.record.name,
        "settings": {name: found.record.document[name] for name in SETTINGS},
        "result": {**{name: found.result.get(name) for name in RESULT}, "judges": judges},
        "names": found.names(locale),
        "rows": found.rows,
    }


def figures_view(store: RunStore, evaluation: str, first: str, second: str, metric: str, locale: str) -> dict[str, Any]:
    """Two models row by row: `{"rows", "differences"}`, each Plotly's JSON.

    Raises:
        RunError: as `finished`; or there is no such model or metric in it.
    """
    from playground.plots import evaluation as plots  # plotly takes a second to import

    found = finished(store, evaluation)
    names = found.names(locale)
    _check_models(found, first, second)
    if metric not in found.rows[0]["scores"][first] or metric not in found.rows[0]["scores"][second]:
        raise RunError(f"The rows of evaluation {evaluation} have no {metric!r}.")
    text = functools.partial(say, locale=locale)
    of = _metric(metric, found.result["judges"], text)
    across, up = (plots.Axis(model, f"{names[model]}: {of}") for model in (first, second))
    gap = say("plot.gap", locale, metric=of)
    drawn = {
        "rows": plots.scatter(found.rows, across, up, metric, text),
        "differences": plots.differences(found.rows, first, second, metric, gap, text),
    }
    return {name: figure.to_plotly_json() for name, figure in drawn.items()}


def words_view(store: RunStore, evaluation: str, first: str, second: str, rows: list[int]) -> dict[str, Any]:
    """How two models' answers differ: `{"words": {row: [[kind, text]]}}`, kinds as in `wording.Kind`.

    Raises:
        RunError: as `finished`; or there is no such model in it.
    """
    found = finished(store, evaluation)
    _check_models(found, first, second)
    wanted = set(rows[:ROWS_AT_ONCE])
    return {
        "words": {
            str(row["row"]): [
                list(stretch) for stretch in word_difference(row["answers"][first], row["answers"][second])
            ]
            for row in found.rows
            if row["row"] in wanted
        }
    }


def answers_file(store: RunStore, evaluation: str, model: str, kind: str) -> str:
    """The answers as a file in the course's form, `kind` being csv or json.

    Raises:
        RunError: as `finished`.
        DataError: that model is not in it; empty stands for everybody.
    """
    found = finished(store, evaluation)
    rows = course_form.rows_of(found.rows, found.names("en"), model)
    return course_form.to_csv(rows) if kind == "csv" else course_form.to_json(rows)


def _name(model: dict[str, Any], locale: str) -> str:
    if model["id"] == BASE:
        return say("evaluate.base", locale)
    step = model["id"].partition("@")[2]
    name = model["name"] or run_of(model["id"])
    return say("evaluate.model.step", locale, name=name, step=step) if step else name


def _metric(metric: str, judges: list[dict[str, Any]], text: Callable[..., str]) -> str:
    """What a metric is called; a judge's score by the judge's name."""
    number = metric.removeprefix("judge_")
    if number == metric:
        return text(f"evaluate.metric.{metric}")
    return text("evaluate.judge.title", name=judges[int(number) - 1].get("name", ""))


def _check_models(found: Finished, *wanted: str) -> None:
    known = [model["id"] for model in found.result["models"]]
    for model in wanted:
        if model not in known:
            raise RunError(f"{model!r} did not answer in this evaluation; those that did are {', '.join(known)}.")
