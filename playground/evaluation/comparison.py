"""Held-out rows with everybody's answers, and how the answers score. Knows nothing of how they were generated."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.data.records import Record
from playground.evaluation.answers import Answered, Answers, ReferenceLoss, question_of
from playground.evaluation.classification import Confusion, classify, confusion_to_json, labels_of, named
from playground.evaluation.diversity import distinct
from playground.evaluation.metrics import AnswerScores, score_each, signature, words_of
from playground.evaluation.significance import (
    LARGEST,
    RESAMPLES,
    Estimate,
    corpus,
    jackknifed,
    means,
    perplexities,
)


@dataclass(frozen=True)
class Example:
    """One row, answered by everybody."""

    record: Record
    answers: Mapping[str, str]
    """By the models' ids."""
    scores: Mapping[str, Mapping[str, float]]
    """By the models' ids, then by metric."""

    def to_json(self) -> dict[str, Any]:
        """The example as it stands in `examples.json`."""
        question = question_of(self.record)
        return {
            "row": self.record.row,
            "instruction": question.instruction,
            "input": question.input,
            "reference": self.record.answer,
            "answers": dict(self.answers),
            "scores": {model: dict(own) for model, own in self.scores.items()},
        }


@dataclass(frozen=True)
class ModelScores:
    """How one model fares."""

    id: str
    name: str
    base: str
    estimates: Mapping[str, Estimate]
    """By metric. BLEU, chrF and ROUGE-L 0-100, shares 0-1, lengths per answer."""
    confusion: Confusion | None
    """Where the references are labels."""
    trained: int | None = None
    """How many numbers were trained; 0 for the base, None where it cannot be told."""

    def to_json(self) -> dict[str, Any]:
        """The model's entry under `models`; `p` and `may_be_noise` are of the difference from the base."""
        return {
            "id": self.id,
            "name": self.name,
            "base": self.base,
            "scores": {name: found.value for name, found in self.estimates.items()},
            "intervals": {name: list(found.interval) for name, found in self.estimates.items()},
            "p": {name: found.p for name, found in self.estimates.items() if found.p is not None},
            "may_be_noise": [name for name, found in self.estimates.items() if found.may_be_noise],
            "confusion": confusion_to_json(self.confusion) if self.confusion else None,
            "trained_parameters": self.trained,
        }


@dataclass(frozen=True)
class Comparison:
    """Everybody's scores on the same rows, the base's first, and every row."""

    models: tuple[ModelScores, ...]
    examples: tuple[Example, ...]
    signature: str
    labels_by: str | None = None
    """Where references are labels: `probability` of the labels' words, or `text` that was written."""

    def to_json(self) -> dict[str, Any]:
        """`{"examples": how many, "signature", "resamples", "labels_by", "models": [{…}]}`."""
        return {
            "examples": len(self.examples),
            "signature": self.signature,
            "resamples": RESAMPLES,
            "labels_by": self.labels_by,
            "models": [model.to_json() for model in self.models],
        }


def compare(answered: Answered) -> Comparison:
    """Scores everybody's answers, and says how sure each difference from the base is.

    Raises:
        DataError: there are no rows, or not as many answers as rows.
    """
    references, models = answered.references, answered.models
    each = [score_each(model.texts, references) for model in models]
    labels = answered.words or labels_of(references)
    confusions = [classify(_labelled(model), references, labels) if labels else None for model in models]
    rows = [_row_scores(model, own, references, labels) for model, own in zip(models, each, strict=True)]
    columns = _estimates(models, references, rows)
    for place, confusion in enumerate(confusions):
        if confusion:
            columns["accuracy"][place] = columns["accuracy"][place]._replace(interval=confusion.interval)
    return Comparison(
        models=tuple(
            ModelScores(
                model.id,
                model.name,
                model.base,
                {name: own[at] for name, own in columns.items()},
                found,
                model.trained,
            )
            for at, (model, found) in enumerate(zip(models, confusions, strict=True))
        ),
        examples=tuple(
            Example(
                record,
                {model.id: model.texts[at] for model in models},
                {model.id: own[at] for model, own in zip(models, rows, strict=True)},
            )
            for at, record in enumerate(answered.records)
        ),
        signature=signature(),
        labels_by=("probability" if answered.words else "text") if labels else None,
    )


def _labelled(model: Answers) -> Sequence[str]:
    """What its labels are read from: its probabilities where they are known, else what it wrote."""
    return model.texts if model.labels is None else model.labels


def _estimates(
    models: Sequence[Answers], references: Sequence[str], rows: Sequence[Sequence[Mapping[str, float]]]
) -> dict[str, list[Estimate]]:
    """By metric, a list with one of each model."""

    def of_rows(name: str) -> list[Estimate]:
        return means([[row[name] for row in own] for own in rows])

    found = corpus([model.texts for model in models], references)
    found["rougeL"], found["exact_match"] = of_rows("rougeL"), of_rows("exact_match")
    if "accuracy" in rows[0][0]:
        found["accuracy"] = of_rows("accuracy")
    losses = [model.losses for model in models]
    found["perplexity"] = perplexities(
        [[loss.nats for loss in own] for own in losses], [[loss.tokens for loss in own] for own in losses]
    )
    for n in (1, 2):
        counted = [distinct(model.texts, n) for model in models]
        found[f"distinct_{n}"] = jackknifed([one.share for one in counted], [one.without for one in counted])
    found["length_tokens"], found["length_words"] = of_rows("length_tokens"), of_rows("length_words")
    return found


def _row_scores(
    model: Answers, scores: Sequence[AnswerScores], references: Sequence[str], labels: Sequence[str]
) -> list[dict[str, float]]:
    """One model's scores of every row."""
    found = []
    for score, text, given, tokens, loss, reference in zip(
        scores, model.texts, _labelled(model), model.tokens, model.losses, references, strict=True
    ):
        own = score.to_json()
        if labels:
            own["accuracy"] = float(named(given, labels) == named(reference, labels))
        own |= {"perplexity": _perplexity(loss), "length_tokens": tokens, "length_words": len(words_of(text))}
        found.append(own)
    return found


def _perplexity(loss: ReferenceLoss) -> float:
    return math.exp(min(loss.nats / max(1, loss.tokens), LARGEST))
