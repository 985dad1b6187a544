"""Which columns mean what, and why a row is dropped."""

import json

import pytest

from playground.data.formats import assign, recognise, to_records
from playground.data.loading import Table
from playground.data.records import Dropped, Format, Message, Record
from playground.errors import DataError


def table(*rows: dict[str, object]) -> Table:
    return Table(tuple(dict.fromkeys(name for row in rows for name in row)), list(rows), "rows.json")


def messages(*turns: tuple[str, str]) -> dict[str, object]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("instruction", "input", "output"), "instruction"),
        (("Instruction", "Output"), "instruction"),
        (("instruction", "context", "response", "category"), "instruction"),
        (("question", "answer"), "instruction"),
        (("inputs", "targets"), "instruction"),
        (("instruction", "input", "output", "chosen", "rejected"), "preference"),
        (("prompt", "completion"), "completion"),
        (("prompt", "response"), "completion"),
        (("messages",), "messages"),
        (("id", "conversations"), "messages"),
        (("prompt", "prompt_id", "messages"), "messages"),
        (("chosen", "rejected"), "preference"),
        (("prompt", "prompt_id", "messages", "chosen", "rejected"), "preference"),
        (("question", "response_j", "response_k"), "preference"),
        (("text", "label"), "label"),
        (("sentence", "label", "idx"), "label"),
        (("review", "sentiment"), "label"),
        (("label", "content"), "label"),
        (("text",), "text"),
        (("id", "url", "title", "Document"), "text"),
        (("instruction", "input", "output", "text"), "instruction"),
        (("prompt",), "prompt"),
    ],
)
def test_usual_columns_are_recognised(columns: tuple[str, ...], expected: Format) -> None:
    assert recognise(columns, {}) == expected


def test_aliases_and_hand_made_mappings_name_the_columns() -> None:
    assert assign(("Question ", "context", "Answer"), {}).of == {
        "instruction": "Question ",
        "input": "context",
        "output": "Answer",
    }
    mapped = assign(("instruction", "input", "output", "chosen"), {"output": "chosen"})
    assert (mapped.format, mapped.of["output"], mapped.of["input"]) == ("instruction", "chosen", "input")
    assert assign(("text", "label"), {"prompt": "text", "completion": "label"}).format == "completion"
    assert assign(("talk",), {"messages": "talk"}).of == {"messages": "talk"}


def test_a_mapping_that_is_whole_decides_on_the_format() -> None:
    columns = ("prompt", "completion", "text", "label")
    assert recognise(columns, {}) == "completion"
    assert assign(columns, {"text": "completion"}).of == {"text": "completion"}
    assert recognise(columns, {"text": "text", "label": "label"}) == "label"
    assert recognise(columns, {"label": "label"}) == "label"
    assert recognise(columns, {"prompt": "text"}) == "completion"
    assert recognise(columns[2:], {"prompt": "text"}) == "prompt"
    assert recognise(columns, {"completion": "text"}) == "completion"
    assert recognise(columns, {"chosen": "text", "rejected": "label"}) == "preference"


def test_a_column_serves_one_field() -> None:
    with pytest.raises(DataError, match="not ones the playground knows"):
        assign(("instruction", "output"), {"input": "output"})


@pytest.mark.parametrize(
    ("columns", "mapping", "message"),
    [
        (("label", "score"), {}, r"'label', 'score' .* Needed are instruction and output"),
        (("label", "content"), {"instruction": "content"}, r"with 'instruction' mapped by hand"),
        (("a", "b"), {"instruction": "c"}, r"no column 'c' for instruction; the columns are 'a', 'b'"),
        (("a", "b"), {"answer": "a"}, r"'answer', which is not a field; fields are instruction"),
    ],
)
def test_columns_that_make_no_format_are_told(columns: tuple[str, ...], mapping: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        recognise(columns, mapping)


def test_texts_stand_as_in_the_source() -> None:
    records, dropped = to_records(table({"instruction": " Do\n", "input": None, "output": "\tdone "}), {})
    assert records == (Record(0, "instruction", {"instruction": " Do\n", "input": "", "output": "\tdone "}),)
    assert dropped == ()
    assert records[0].answer == "\tdone "


NESTED = (
    "Column 'instruction' must hold a text; it holds an object. Map the field to a part of it, such as 'instruction.a'."
)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "a", "output": 5}, "Column 'output' must hold a text; it holds a number."),
        ({"instruction": "a", "output": ["b"]}, "Column 'output' must hold a text; it holds a list."),
        ({"instruction": "a", "output": True}, "Column 'output' must hold a text; it holds true or false."),
        (
            {"instruction": {"a": 1}, "output": "b"},
            NESTED,
        ),
        ({"instruction": "a", "output": " \n"}, "Column 'output' is empty."),
        ({"instruction": "", "output": "b"}, "Column 'instruction' is empty."),
        ({"instruction": "a"}, "Column 'output' has nothing in this row."),
        ({"instruction": "a", "output": "b\ud83d"}, "Column 'output' holds half a character, \\ud83d."),
        ({"instruction": "a", "input": 3, "output": "b"}, "Column 'input' must hold a text; it holds a number."),
    ],
)
def test_a_row_that_cannot_be_used_is_dropped_with_its_reason(row: dict[str, object], reason: str) -> None:
    good: dict[str, object] = {"instruction": "a", "output": "b"}
    records, dropped = to_records(table(good, row, good), {})
    assert [record.row for record in records] == [0, 2]
    assert dropped == (Dropped(1, reason),)


def test_when_no_row_can_be_used_the_reasons_are_counted() -> None:
    with pytest.raises(DataError) as caught:
        to_records(
            table(
                {"prompt": "", "completion": "a"}, {"prompt": "b", "completion": 1}, {"prompt": "", "completion": "c"}
            ),
            {},
        )
    assert "None of the 3 rows of rows.json can be used." in str(caught.value)
    assert "2 × (first: row 0): Column 'prompt' is empty." in str(caught.value)
    assert "1 × (first: row 1): Column 'completion' must hold a text" in str(caught.value)


def test_conversations_of_both_dialects_become_messages() -> None:
    expected = (Message("system", "Be kind."), Message("user", "Hi"), Message("assistant", "Hello"))
    named = messages(("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"))
    shared: dict[str, object] = {
        "conversations": [
            {"from": "system", "value": "Be kind."},
            {"from": "human", "value": "Hi"},
            {"from": "gpt", "value": "Hello"},
        ]
    }
    in_csv: dict[str, object] = {"messages": json.dumps(named["messages"])}
    for row in (named, shared, in_csv):
        [record] = to_records(table(row), {}).records
        assert record.messages == expected
        assert (record.kind, record.answer, record.question) == ("messages", "Hello", "Hi")


def test_prompt_and_completion_may_be_conversations() -> None:
    row: dict[str, object] = {
        "prompt": [{"role": "user", "content": "Hi"}],
        "completion": [{"role": "assistant", "content": "Hello"}],
    }
    [record] = to_records(table(row), {}).records
    assert record.messages == (Message("user", "Hi"), Message("assistant", "Hello"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (messages(("user", "a")), "The last message is not the assistant's"),
        (messages(("system", "a")), "The last message is not the assistant's"),
        (messages(("assistant", "a")), "a assistant spoke out of turn"),
        (messages(("user", "a"), ("user", "b"), ("assistant", "c")), "a user spoke out of turn"),
        (messages(("user", "a"), ("system", "b"), ("assistant", "c")), "a system spoke out of turn"),
        (messages(("user", "a"), ("tool", "b")), "a message of role 'tool'"),
        (messages(("user", "a"), ("assistant", " ")), "an empty message"),
        ({"messages": []}, "must hold a list of messages; it holds a list"),
        ({"messages": "hello"}, "must hold a list of messages; it holds a text"),
        ({"messages": "[{"}, "not valid JSON"),
        (messages(("user", "a"), ("assistant", "b\udc00")), "holds half a character"),
        ({"messages": ["hello"]}, "one is a text"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "whose content is a list"),
    ],
)
def test_a_conversation_without_a_question_and_an_answer_is_dropped(row: dict[str, object], reason: str) -> None:
    good = messages(("user", "a"), ("assistant", "b"))
    [dropped] = to_records(table(good, row), {}).dropped
    assert reason in dropped.reason


def test_a_question_for_tables_is_one_short_line() -> None:
    long = Record(0, "completion", {"prompt": "word\n" * 100, "completion": "a"})
    assert len(long.question) <= 200
    assert long.question.endswith("word word…") or long.question.endswith("…")
    assert "\n" not in long.question
    assert (
        Record(0, "instruction", {"instruction": "Sort.", "input": "b, a", "output": "a, b"}).question == "Sort. b, a"
    )


LABELS: list[tuple[object, str]] = [
    (1, "1"),
    (0, "0"),
    (-1, "-1"),
    (1.0, "1"),
    (0.5, "0.5"),
    (True, "true"),
    (False, "false"),
    ("positive", "positive"),
]


@pytest.mark.parametrize(("cell", "label"), LABELS)
def test_labels_of_any_kind_become_texts(cell: object, label: str) -> None:
    [record] = to_records(table({"text": "A fine film.", "label": cell}), {}).records
    assert record == Record(0, "label", {"text": "A fine film.", "label": label})
    assert (record.answer, record.question, record.rejected) == (label, "A fine film.", "")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (float("nan"), "Column 'label' must hold a label; it holds nan."),
        ([1], "Column 'label' must hold a text; it holds a list."),
        (None, "Column 'label' has nothing in this row."),
        ("", "Column 'label' is empty."),
    ],
)
def test_what_is_no_label_is_dropped(cell: object, reason: str) -> None:
    [dropped] = to_records(table({"text": "a", "label": 1}, {"text": "b", "label": cell}), {}).dropped
    assert dropped == Dropped(1, reason)


def test_texts_and_prompts() -> None:
    [text] = to_records(table({"text": "Once.\nUpon", "id": 3}), {}).records
    assert (text.kind, text.fields, text.answer, text.question) == (
        "text",
        {"text": "Once.\nUpon"},
        "Once.\nUpon",
        "Once. Upon",
    )
    [prompt] = to_records(table({"prompt": "I saw"}), {}).records
    assert (prompt.kind, prompt.answer, prompt.question) == ("prompt", "", "I saw")
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    asked: dict[str, object] = {"prompt": [*turns, {"role": "user", "content": "Bye"}]}
    records, dropped = to_records(table(asked, {"prompt": turns}), {})
    assert (records[0].fields, len(records[0].messages), records[0].question) == ({"prompt": "Bye"}, 3, "Bye")
    assert dropped == (Dropped(1, "The prompt in column 'prompt' does not end with a message of the user."),)


def test_mixed_cells_are_sorted_out_row_by_row() -> None:
    rows: list[dict[str, object]] = [{"text": cell} for cell in ("a", 5, None, ["b"], {"c": 1}, True, "d")]
    records, dropped = to_records(table(*rows), {})
    assert [record.row for record in records] == [0, 6]
    assert [drop.row for drop in dropped] == [1, 2, 3, 4, 5]
    assert all("Column 'text'" in drop.reason for drop in dropped)


def test_records_are_a_sequence_that_is_made_when_looked_at() -> None:
    rows: list[dict[str, object]] = [{"text": f"t{place}"} for place in range(10)]
    records = to_records(table(*rows), {}).records
    assert [record.answer for record in records[2:5]] == ["t2", "t3", "t4"]
    assert records[-1].row == 9
    assert records[2:5] == tuple(records)[2:5]
    assert records[2:5] != records[3:6]
    assert records[0] == records[0]
    with pytest.raises(IndexError):
        records[10]


def test_an_error_names_some_of_very_many_columns() -> None:
    columns = [f"c{place}" for place in range(300)]
    with pytest.raises(DataError, match=r"'c29', … and 270 more are not ones") as found:
        assign(columns, {})
    assert len(str(found.value)) < 1000
