"""Files nobody meant to be data: whatever their bytes, reading ends in rows or a sentence, and reads nothing else."""

import builtins
import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.config.run import DataSettings
from playground.data import readers
from playground.data.readers import READERS
from playground.data.splits import prepare
from playground.errors import PlaygroundError

ROWS = [
    {"instruction": "Say “hi”, twice.", "input": "", "output": "hi, hi"},
    {"instruction": "Nimm\neine\tZeile.", "input": 'a "quoted" one', "output": "다섯 🎈"},
    {"instruction": "3", "input": "x" * 300, "output": "<b>${1}</b>"},
]
AWKWARD = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b'"', b"'", b"\r", b"\n", b"\r\n", b",", b"\t", b"\\",
    b"\\u", b"\\ud800", b"[", b"]", b"{", b"}", b":", b"null", b"NaN", b"Infinity", b"-", b"1e999", b"9" * 5000,
    b"[" * 3000, b'{"a":' * 3000, b"PAR1", b"\x15\x04", b"\xff" * 8, b"\x7f\xff\xff\xff", b"=cmd|' /C calc'!A0",
    b"../../etc/passwd",
]  # fmt: skip
"""What breaks readers: marks, quotes, brackets without end, numbers without end, sizes that are no sizes."""


def as_json() -> bytes:
    return json.dumps(ROWS, ensure_ascii=False).encode()


def as_json_lines() -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode()


def separated(mark: str) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(ROWS[0]), delimiter=mark)
    writer.writeheader()
    writer.writerows(ROWS)
    return buffer.getvalue().encode()


def as_parquet() -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), buffer)
    return buffer.getvalue()


GOOD: dict[str, Callable[[], bytes]] = {
    ".json": as_json,
    ".jsonl": as_json_lines,
    ".ndjson": as_json_lines,
    ".csv": lambda: separated(","),
    ".tsv": lambda: separated("\t"),
    ".parquet": as_parquet,
}


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """A file with some of its bytes replaced, cut out, doubled, or awkward ones put in; or any bytes at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=400))
    content = good
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        middle = draw(
            st.one_of(
                st.sampled_from(AWKWARD),
                st.binary(max_size=6),
                st.just(b""),
                st.just(content[start:end] * 3),
            )
        )
        content = content[:start] + middle + content[end:]
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Paths that were opened for reading by Python while the test ran."""
    seen: list[str] = []
    real = builtins.open

    def watching(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if isinstance(file, str | bytes | os.PathLike) and "r" in mode:
            seen.append(os.fsdecode(file))
        return real(file, mode, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(io, "open", watching)
        patch.setattr(builtins, "open", watching)
        yield seen


def check(path: Path, content: bytes, opened: list[str]) -> None:
    """Rows or a sentence; nothing else read."""
    path.write_bytes(content)
    opened.clear()
    try:
        parts = prepare(DataSettings(source=str(path), split=None, seed=None))
    except PlaygroundError as error:
        said = str(error)
        assert said.rstrip().endswith((".", "?", ")")), said
        assert "Traceback" not in said
        assert len(said) < 3000, said
        said.encode()  # can be shown: no half of a surrogate pair
    else:
        for record in parts.train:
            record.question.encode()
            record.answer.encode()
    ours = [name for name in opened if not name.endswith((".py", ".pyc")) and not name.startswith(sys.prefix)]
    assert [name for name in ours if Path(name).resolve() != path.resolve() and "tmp" not in name] == []


def test_text_of_a_parquet_file_that_is_no_utf8_is_a_sentence(folder: Path, opened: list[str]) -> None:
    """Found by the ten thousand: only reading a cell shows it."""
    path = folder / "bytes.parquet"
    good = as_parquet()
    check(path, good.replace(b"Say", b"\x80ay"), opened)
    with pytest.raises(PlaygroundError, match="not UTF-8: byte 0x80"):
        prepare(DataSettings(source=str(path), split=None, seed=None))


def repeating(text: str, rows: int) -> bytes:
    """A Parquet file in which one text stands in every row, plainly and in a list of objects, but is kept once."""
    indices = pyarrow.array([0] * rows, pyarrow.int32())
    told = pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array([text]))
    nested = pyarrow.ListArray.from_arrays(list(range(rows + 1)), pyarrow.StructArray.from_arrays([told], ["content"]))
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"instruction": told, "messages": nested, "number": indices}), buffer)
    return buffer.getvalue()


def test_a_small_parquet_file_does_not_unpack_into_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "LARGEST_TEXT", 2**30)
    bomb = repeating("a" * 5_000_000, 9000)
    assert len(bomb) < 2_000_000
    with pytest.raises(PlaygroundError, match="more than 1 GiB when it is unpacked"):
        list(islice(READERS[".parquet"](io.BytesIO(bomb), "bomb.parquet"), 200))
    harmless = list(READERS[".parquet"](io.BytesIO(repeating("hello", 3000)), "rows.parquet"))
    assert harmless == [{"instruction": "hello", "messages": [{"content": "hello"}], "number": 0}] * 3000


SAMPLE = settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
MANY = settings(max_examples=10_000, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.mark.parametrize("ending", sorted(GOOD))
def test_a_damaged_file_is_rows_or_a_sentence(ending: str, folder: Path, opened: list[str]) -> None:
    assert GOOD.keys() == READERS.keys()
    good = GOOD[ending]()
    check(folder / f"good{ending}", good, opened)

    @SAMPLE
    @given(damaged(good))
    def examples(content: bytes) -> None:
        check(folder / f"damaged{ending}", content, opened)

    examples()


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ending", sorted(GOOD))
def test_ten_thousand_damaged_files(ending: str, folder: Path, opened: list[str]) -> None:
    @MANY
    @given(damaged(GOOD[ending]()))
    def examples(content: bytes) -> None:
        check(folder / f"damaged{ending}", content, opened)

    examples()
