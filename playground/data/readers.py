"""Rows of a file, one after the other: JSON Lines, CSV, TSV and Parquet as they are read, JSON as a whole.

Texts are UTF-8, with or without a byte-order mark. Row numbers in messages count from 0 and leave the header out.
"""

import codecs
import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from playground.errors import DataError

if TYPE_CHECKING:
    import pyarrow

FOREIGN_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
LARGEST_JSON = 512 * 1024 * 1024
"""Bytes of the largest JSON array that is parsed; it takes several times as much memory."""
LONGEST_CELL = 16 * 1024 * 1024
"""Characters of a CSV cell; a quote that is never closed ends there."""
BATCH = 64
"""Rows of a Parquet file that are read at once: few, since one long text may stand in all of them."""
LARGEST_TEXT = 8 * 1024**3
"""Bytes of a Parquet file, unpacked: half a megabyte can repeat one text until it fills the disk."""

Row = dict[str, object]


def read_json(file: BinaryIO, source: str) -> Iterator[Row]:
    """Rows of an array of objects, or of `{"data": [...]}`."""
    size = file.seek(0, io.SEEK_END)
    if size > LARGEST_JSON:
        raise DataError(
            f"{source} has {size / 2**20:,.0f} MiB, and JSON is read whole up to {LARGEST_JSON // 2**20} MiB; "
            "write it as JSON Lines (.jsonl), one object a line, which has no such limit."
        )
    file.seek(0)
    document = _parse("".join(_lines(file, source)), source)
    rows = document.get("data") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise DataError(
            f'{source} must hold a JSON array of objects, or {{"data": [...]}}; it holds '
            f"{'an object without such an array' if isinstance(document, dict) else 'one ' + type(document).__name__}."
        )
    for place, row in enumerate(rows):
        yield _object(row, f"row {place}", source)


def read_json_lines(file: BinaryIO, source: str) -> Iterator[Row]:
    """Rows of one object a line."""
    place = 0
    for number, line in enumerate(_lines(file, source), start=1):
        if line.strip():
            value = _parse(line.rstrip("\r\n"), f"{source}, row {place},", number)
            yield _object(value, f"row {place} (line {number})", source)
            place += 1


def read_csv(file: BinaryIO, source: str) -> Iterator[Row]:
    """Rows of comma-separated cells under a header."""
    return _read_separated(file, source, ",")


def read_tsv(file: BinaryIO, source: str) -> Iterator[Row]:
    """Rows of tab-separated cells under a header."""
    return _read_separated(file, source, "\t")


def read_parquet(file: BinaryIO, source: str) -> Iterator[Row]:
    """Rows of a Parquet file."""
    import pyarrow
    import pyarrow.parquet

    try:
        parquet = pyarrow.parquet.ParquetFile(file)
        _check_header(parquet.schema_arrow.names, source)
        whole = 0
        for batch in parquet.iter_batches(BATCH, use_threads=False):
            whole += sum(_unpacked(column) for column in batch.columns)
            if whole > LARGEST_TEXT:
                raise DataError(
                    f"{source} holds more than {LARGEST_TEXT // 2**30} GiB when it is unpacked; leave rows out."
                )
            yield from batch.to_pylist()
    except UnicodeDecodeError as error:
        raise DataError(f"{source} has text that is not UTF-8: byte 0x{error.object[error.start]:02X}.") from None
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:  # a date beyond those of Python, too
        raise DataError(f"{source} is not a Parquet file that can be read: {error}.") from error


def _unpacked(column: "pyarrow.Array") -> int:
    """Bytes of a column's rows, each text counted as often as it stands there."""
    from pyarrow import types

    if types.is_dictionary(column.type) and types.is_string(column.type.value_type):
        from pyarrow import compute

        lengths = compute.binary_length(column.dictionary)
        return int(compute.sum(lengths.take(column.indices)).as_py() or 0)
    if types.is_struct(column.type):
        return sum(_unpacked(part) for part in column.flatten())
    if types.is_list(column.type) or types.is_large_list(column.type):
        return _unpacked(column.flatten())
    return int(column.nbytes)


Reader = Callable[[BinaryIO, str], Iterator[Row]]
READERS: dict[str, Reader] = {
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
}
"""By the ending of a file's name."""


def _lines(file: BinaryIO, source: str) -> Iterator[str]:
    r"""Lines with their ends. They end at \n alone: U+2028 and its like may stand inside JSON texts."""
    for number, line in enumerate(file, start=1):
        if number == 1:
            for mark, encoding in FOREIGN_MARKS.items():
                if line.startswith(mark):
                    raise DataError(f"{source} is in {encoding}; save it as UTF-8.")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{source} is not UTF-8 text: byte 0x{line[error.start]:02X} in line {number}; save it as UTF-8."
            ) from None


def _parse(text: str, where: str, first_line: int = 1) -> object:
    """The value of a JSON text that begins in this line of its file; `where` begins the sentence of an error."""
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise DataError(f"{where} is not valid JSON at line {line}, column {error.colno}: {error.msg}.") from None
    except (RecursionError, ValueError) as error:
        raise DataError(f"{where} is JSON that cannot be read: {error}.") from None
    return value


def _object(row: object, where: str, source: str) -> Row:
    if not isinstance(row, dict):
        raise DataError(f"Every row of {source} must be a JSON object; {where} is one {type(row).__name__}.")
    return row


def _read_separated(file: BinaryIO, source: str, separator: str) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    # Lines may end with \r alone, and only outside quotes; the reader wants to see each of them.
    lines = (part for line in _lines(file, source) for part in io.StringIO(line, newline=""))
    reader = csv.reader(lines, delimiter=separator, strict=True)
    header: list[str] | None = None
    place = 0
    try:
        for cells in reader:
            if not cells:
                continue
            if header is None:
                header = cells
                _check_header(header, source)
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"{source}, row {place} (line {reader.line_num}) has {len(cells)} cells and the header has "
                    f"{len(header)}; put cells that hold the separator or a line break in double quotes."
                )
            yield dict(zip(header, cells, strict=True))
            place += 1
    except csv.Error as error:
        raise DataError(f"{source}, row {place} (line {reader.line_num}) cannot be read: {error}.") from None


def _check_header(header: Sequence[str], source: str) -> None:
    for name, count in Counter(header).items():
        if count > 1:
            raise DataError(f"{source} has {count} columns of the name {name!r}; every column needs its own.")
