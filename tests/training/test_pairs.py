"""Pairs as rows: both answers behind their prompt or beside it, margins, and data that holds none."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from playground.config.codec import decode
from playground.config.run import DataSettings
from playground.data.splits import Splits, prepare
from playground.errors import DataError
from playground.runs.context import JobContext
from playground.runs.events import Event, Log
from playground.training.pairs import PairEncoding, require_pairs
from playground.training.rows import fingerprint_of

PAIRS = [
    {"prompt": "What does the user do?", "chosen": "The user goes to the park.", "rejected": "Dull film.", "edge": 1.5},
    {"prompt": "Where is Paris?", "chosen": "The capital is Paris.", "rejected": "The capital is Paris.", "edge": 2},
    {"prompt": "word " * 90, "chosen": "Good.", "rejected": "Bad.", "edge": 3},
    {"prompt": "Is it long?", "chosen": "It is a joy.", "rejected": "It is far too long.", "edge": 0.25},
    {"prompt": "And this?", "chosen": "A joy.", "rejected": "", "edge": 1},
]


def splits_of(folder: Path, pairs: list[dict[str, Any]]) -> Splits:
    path = folder / "pairs.json"
    path.write_text(json.dumps(pairs))
    return prepare(DataSettings(source=str(path), split=(1.0, 0.0)))


@pytest.mark.parametrize("family", ["llama", "opt"])
def test_both_answers_stand_behind_the_same_prompt(family: str, small_models: dict[str, Path], tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(small_models[family])
    splits, told = splits_of(tmp_path, PAIRS), list[Event]()
    context = JobContext("test", tmp_path, told.append)
    apart = PairEncoding("human-assistant", tokenizer, 100).rows(splits, 8, context).train
    whole = PairEncoding("human-assistant", tokenizer, 100, whole=True).rows(splits, 8, context).train
    assert apart["row"] == whole["row"] == [0, 3]
    for side in ("chosen_ids", "rejected_ids"):
        joined = [prompt + answer for prompt, answer in zip(apart["prompt_ids"], apart[side], strict=True)]
        assert list(whole[side]) == joined
    assert f"It is a joy.{tokenizer.eos_token}" in tokenizer.decode(whole["chosen_ids"][1])
    assert set(whole.column_names) == {"chosen_ids", "rejected_ids", "row"}
    # Equal and empty answers were refused with the data already; the long prompt leaves no room.
    assert {drop.row for drop in splits.dropped} == {1, 4}
    [line] = {event.text for event in told if isinstance(event, Log)}
    assert "1 of 3 training rows are left out" in line
    assert "row 2" in line


def test_margins_go_with_their_rows_and_are_part_of_what_a_run_goes_on_with(
    small_models: dict[str, Path], tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(small_models["gpt2"])
    splits, context = splits_of(tmp_path, PAIRS), JobContext("test", tmp_path, lambda _: None)
    margins = {place: float(str(pair["edge"])) for place, pair in enumerate(PAIRS)}
    rows = PairEncoding("human-assistant", tokenizer, 100, True, margins).rows(splits, 8, context)
    assert rows.train["margin"] == [1.5, 0.25]
    other = PairEncoding("human-assistant", tokenizer, 100, True, margins | {3: 0.5}).rows(splits, 8, context)
    assert fingerprint_of(rows) == fingerprint_of(rows)
    assert fingerprint_of(rows) != fingerprint_of(other)


def test_data_without_pairs_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    splits = splits_of(tmp_path, [{"instruction": "Say it.", "output": "It."}] * 3)
    with pytest.raises(DataError, match=r"sft needs chosen and rejected answers .* has instruction and output\."):
        require_pairs(decode({"method": "sft"}), splits)
    require_pairs(decode({"method": "sft"}), splits_of(tmp_path, PAIRS))
