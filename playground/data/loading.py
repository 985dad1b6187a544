"""Rows from a bundled data set, a file or the Hub. Knows nothing of what the columns mean.

Files: JSON (an array of objects, or {"data": [...]}), JSON Lines, CSV, TSV and Parquet, by their endings; texts in
UTF-8, with or without a byte-order mark. Row numbers in messages count from 0 and leave the header out.
"""

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from playground.config.run import DataSettings
from playground.data import bundled, uploads
from playground.errors import DataError
from playground.runs.events import Progress

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
FOREIGN_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


@dataclass(frozen=True)
class Table:
    """Rows of cells by column name."""

    columns: tuple[str, ...]
    rows: list[dict[str, object]]
    """A cell that the source leaves out is not in its row."""
    source: str
    """What was read, for people: a name, a file's name or a Hub id."""


def load_rows(settings: DataSettings, progress: Callable[[Progress], None] | None = None) -> Table:
    """All rows of the settings' source.

    Raises:
        DataError: there is no such source, or it cannot be read; says where it is broken.
    """
    if progress:
        progress(Progress("data", 0, 0, "rows"))
    table = _load(settings)
    if not table.rows:
        raise DataError(f"{table.source} has no rows.")
    if progress:
        progress(Progress("data", len(table.rows), len(table.rows), "rows"))
    return table


def _load(settings: DataSettings) -> Table:
    source = settings.source.strip()
    if found := bundled.find(source):
        return read_file(found.path, source)
    if upload := uploads.find(source):
        return read_file(upload, upload.name)
    path = _existing(source)
    if path and path.is_file():
        return read_file(path, path.name)
    if path:
        raise DataError(f"{source} is no file but a folder or a device; name a file that ends in {_endings()}.")
    if Path(source).suffix.lower() in READERS or not HUB_ID.fullmatch(source):
        raise DataError(f"There is no file {source}; check the path.")
    from playground.data.hub import load_from_hub

    rows = load_from_hub(source, settings.hub_config, settings.hub_split)
    return Table(_columns(rows), rows, source)


def _existing(source: str) -> Path | None:
    """What lies at this path, if anything does."""
    try:
        path = Path(source).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # a name longer than the file system allows, or the home of nobody
        return None


def read_file(path: Path, source: str) -> Table:
    """The rows of a file, read as its ending says.

    Raises:
        DataError: the ending is unknown, or the file is not what its ending says.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{source} ends in {path.suffix or 'nothing'}; files that can be read are {_endings()}.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}.") from error
    if not content.strip():
        raise DataError(f"{source} is empty.")
    rows = reader(content, source)
    return Table(_columns(rows), rows, source)


def _columns(rows: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """Every name that some row has, in order of first appearance."""
    return tuple(dict.fromkeys(name for row in rows for name in row))


def _text(content: bytes, source: str) -> str:
    for mark, encoding in FOREIGN_MARKS.items():
        if content.startswith(mark):
            raise DataError(f"{source} is in {encoding}; save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{source} is not UTF-8 text: byte 0x{content[error.start]:02X} in line {line}; save it as UTF-8."
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


def _read_json(content: bytes, source: str) -> list[dict[str, object]]:
    document = _parse(_text(content, source), source)
    rows = document.get("data") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise DataError(
            f'{source} must hold a JSON array of objects, or {{"data": [...]}}; it holds '
            f"{'an object without such an array' if isinstance(document, dict) else 'one ' + type(document).__name__}."
        )
    return [_object(row, f"row {place}", source) for place, row in enumerate(rows)]


def _read_json_lines(content: bytes, source: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    # Not `splitlines`: it breaks at U+2028 and its like, which JSON texts may hold.
    for number, line in enumerate(_text(content, source).split("\n"), start=1):
        if not line.strip():
            continue
        value = _parse(line, f"{source}, row {len(rows)},", number)
        rows.append(_object(value, f"row {len(rows)} (line {number})", source))
    return rows


def _object(row: object, where: str, source: str) -> dict[str, object]:
    if not isinstance(row, dict):
        raise DataError(f"Every row of {source} must be a JSON object; {where} is one {type(row).__name__}.")
    return row


def _read_separated(content: bytes, source: str, separator: str) -> list[dict[str, object]]:
    reader = csv.reader(io.StringIO(_text(content, source), newline=""), delimiter=separator, strict=True)
    header: list[str] | None = None
    rows: list[dict[str, object]] = []
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
                    f"{source}, row {len(rows)} (line {reader.line_num}) has {len(cells)} cells and the header has "
                    f"{len(header)}; put cells that hold the separator or a line break in double quotes."
                )
            rows.append(dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise DataError(f"{source}, row {len(rows)} (line {reader.line_num}) cannot be read: {error}.") from None
    return rows


def _read_csv(content: bytes, source: str) -> list[dict[str, object]]:
    return _read_separated(content, source, ",")


def _read_tsv(content: bytes, source: str) -> list[dict[str, object]]:
    return _read_separated(content, source, "\t")


def _read_parquet(content: bytes, source: str) -> list[dict[str, object]]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        _check_header(file.schema_arrow.names, source)
        rows: list[dict[str, object]] = file.read().to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{source} is not a Parquet file that can be read: {error}.") from error
    return rows


def _check_header(header: Sequence[str], source: str) -> None:
    for name, count in Counter(header).items():
        if count > 1:
            raise DataError(f"{source} has {count} columns of the name {name!r}; every column needs its own.")


Reader = Callable[[bytes, str], list[dict[str, object]]]
READERS: dict[str, Reader] = {
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".parquet": _read_parquet,
}


def _endings() -> str:
    return ", ".join(READERS)
