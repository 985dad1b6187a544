"""Pairs in every form in which people meet them, and why a pair is dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.data import transcripts
from playground.data.formats import assign, to_records
from playground.data.records import Message, Record
from playground.data.tables import Rows, Table
from playground.errors import DataError

Cells = dict[str, object]

ASKED = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: How far is the moon?\n\nAssistant:"
ASKED_TURNS = (Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "How far is the moon?"))
GOOD: Cells = {"chosen": f"{ASKED} 384,400 km.", "rejected": f"{ASKED} Far."}


def table(*rows: Cells) -> Table:
    kept = Rows(rows)
    return Table(kept.columns, kept, "pairs.jsonl")


def only(row: Cells, **mapping: str) -> Record:
    [record] = to_records(table(row), mapping).records
    return record


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_transcripts_as_hh_rlhf_has_them() -> None:
    record = only(GOOD)
    assert record == Record(0, "preference", {"chosen": "384,400 km.", "rejected": "Far."}, ASKED_TURNS)
    assert (record.answer, record.rejected, record.question) == ("384,400 km.", "Far.", "How far is the moon?")


SIDES: list[tuple[Cells, str]] = [
    ({"chosen": f"{ASKED} Far.", "rejected": f"{ASKED} Far."}, "hold the same"),
    ({"chosen": f"{ASKED} a", "rejected": "\n\nHuman: Bye\n\nAssistant: b"}, "do not begin with the same prompt"),
    (
        {"chosen": f"{ASKED} a\n\nHuman: b\n\nAssistant: c", "rejected": f"{ASKED} d"},
        "'chosen' must go on with exactly",
    ),
    ({"chosen": f"{ASKED} a", "rejected": f"{ASKED} a\n\nHuman: b\n\nAssistant: c"}, "does not end with a message"),
    ({"chosen": f"{ASKED} a", "rejected": f"{ASKED} "}, "'rejected' has an empty turn"),
    ({"chosen": f"{ASKED} a", "rejected": "A text."}, "'rejected' is no transcript of Human: and Assistant: turns"),
    ({"chosen": f"{ASKED} a"}, "'rejected' must hold a list of messages; it holds nothing"),
    ({"chosen": "\n\nHuman: a\n\nHuman: b\n\nAssistant: c", "rejected": f"{ASKED} b"}, "do not begin with the same"),
    (
        {"chosen": "\n\nHuman: a\n\nHuman: b\n\nAssistant: c", "rejected": "\n\nHuman: a\n\nHuman: b\n\nAssistant: d"},
        "a user spoke out of turn",
    ),
    ({"chosen": [turn("user", "a")], "rejected": [turn("user", "b")]}, "do not begin with the same prompt"),
]


@pytest.mark.parametrize(("row", "reason"), SIDES)
def test_a_pair_that_is_none_is_dropped_with_its_reason(row: Cells, reason: str) -> None:
    records, dropped = to_records(table(GOOD, row), {})
    assert [record.row for record in records] == [0]
    assert dropped[0].row == 1
    assert reason in dropped[0].reason


def test_a_prompt_of_its_own_with_texts() -> None:
    record = only({"prompt": "Hi", "chosen": "Hello.", "rejected": "What?"})
    fields = {"prompt": "Hi", "chosen": "Hello.", "rejected": "What?"}
    assert record == Record(0, "preference", fields, (Message("user", "Hi"),))


def test_messages_with_and_without_a_prompt_of_their_own() -> None:
    prompt = [turn("system", "Be brief."), turn("user", "Hi")]
    turns = (Message("system", "Be brief."), Message("user", "Hi"))
    answers = ([turn("assistant", "Hello.")], [turn("assistant", "What?")])
    fields = {"chosen": "Hello.", "rejected": "What?"}
    expected = Record(0, "preference", fields, turns)
    assert only({"prompt": prompt, "chosen": answers[0], "rejected": answers[1]}) == expected
    implicit: Cells = {"chosen": prompt + answers[0], "rejected": prompt + answers[1]}
    assert only(implicit) == expected
    # As UltraFeedback has it: the sides hold the prompt, and a column repeats it as a text.
    assert only({"prompt": "Hi", "score_chosen": 5, **implicit}) == expected
    texts: Cells = {"prompt": prompt, "chosen": "Hello.", "rejected": "What?"}
    assert only(texts) == expected


def test_an_instruction_with_its_input() -> None:
    record = only({"instruction": "Fix.", "input": "He go.", "output": "x", "chosen": "He goes.", "rejected": "No."})
    assert record.fields == {"instruction": "Fix.", "input": "He go.", "chosen": "He goes.", "rejected": "No."}
    assert record.messages == (Message("user", "Fix.\n\nHe go."),)


def test_columns_by_hand() -> None:
    row: Cells = {"q": "Hi", "good": "Hello.", "bad": "What?"}
    assert only(row, prompt="q", chosen="good", rejected="bad").messages == (Message("user", "Hi"),)
    assert only(row, instruction="q", chosen="good", rejected="bad").fields["instruction"] == "Hi"
    with pytest.raises(DataError, match=r"row 0\): Column 'good' is no transcript"):
        only(row, chosen="good", rejected="bad")


def test_one_column_asks() -> None:
    columns = ("prompt", "question", "context", "chosen", "rejected")
    sides = {"chosen": "chosen", "rejected": "rejected"}
    assert assign(columns, {}).of == {"prompt": "prompt", **sides}
    by_hand = assign(columns, {"instruction": "question"}).of
    assert by_hand == {"instruction": "question", "input": "context", **sides}
    assert assign(columns, {"prompt": "question"}).of == {"prompt": "question", **sides}
    assert assign(columns[2:], {}).of == sides


def test_equal_answers_prefer_nothing() -> None:
    rows: list[Cells] = [{"prompt": "Hi", "chosen": "a", "rejected": answer} for answer in ("b", "a")]
    [dropped] = to_records(table(*rows), {}).dropped
    assert (dropped.row, dropped.reason) == (
        1,
        "Columns 'chosen' and 'rejected' hold the same answer, so nothing is preferred.",
    )


SAID = (
    st.text(min_size=1).map(str.strip).filter(lambda text: text and not transcripts.parse(text) and "\n\n" not in text)
)


@given(st.lists(SAID, min_size=1, max_size=6))
def test_a_transcript_that_is_written_is_read_again(texts: list[str]) -> None:
    names = ("Human", "Assistant")
    written = "".join(f"\n\n{names[place % 2]}: {text}" for place, text in enumerate(texts))
    read = transcripts.parse(written)
    assert [turn.content for turn in read] == texts
    assert [turn.role for turn in read] == [("user", "assistant")[place % 2] for place in range(len(texts))]


@given(st.text())
def test_any_text_is_a_transcript_or_is_none(text: str) -> None:
    assert all(isinstance(turn, Message) for turn in transcripts.parse(text))
