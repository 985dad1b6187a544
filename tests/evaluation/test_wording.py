from hypothesis import given
from hypothesis import strategies as st

from playground.evaluation.wording import LONGEST, word_difference

words = st.lists(st.sampled_from(["a", "b", "c", "don't", "한국어", ",", ".", "\n", "  ", "é"]), max_size=12).map(
    " ".join
)


def told(before: str, after: str) -> list[tuple[str, str]]:
    return [(found.kind, found.text) for found in word_difference(before, after)]


@given(words | st.text(max_size=20), words | st.text(max_size=20))
def test_both_texts_can_be_read_off(before: str, after: str) -> None:
    found = told(before, after)
    assert "".join(text for kind, text in found if kind != "added") == before
    assert "".join(text for kind, text in found if kind != "removed") == after
    assert all(text for _, text in found)


def test_words_change_whole_and_neighbours_together() -> None:
    assert told("The capital is Paris.", "The capital is Berlin.") == [
        ("same", "The capital is "), ("removed", "Paris"), ("added", "Berlin"), ("same", "."),
    ]  # fmt: skip
    assert told("The big cat sat", "A small dog sat") == [
        ("removed", "The big cat"), ("added", "A small dog"), ("same", " sat"),
    ]  # fmt: skip
    assert told("one two three", "one three") == [("same", "one "), ("removed", "two "), ("same", "three")]
    assert told("", "") == []
    assert told("same", "same") == [("same", "same")]


def test_very_long_answers_are_not_compared_word_by_word() -> None:
    long = "word " * LONGEST
    assert told(long, long + "end") == [("removed", long), ("added", long + "end")]
    assert told(long, long) == [("same", long)]
