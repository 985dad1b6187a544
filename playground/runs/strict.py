"""Strict JSON: what browsers and other languages can read. Python alone would write NaN and Infinity into it."""

import json
import math
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any


def strict(value: Any) -> Any:
    """The same value with every number that is not finite replaced by None, all the way down."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):  # numpy's too, here and below
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return value


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON text of `value` with null for numbers that are not finite; ASCII only, so that any text can be stored."""
    return json.dumps(strict(value), allow_nan=False, indent=indent)


def write(path: Path, value: Any) -> None:
    """Writes JSON aside and renames it, so that a reader never sees half a file."""
    aside = path.with_name(path.name + ".part")
    text = json.dumps(strict(value), allow_nan=False, indent=2, ensure_ascii=False)
    aside.write_text(text + "\n", encoding="utf-8", errors="replace")
    aside.replace(path)
