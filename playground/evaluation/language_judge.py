"""A language model as judge in an evaluation: a mean score with its interval, or a win rate against the base."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.config.judging import ENDPOINT, JudgeSettings
from playground.evaluation.answers import Answered, Answers, question_of
from playground.evaluation.judge import WinRate, win_rate
from playground.evaluation.judges import Verdict
from playground.evaluation.significance import RESAMPLES, SEED
from playground.judging.endpoint import endpoint_from_environment
from playground.judging.judge import Asked, Asker, Compared, Scored, comparisons, scores
from playground.judging.local import LocalModel
from playground.models.lineage import title_of
from playground.runs.context import JobContext
from playground.runs.events import Progress

SHOWN = 20
"""Replies that could not be read, as they stand, at most so many."""
LONGEST_SHOWN = 400
"""Letters of such a reply."""


@dataclass(frozen=True)
class LanguageJudge:
    """Who judges, and how it is asked."""

    settings: JudgeSettings

    def __call__(self, answered: Answered, context: JobContext) -> Verdict:
        """Everybody's answers before the judge.

        The entry is `{"kind": "language_score" or "language_pair", "name", "replies", "unreadable": how many, "raw":
        [{"id", "row", "reply"}], "models": [{"id", …}]}`. Scores have for each model `mean`, `interval` and `judged`,
        and beside the base `wins`, `ties`, `losses`, `win_rate`, `win_interval` and `may_be_noise`; pairs have for each
        model but the base `win_rate`, `interval`, `wins`, `ties`, `losses`, `may_be_noise`, `judged` and `turned`.

        Raises:
            PlaygroundError: the judge cannot be loaded or reached.
            Cancelled: the job was asked to stop.
        """
        context.check()
        asker, name = _asker(self.settings, context)
        asked = [Asked(*question_of(record), record.answer) for record in answered.records]
        if self.settings.way == "score":
            return self._scores(asker, name, asked, answered, context)
        return self._pairs(asker, name, asked, answered, context)

    def _scores(self, asker: Asker, name: str, asked: list[Asked], answered: Answered, context: JobContext) -> Verdict:
        # All at once, so that a model is loaded once.
        models = answered.models
        texts = [text for model in models for text in model.texts]
        flat = scores(
            asker, self.settings, asked * len(models), texts,
            stop=context.stop, report=_progress(context, len(texts)),
        )  # fmt: skip
        rows = len(asked)
        by_model = [flat[place * rows : (place + 1) * rows] for place in range(len(models))]
        told = [_scored(model.id, own, by_model[0]) for model, own in zip(models, by_model, strict=True)]
        raw = [
            _raw(model, answered, place, one.reply)
            for model, own in zip(models, by_model, strict=True)
            for place, one in enumerate(own)
            if one.score is None
        ]
        report = _report("language_score", name, len(flat), raw, told)
        each = [
            {model.id: own[place].score for model, own in zip(models, by_model, strict=True)} for place in range(rows)
        ]
        return Verdict(report, each)

    def _pairs(self, asker: Asker, name: str, asked: list[Asked], answered: Answered, context: JobContext) -> Verdict:
        base, *others = answered.models
        rows = len(asked)
        flat = comparisons(
            asker,
            self.settings,
            asked * len(others),
            [text for other in others for text in other.texts],
            list(base.texts) * len(others),
            stop=context.stop,
            report=_progress(context, 2 * rows * len(others)),
        )
        by_model = [flat[place * rows : (place + 1) * rows] for place in range(len(others))]
        told: list[dict[str, Any]] = [{"id": base.id}]
        told += [_compared(other.id, own) for other, own in zip(others, by_model, strict=True)]
        raw = [
            _raw(other, answered, place, " | ".join(one.replies))
            for other, own in zip(others, by_model, strict=True)
            for place, one in enumerate(own)
            if one.preference is None
        ]
        words = {"first": "win", "second": "loss", "tie": "tie", None: None}
        each = [
            {other.id: words[own[place].preference] for other, own in zip(others, by_model, strict=True)}
            for place in range(rows)
        ]
        return Verdict(_report("language_pair", name, len(flat), raw, told), each)


class _Loading:
    """A local judge whose loading the job's progress tells."""

    def __init__(self, model: LocalModel, context: JobContext) -> None:
        self._model = model
        self._context = context

    def ask(self, prompts: Sequence[str], **options: Any) -> list[str]:
        return self._model.ask(prompts, loading=self._context.emit, **options)


def _asker(settings: JudgeSettings, context: JobContext) -> tuple[Asker, str]:
    if settings.model == ENDPOINT:
        endpoint = endpoint_from_environment()
        return endpoint, endpoint.title
    return _Loading(LocalModel(settings.ref), context), title_of(settings.ref)


def _progress(context: JobContext, total: int) -> Any:
    def report(done: int) -> None:
        context.emit(Progress("judging", done, total))

    report(0)
    return report


def _report(
    kind: str, name: str, replies: int, raw: list[dict[str, Any]], models: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": name,
        "replies": replies,
        "unreadable": len(raw),
        "raw": raw[:SHOWN],
        "models": models,
    }


def _raw(model: Answers, answered: Answered, place: int, reply: str) -> dict[str, Any]:
    return {"id": model.id, "row": answered.records[place].row, "reply": reply[:LONGEST_SHOWN]}


def _scored(model: str, own: Sequence[Scored], base: Sequence[Scored]) -> dict[str, Any]:
    read = [one.score for one in own if one.score is not None]
    told: dict[str, Any] = {"id": model, "judged": len(read), "mean": None, "interval": None}
    if read:
        told |= {"mean": sum(read) / len(read), "interval": _mean_interval(read)}
    both = [(one.score, other.score) for one, other in zip(own, base, strict=True)]
    common = [(mine, its) for mine, its in both if mine is not None and its is not None]
    if own is not base and common:
        rate = win_rate([its for _, its in common], [mine for mine, _ in common]).to_json()
        told |= {"win_interval": rate.pop("interval"), **rate}
        low, high = _mean_interval([mine - its for mine, its in common])
        told["may_be_noise"] = low <= 0 <= high
    return told


def _compared(model: str, own: Sequence[Compared]) -> dict[str, Any]:
    read = [one.preference for one in own if one.preference is not None]
    told: dict[str, Any] = {"id": model, "judged": len(read), "turned": sum(one.turned for one in own)}
    return told | (WinRate(read.count("first"), read.count("tie"), read.count("second")).to_json() if read else {})


def _mean_interval(values: Sequence[float]) -> list[float]:
    """95 % interval of a mean by the bootstrap over rows."""
    drawn = np.random.default_rng(SEED).choice(np.asarray(values, dtype=np.float64), size=(RESAMPLES, len(values)))
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return [float(low), float(high)]
