"""How near answers come to their references: BLEU, chrF, ROUGE-L and exact match, of a whole set and of each answer.

Scores of a set are not means of the scores of its answers: BLEU and chrF count n-grams over the whole set first.
BLEU is SacreBLEU's (Post 2018, arXiv:1804.08771) and carries its signature, without which no two BLEUs compare.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import evaluate
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF

from playground.errors import DataError


@dataclass(frozen=True)
class Scores:
    """Scores of a set of answers."""

    bleu: float
    """Corpus BLEU, 0-100."""
    chrf: float
    """Corpus chrF2, character n-grams (Popović 2015), 0-100."""
    rouge_l: float
    """Mean over answers of the F1 of the longest common subsequence of words (Lin 2004), 0-100."""
    exact_match: float
    """Share of answers that equal their reference but for white space at the ends, 0-1."""
    signature: str
    """SacreBLEU's signature: references, case, tokenizer, smoothing, version."""

    def to_json(self) -> dict[str, float]:
        """The numbers by the names that `evaluate --json` prints."""
        return {
            "bleu": self.bleu,
            "chrf": self.chrf,
            "rougeL": self.rouge_l,
            "exact_match": self.exact_match,
        }


@dataclass(frozen=True)
class AnswerScores:
    """Scores of one answer, for tables and plots."""

    bleu: float
    """Sentence BLEU, 0-100, with exponential smoothing (Chen and Cherry 2014, method 3) over as many n-gram orders
    as the answer has ("effective order"): without both, an answer of under four words would always score 0."""
    chrf: float
    """Sentence chrF2, 0-100."""
    rouge_l: float
    """ROUGE-L F1, 0-100."""
    exact_match: bool

    def to_json(self) -> dict[str, float]:
        """The numbers by the names of `Scores.to_json`; exact match is 0 or 1."""
        return {
            "bleu": self.bleu,
            "chrf": self.chrf,
            "rougeL": self.rouge_l,
            "exact_match": float(self.exact_match),
        }


class SacreBLEU(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """SacreBLEU as an `evaluate` metric that needs no script from the Hub.

    Takes one reference per prediction. An instance keeps its rows in memory and is used once, by one thread:
    `evaluate` gathers them on the instance between `add_batch` and `compute`.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     metric = SacreBLEU(keep_in_memory=True, cache_dir=folder)
    ...     round(metric.compute(predictions=["a b c d"], references=["a b c d"])["score"])
    100
    """

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="Corpus BLEU as SacreBLEU computes it, with its signature.",
            citation="Matt Post. A Call for Clarity in Reporting BLEU Scores. WMT 2018.",
            inputs_description="predictions: list of texts; references: list of texts, one for each prediction.",
            features=datasets.Features({"predictions": text, "references": text}),
            reference_urls=["https://github.com/mjpost/sacrebleu"],
        )

    def _compute(self, *, predictions: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
        """BLEU of the set, 0-100, its parts, and the signature.

        Returns:
            score, precisions (1- to 4-grams, 0-100), bp (brevity penalty, 0-1), sys_len and ref_len (tokens),
            signature.
        """
        metric = BLEU()
        found = metric.corpus_score(list(predictions), [list(references)])
        return {
            "score": found.score,
            "precisions": found.precisions,
            "bp": found.bp,
            "sys_len": found.sys_len,
            "ref_len": found.ref_len,
            "signature": str(metric.get_signature()),
        }


def words_of(text: str) -> list[str]:
    """Words for ROUGE, counts and distinct-n: letters and figures in a row, in small letters.

    On ASCII text the same as rouge_score's own, which would drop every other letter.
    """
    return re.findall(r"[^\W_]+", text.lower())


class _Words:
    def tokenize(self, text: str) -> list[str]:
        return words_of(text)


def signature() -> str:
    """SacreBLEU's signature of the BLEU that is computed here: references, case, tokenizer, smoothing, version."""
    metric = BLEU()
    metric.corpus_score(["a"], [["a"]])  # only then does it know how many references there are
    return str(metric.get_signature())


def score(predictions: Sequence[str], references: Sequence[str]) -> Scores:
    """Scores of a set of answers against one reference each; empty answers are allowed and score 0.

    Raises:
        DataError: there is nothing to score, or not one reference for each answer.
    """
    _check(predictions, references)
    # evaluate makes a folder for its cache even where it keeps the rows in memory.
    with tempfile.TemporaryDirectory(prefix="playground-bleu-") as folder:
        metric = SacreBLEU(keep_in_memory=True, cache_dir=folder, seed=0)
        found = metric.compute(predictions=list(predictions), references=list(references))
    each = score_each(predictions, references)
    return Scores(
        bleu=min(100.0, float(found["score"])),  # exp(log 1 / 4 · 4) may exceed 1 in the last digit
        chrf=float(CHRF().corpus_score(list(predictions), [list(references)]).score),
        rouge_l=sum(answer.rouge_l for answer in each) / len(each),
        exact_match=sum(answer.exact_match for answer in each) / len(each),
        signature=str(found["signature"]),
    )


def score_each(predictions: Sequence[str], references: Sequence[str]) -> list[AnswerScores]:
    """Scores of every answer alone, in order; see `score` for errors."""
    _check(predictions, references)
    bleu, chrf = BLEU(effective_order=True), CHRF()
    rouge = RougeScorer(["rougeL"], tokenizer=_Words())
    return [
        AnswerScores(
            bleu=min(100.0, float(bleu.sentence_score(prediction, [reference]).score)),
            chrf=float(chrf.sentence_score(prediction, [reference]).score),
            rouge_l=100 * float(rouge.score(reference, prediction)["rougeL"].fmeasure),
            exact_match=prediction.strip() == reference.strip(),
        )
        for prediction, reference in zip(predictions, references, strict=True)
    ]


def _check(predictions: Sequence[str], references: Sequence[str]) -> None:
    if len(predictions) != len(references):
        raise DataError(
            f"Every answer needs one reference; got {len(predictions)} answers, {len(references)} references."
        )
    if not predictions:
        raise DataError("There is nothing to score: at least one answer with its reference is needed; got none.")
