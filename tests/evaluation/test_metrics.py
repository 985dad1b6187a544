"""Scores against numbers worked out by hand, and what must hold of any scores."""

import math
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import DataError
from playground.evaluation.metrics import SacreBLEU, Scores, score, score_each

REFERENCE = "He goes to the park every day."  # 8 tokens under 13a: the full stop stands alone


def test_corpus_bleu_by_hand() -> None:
    """One token of eight is wrong, at the second place: clipped n-gram matches are counted by hand.

    1-grams 7/8, 2-grams 5/7 (two touch it), 3-grams 4/6, 4-grams 3/5; equal lengths, so no brevity penalty.
    """
    by_hand = 100 * (7 / 8 * 5 / 7 * 4 / 6 * 3 / 5) ** (1 / 4)
    assert score(["He go to the park every day."], [REFERENCE]).bleu == pytest.approx(by_hand, abs=1e-9)


def test_brevity_penalty_by_hand() -> None:
    """A prefix of 6 tokens has precision 1 throughout; the penalty is exp(1 - 8/6)."""
    found = score(["He goes to the park every"], [REFERENCE])
    assert found.bleu == pytest.approx(100 * math.exp(1 - 8 / 6), abs=1e-9)


def test_bleu_counts_over_the_set_not_over_answers() -> None:
    """A perfect answer of 8 tokens and an empty one against 8 + 3: precision 1, brevity penalty exp(1 - 11/8)."""
    found = score([REFERENCE, ""], [REFERENCE, "It is blue"])
    assert found.bleu == pytest.approx(100 * math.exp(1 - 11 / 8), abs=1e-9)
    assert found.exact_match == 0.5
    assert found.rouge_l == pytest.approx(50)


def test_sentence_bleu_smooths_and_uses_the_orders_there_are() -> None:
    """1-grams 2/3, 2-grams 1/2, 3-grams 0/1 smoothed to half of one; there are no 4-grams, so the third root."""
    [found] = score_each(["the red house"], ["the red mouse"])
    assert found.bleu == pytest.approx(100 * (2 / 3 * 1 / 2 * 1 / 2) ** (1 / 3), abs=1e-9)


def test_rouge_l_by_hand() -> None:
    """The longest common subsequence of "a b c d" and "a c x d e" is "a c d": precision 3/4, recall 3/5, F1 2/3."""
    [found] = score_each(["a b c d"], ["a c x d e"])
    assert found.rouge_l == pytest.approx(200 / 3, abs=1e-9)


def test_chrf_by_hand() -> None:
    """ "ab" against "abc": 1-grams P 1 R 2/3, 2-grams P 1 R 1/2; with orders 1 and 2 only in play, F2 of the means."""
    precision, recall = 1.0, (2 / 3 + 1 / 2) / 2
    by_hand = 100 * 5 * precision * recall / (4 * precision + recall)
    [found] = score_each(["ab"], ["abc"])
    assert found.chrf == pytest.approx(by_hand, abs=1e-9)


def test_rouge_sees_letters_beyond_ascii() -> None:
    found = score(["대한민국의 수도는 서울입니다."], ["수도는 서울입니다."])
    assert found.rouge_l == pytest.approx(100 * 2 * (2 / 3 * 1) / (2 / 3 + 1))


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_words_of_ascii_text_are_rouge_scores_own(text: str) -> None:
    from rouge_score.tokenize import tokenize

    from playground.evaluation.metrics import _Words

    assert _Words().tokenize(text) == tokenize(text, None)


def test_the_signature_says_how_bleu_was_computed() -> None:
    from sacrebleu import __version__

    found = score(["a"], ["a"])
    assert found.signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{__version__}"


def test_the_names_in_json() -> None:
    assert Scores(1.0, 2.0, 3.0, 0.25, "s").to_json() == {"bleu": 1.0, "chrf": 2.0, "rougeL": 3.0, "exact_match": 0.25}


def test_perfect_answers_score_full_and_empty_ones_nothing() -> None:
    perfect = score([REFERENCE, REFERENCE + "\n"], [REFERENCE, REFERENCE])
    assert perfect.to_json() == pytest.approx({"bleu": 100, "chrf": 100, "rougeL": 100, "exact_match": 1})
    empty = score(["", " \n"], [REFERENCE, REFERENCE])
    assert empty.to_json() == {"bleu": 0, "chrf": 0, "rougeL": 0, "exact_match": 0}


def test_nothing_to_score_is_said() -> None:
    with pytest.raises(DataError, match="nothing to score"):
        score([], [])
    with pytest.raises(DataError, match="got 1 answers, 2 references"):
        score(["a"], ["a", "b"])


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=30)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_scores_keep_their_ranges_and_ignore_the_order_of_rows(pairs: list[tuple[str, str]]) -> None:
    found = score([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    turned = score([pair[0] for pair in reversed(pairs)], [pair[1] for pair in reversed(pairs)])
    for name, value in found.to_json().items():
        assert 0 <= value <= (1 if name == "exact_match" else 100)
        assert turned.to_json()[name] == pytest.approx(value)
    each = score_each([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    assert sum(answer.rouge_l for answer in each) / len(each) == pytest.approx(found.rouge_l)


def test_it_is_an_evaluate_metric_that_takes_batches(tmp_path: Path) -> None:
    metric = SacreBLEU(keep_in_memory=True, cache_dir=str(tmp_path))
    metric.add_batch(predictions=["He go to the park every day."], references=[REFERENCE])
    metric.add(prediction="", reference="It is blue")
    found = metric.compute()
    assert found["score"] == pytest.approx(100 * (7 / 8 * 5 / 7 * 4 / 6 * 3 / 5) ** (1 / 4) * math.exp(1 - 11 / 8))
    assert (found["sys_len"], found["ref_len"]) == (8, 11)


def test_many_threads_score_at_once() -> None:
    rows = {f"word number {number} of the set": 0.0 for number in range(8)}

    def work(text: str) -> None:
        rows[text] = score([text], [text]).bleu + score([text], ["entirely different"]).exact_match

    threads = [threading.Thread(target=work, args=(text,)) for text in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(rows.values()) == [pytest.approx(100)] * 8


def test_the_home_of_the_cache_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", str(tmp_path / "cache"))
    score(["a"], ["a"])
    assert not (tmp_path / "cache").exists()
