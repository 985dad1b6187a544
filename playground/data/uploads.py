"""Files that people bring: kept under the playground's home by their content, and named without giving a path away.

`data.source` calls them `upload:DIGEST/NAME`, which means the same file on every later run of this installation.
"""

import hashlib
import os
import re
import secrets
import shutil
from pathlib import Path

from playground.errors import DataError
from playground.runs.home import home

PREFIX = "upload:"
LARGEST = 200 * 1024 * 1024
"""Bytes of the largest file that is taken."""
_SOURCE = re.compile(r"upload:([0-9a-f]{16})/([\w.\- ]+)")


def keep(path: Path, name: str) -> str:
    """Keeps a copy of a file under its own name and gives the source that finds it again.

    Raises:
        DataError: it is larger than is taken, or cannot be read.
    """
    name = re.sub(r"[^\w.\- ]", "_", Path(name).name).strip(". ") or "data"
    try:
        if path.stat().st_size > LARGEST:
            size = path.stat().st_size / 2**20
            raise DataError(f"{name} has {size:.0f} MiB; at most {LARGEST // 2**20} MiB are taken.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        target = _folder() / digest / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = target.with_name(f".{secrets.token_hex(4)}")
            shutil.copyfile(path, aside)
            os.replace(aside, target)  # noqa: PTH105  # atomic, also over an existing file
    except OSError as error:
        raise DataError(f"{name} cannot be kept: {error.strerror}.") from error
    return f"{PREFIX}{digest}/{name}"


def find(source: str) -> Path | None:
    """The file that an upload's source names; None where `source` is not an upload. A link leads nowhere: uploads are
    files.

    Raises:
        DataError: the source is malformed, or the file is gone.
    """
    if not source.startswith(PREFIX):
        return None
    match = _SOURCE.fullmatch(source)
    path = _folder() / match[1] / match[2] if match and match[2] not in (".", "..") else None
    if path is None or not path.is_file() or path.is_symlink() or path.parent.is_symlink():
        raise DataError(f"The uploaded file {source.removeprefix(PREFIX)} is not here any more; upload it again.")
    return path


def _folder() -> Path:
    return home() / "uploads"
