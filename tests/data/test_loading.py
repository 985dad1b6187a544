"""Every kind of file, and every way in which one can be bad."""

import errno
import json
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from playground.config.run import DataSettings
from playground.data import readers
from playground.data.loading import Table, load_rows
from playground.data.tables import Rows
from playground.errors import DataError
from playground.runs.events import Progress

Write = Callable[[str, str | bytes], Path]

ROWS: list[dict[str, object]] = [
    {"question": "Où?", "answer": 'Over "there",\nleft.'},
    {"question": "Why?", "answer": "So."},
]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and gives its path."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def load(path: Path) -> Table:
    return load_rows(DataSettings(source=str(path)))


def parquet(columns: list[str], cells: list[list[object]]) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.Table.from_arrays([pa.array(column) for column in cells], names=columns), sink)
    return bytes(sink.getvalue().to_pybytes())


CSV = 'question,answer\nOù?,"Over ""there"",\nleft."\n\nWhy?,So.\n'
GOOD: dict[str, str | bytes] = {
    "array.json": json.dumps(ROWS),
    "data.json": json.dumps({"data": ROWS, "version": 1}),
    "marked.json": b"\xef\xbb\xbf" + json.dumps(ROWS, ensure_ascii=False).encode(),
    "lines.jsonl": "\n".join(json.dumps(row) for row in ROWS) + "\n\n",
    "windows.jsonl": "\r\n".join(json.dumps(row) for row in ROWS),
    "comma.csv": CSV,
    "marked.csv": b"\xef\xbb\xbf" + CSV.encode(),
    "UPPER.CSV": CSV,
    "tab.tsv": 'question\tanswer\nOù?\t"Over ""there"",\nleft."\nWhy?\tSo.\n',
    "arrow.parquet": parquet(
        ["question", "answer"], [[row["question"] for row in ROWS], [row["answer"] for row in ROWS]]
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_file_gives_the_same_rows(name: str, write: Write) -> None:
    table = load(write(name, GOOD[name]))
    assert table.columns == ("question", "answer")
    assert table.rows == ROWS
    assert table.source == name


def test_a_line_separator_inside_a_json_text_does_not_end_the_line(write: Write) -> None:
    assert load(write("a.jsonl", '{"question": "a\u2028b"}\n')).rows == [{"question": "a\u2028b"}]


def test_columns_are_those_of_all_rows(write: Write) -> None:
    assert load(write("a.json", '[{"a": "1"}, {"b": "2", "a": "3"}]')).columns == ("a", "b")


BAD: dict[str, tuple[str | bytes, str]] = {
    "empty.json": (b"", r"empty\.json is empty"),
    "blank.csv": (b" \n\n", r"blank\.csv is empty"),
    "none.json": ("[]", r"has no rows"),
    "header.csv": ("question,answer\n", r"header\.csv has no rows"),
    "broken.json": ('[\n{"a": "b",}]', r"line 2, column \d+"),
    "object.json": ('{"a": 1}', r"must hold a JSON array .* an object without such an array"),
    "number.json": ("3", r"must hold a JSON array .* one int"),
    "deep.json": ("[" * 200_000, r"deep\.json is JSON that cannot be read: .*recursion"),
    "huge.json": ('[{"a": ' + "9" * 5000 + "}]", r"huge\.json is JSON that cannot be read: .*digits"),
    "mixed.json": ('[{"a": "b"}, "c"]', r"row 1 is one str"),
    "broken.jsonl": ('{"a": "b"}\n\n{"a": \n', r"broken\.jsonl, row 1, is not valid JSON at line 3, column \d"),
    "array.jsonl": ('{"a": "b"}\n[1]\n', r"row 1 \(line 2\) is one list"),
    "latin.csv": ("question,answer\nOù,là\n".encode("latin-1"), r"not UTF-8 text: byte 0xF9 in line 2"),
    "wide.csv": ("question,answer\n".encode("utf-16"), r"is in UTF-16; save it as UTF-8"),
    "short.csv": ("a,b\n1,2\n3\n", r"row 1 \(line 3\) has 1 cells and the header has 2"),
    "long.tsv": ("a\tb\n1\t2\t3\n", r"row 0 \(line 2\) has 3 cells and the header has 2"),
    "quote.csv": ('a,b\n1,"2\n', r"row 0 .* cannot be read: unexpected end of data"),
    "twice.csv": ("a,b,a\n1,2,3\n", r"2 columns of the name 'a'"),
    "twice.parquet": (parquet(["a", "a"], [["1"], ["2"]]), r"2 columns of the name 'a'"),
    "text.parquet": ("not parquet at all", r"not a Parquet file that can be read"),
    "notes.txt": ("hello", r"ends in \.txt; files that can be read are \.json, \.jsonl"),
    "bare": ("hello", r"ends in nothing; files"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_the_place_where_it_is_broken(name: str, write: Write) -> None:
    content, message = BAD[name]
    with pytest.raises(DataError, match=message):
        load(write(name, content))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file .*gone\.json"):
        load(tmp_path / "gone.json")
    with pytest.raises(DataError, match="is no file but a folder"):
        load(tmp_path)
    for source in ("data/gone.csv", "~nobody-here/a.json", "a" * 5000 + ".json", "a b", "../up"):
        with pytest.raises(DataError, match=r"There is no file "):
            load_rows(DataSettings(source=source))


def test_a_hub_data_set_fails_at_once_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    begun = time.monotonic()
    with pytest.raises(DataError, match=r"tatsu-lab/alpaca is neither bundled nor a file, .* from the Hub now"):
        load_rows(DataSettings(source="tatsu-lab/alpaca"))
    assert time.monotonic() - begun < 10


def test_progress_tells_the_number_of_rows(write: Write) -> None:
    told: list[Progress] = []
    load_rows(DataSettings(source=str(write("a.json", json.dumps(ROWS)))), told.append)
    assert [(event.stage, event.done, event.total) for event in told] == [("data", 0, 0), ("data", 2, 2)]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "LONGEST_CELL", 1000)
    with pytest.raises(DataError, match=r"open\.csv, row 1 \(line \d+\) cannot be read: field larger than field limit"):
        load(write("open.csv", 'a,b\n1,2\n3,"4\n' + "5,6\n" * 1000))


def test_a_disk_without_room_is_told(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = write("rows.jsonl", '{"a": "b"}\n')
    monkeypatch.setattr(Rows, "append", full)
    with pytest.raises(DataError, match=r"Row 0 of rows\.jsonl has no room .*No space left .*data\.limit"):
        load(path)


def test_lines_of_old_computers_end_rows_too(write: Write) -> None:
    assert load(write("old.csv", 'question,answer\rOù?,"Over ""there"",\nleft."\rWhy?,So.\r')).rows == ROWS
