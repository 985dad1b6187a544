"""Rows for the trainer: in memory or in a file, and the prompts that are sampled from them."""

import gc
import json
import tempfile
from pathlib import Path

import pytest
from datasets import Features
from transformers import AutoTokenizer

from playground.config.run import DataSettings
from playground.data.masking import TokenizedRow
from playground.data.splits import prepare
from playground.errors import Cancelled
from playground.runs.context import JobContext
from playground.training.rows import IDS, IGNORED, Encoding, as_dataset, labelled
from playground.training.samples import fixed_prompts
from tests.training.runs import write_rows


def test_prompts_without_an_answer_are_sampled_and_rows_without_a_place_are_passed_over(
    small_models: dict[str, Path], tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(small_models["gpt2"])
    prompts = prepare(DataSettings(source="lumen-openings", split=None))
    found = fixed_prompts(prompts, "plain", tokenizer, 200)
    assert [(prompt.question, prompt.reference) for prompt in found] == [
        (record.question, "") for record in prompts.test[:3]
    ]
    turns = [{"role": role, "content": "Hi"} for role in ("user", "assistant")]
    talks = tmp_path / "talks.jsonl"
    talks.write_text("".join(json.dumps({"messages": turns * times}) + "\n" for times in (1, 1, 2, 1)))
    splits = prepare(DataSettings(source=str(talks), split=(0.5, 0.5)))
    assert len(fixed_prompts(splits, "alpaca", tokenizer, 200)) == 1


def test_rows_in_a_file_are_those_in_memory() -> None:
    tokenized = [TokenizedRow([1, 2, place], [0, 1, 1], 2, truncated=False, answer_cut=False) for place in range(2500)]
    features = Features({"input_ids": IDS, "labels": IDS})
    in_memory, in_a_file = (
        as_dataset(map(labelled, tokenized), features, in_memory=choice) for choice in (True, False)
    )
    assert in_memory.to_dict() == in_a_file.to_dict()
    assert in_memory[2400] == {"input_ids": [1, 2, 2400], "labels": [IGNORED, 2, 2400]}
    [file] = (Path(found["filename"]) for found in in_a_file.cache_files)
    assert file.is_file()
    del in_a_file
    gc.collect()
    assert not file.parent.exists()
    assert not in_memory.cache_files


def test_a_run_that_is_stopped_while_it_is_tokenised_leaves_no_rows(
    small_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tokenizer = AutoTokenizer.from_pretrained(small_models["gpt2"])
    splits = prepare(DataSettings(source=str(write_rows(tmp_path)), split=(0.8, 0.2)))
    context = JobContext("test", tmp_path, lambda _: None)
    context.stop.set()
    with pytest.raises(Cancelled):
        Encoding("instruction-response", tokenizer, 512, "response").rows(splits, 3, context)
    assert not list(tmp_path.glob("playground-rows-*"))
