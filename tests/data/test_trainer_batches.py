"""The batches that TRL itself builds from our columns: labels are -100 exactly where the model is not to learn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from datasets import Dataset, disable_progress_bars
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from playground.data.masking import EncodedRows, LossOn, TokenizedRow, encode_rows
from playground.data.records import Record
from tests.data.test_templates import FOR_INSTRUCTIONS
from tests.small_models import FAMILIES, Family, tokenizer_of

MAX_LENGTH = 150

RECORDS = [
    Record(place, "instruction", {"instruction": instruction, "input": further, "output": output})
    for place, (instruction, further, output) in enumerate(
        [
            ("Edit the sentence.", "He go to the park.", "He goes to the park."),
            ("Name a capital.", "", "Paris"),
            ("Say it in Korean.", "안녕", "안녕하세요 🙂"),
            ("Go on for long.", "", "The film was a joy. " * 40),
        ]
    )
]


def batches(
    encoded: EncodedRows, tokenizer: PreTrainedTokenizerFast, model: Path, folder: Path, *, completion_only: bool
) -> Iterator[dict[str, torch.Tensor]]:
    """What `SFTTrainer` would train on, in batches of two."""
    disable_progress_bars()
    arguments = SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=2,
        completion_only_loss=completion_only,
        max_length=MAX_LENGTH,
        report_to=[],
        use_cpu=True,
        bf16=False,
        dataloader_pin_memory=False,
        activation_checkpointing=False,
    )
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(model),
        args=arguments,
        train_dataset=Dataset.from_dict(encoded.columns()),
        processing_class=tokenizer,
    )
    yield from trainer.get_train_dataloader()


def expected_labels(row: TokenizedRow) -> list[int]:
    return [token if learnt else -100 for token, learnt in zip(row.input_ids, row.completion_mask, strict=True)]


def learnt(labels: torch.Tensor, attention: torch.Tensor) -> list[list[int]]:
    return [row[kept.bool()].tolist() for row, kept in zip(labels, attention, strict=True)]


@pytest.mark.parametrize("loss_on", ["response", "all"])
@pytest.mark.parametrize("template", FOR_INSTRUCTIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_labels_of_the_trainer(
    family: Family, template: str, loss_on: LossOn, small_models: dict[Family, Path], tmp_path: Path
) -> None:
    tokenizer = tokenizer_of(family)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    encoded = encode_rows(RECORDS, template, tokenizer, MAX_LENGTH, loss_on)
    assert encoded.rows[-1].answer_cut
    seen = []
    for batch in batches(encoded, tokenizer, small_models[family], tmp_path, completion_only=True):
        assert set(batch["labels"][batch["attention_mask"] == 0].tolist()) <= {-100}
        seen += learnt(batch["labels"], batch["attention_mask"])
    assert sorted(seen) == sorted(expected_labels(row) for row in encoded.rows)


@pytest.mark.parametrize("family", FAMILIES)
def test_labels_of_the_collator(family: Family) -> None:
    tokenizer = tokenizer_of(family)
    encoded = encode_rows(RECORDS, "alpaca", tokenizer, MAX_LENGTH)
    collate = DataCollatorForLanguageModeling(pad_token_id=tokenizer.eos_token_id)
    batch = collate([{"input_ids": row.input_ids, "labels": expected_labels(row)} for row in encoded.rows])
    for labels, ids, row in zip(batch["labels"], batch["input_ids"], encoded.rows, strict=True):
        length = len(row.input_ids)
        assert ids[:length].tolist() == row.input_ids
        assert [place for place, mark in enumerate(row.completion_mask) if mark] == (
            (labels != -100).nonzero().flatten().tolist()
        )
        assert (labels[length:] == -100).all()


def test_batches_are_those_of_the_course() -> None:
    """The notes' collation from scratch: the end-of-sequence token behind each row and as padding, inputs and targets
    shifted by one, the first padding kept as the end, the rest masked, all cut to length."""
    end, longest = 50256, 4
    rows = [[*ids, end][: longest + 1] for ids in ([0, 1, 2, 3, 4], [5, 6], [7, 8, 9])]
    collate = DataCollatorForLanguageModeling(pad_token_id=end)
    batch = collate([{"input_ids": ids, "labels": [-100, *ids[1:]]} for ids in rows])
    assert batch["input_ids"][:, :-1].tolist() == [[0, 1, 2, 3], [5, 6, end, end], [7, 8, 9, end]]
    assert batch["labels"][:, 1:].tolist() == [[1, 2, 3, 4], [6, end, -100, -100], [8, 9, end, -100]]
