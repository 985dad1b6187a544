"""JSON that every reader accepts."""

import json
from pathlib import Path

import numpy as np

from playground.runs import strict


def test_numbers_that_are_not_finite_become_null_all_the_way_down() -> None:
    value = {"a": [1.5, float("inf"), (float("nan"), True, None)], "b": np.float32(0.5), "c": np.int64(3), "d": "x"}
    assert strict.strict(value) == {"a": [1.5, None, [None, True, None]], "b": 0.5, "c": 3, "d": "x"}
    assert json.loads(strict.dumps(value)) == strict.strict(value)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    strict.write(path, {"text": "첫째"})
    strict.write(path, {"text": "\ud800", "loss": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"text": "?", "loss": None}
    assert [found.name for found in tmp_path.iterdir()] == ["result.json"]
