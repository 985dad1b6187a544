"""Rows from a bundled data set, a file or the Hub. Knows nothing of what the columns mean."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from playground.config.run import DataSettings
from playground.data import bundled, uploads
from playground.data.parts import Part
from playground.data.readers import READERS
from playground.data.tables import Rows, Table
from playground.errors import DataError
from playground.runs.events import Progress

__all__ = ["Table", "load_rows"]

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
REPORTED = 20_000
"""Rows between two reports of progress."""


def load_rows(
    settings: DataSettings, progress: Callable[[Progress], None] | None = None, *, limit: int | None = None
) -> Table:
    """The rows of the settings' source: every part of it after the other, where it comes in parts.

    Args:
        limit: stop after this many rows; a source in parts is always read whole.

    Raises:
        DataError: there is no such source, or it cannot be read; says where it is broken.
    """
    report = progress or (lambda _: None)
    report(Progress("data", 0, 0, "rows"))
    name, parts = _open(settings)
    rows = Rows()
    ranges: dict[Part, range] = {}
    complete = True
    for part, found in parts.items():
        start = len(rows)
        for row in found:
            if limit is not None and len(parts) == 1 and len(rows) == limit:
                complete = False
                break
            _keep(row, rows, name)
            if len(rows) % REPORTED == 0:
                report(Progress("data", len(rows), 0, "rows"))
        ranges[part] = range(start, len(rows))
    if not len(rows):
        raise DataError(f"{name} has no rows.")
    report(Progress("data", len(rows), len(rows), "rows"))
    return Table(rows.columns, rows, name, ranges if len(parts) > 1 else {}, complete)


def _keep(row: dict[str, object], rows: Rows, name: str) -> None:
    try:
        rows.append(row)
    except OSError as error:
        raise DataError(
            f"Row {len(rows)} of {name} has no room in the folder for temporary files: {error.strerror}. Make room, "
            "set TMPDIR to a folder that has some, or use fewer rows (data.limit)."
        ) from error


def _open(settings: DataSettings) -> tuple[str, Mapping[Part, Iterable[dict[str, object]]]]:
    """The source's name for people, and the rows of its parts, or of all of it as one part."""
    source = settings.source.strip()
    if found := bundled.find(source):
        return source, {part: _read(path, path.name) for part, path in found.paths.items()}
    if upload := uploads.find(source):
        return upload.name, {"train": _read(upload, upload.name)}
    path = _existing(source)
    if path and path.is_file():
        return path.name, {"train": _read(path, path.name)}
    if path:
        raise DataError(f"{source} is no file but a folder or a device; name a file that ends in {_endings()}.")
    if Path(source).suffix.lower() in READERS or not HUB_ID.fullmatch(source):
        raise DataError(f"There is no file {source}; check the path.")
    from playground.data.hub import load_from_hub

    return source, load_from_hub(source, settings.hub_config, settings.hub_split, own_parts=settings.split is None)


def _existing(source: str) -> Path | None:
    """What lies at this path, if anything does."""
    try:
        path = Path(source).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # a name longer than the file system allows, or the home of nobody
        return None


def _read(path: Path, name: str) -> Iterator[dict[str, object]]:
    """The rows of a file, read as its ending says."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{name} ends in {path.suffix or 'nothing'}; files that can be read are {_endings()}.")
    try:
        with path.open("rb") as file:
            if not any(line.strip() for line in iter(lambda: file.read(2**20), b"")):
                raise DataError(f"{name} is empty.")
            file.seek(0)
            yield from reader(file, name)
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}.") from error


def _endings() -> str:
    return ", ".join(READERS)
