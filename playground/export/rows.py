"""The rows that a run trained on, as lines of JSON that a person can read and a few lines of Python can tokenize.

How simply they can be tokenized is found out here, by doing what the script will do and comparing it, row by row, with
the tokens of the run. Where nothing simple gives the same tokens, the rows bring their tokens along.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from transformers import PreTrainedTokenizerBase

from playground.data.masking import BATCH, LossOn, TokenizedRow, encode_batches
from playground.data.records import Record
from playground.data.rendered import Segment
from playground.data.splits import Splits
from playground.data.templates import render
from playground.errors import DataError
from playground.runs.events import Progress

TRAIN = "train.jsonl"
HELD_OUT = "validation.jsonl"
IGNORED = -100

Shape = Literal["pairs", "parts", "tokens"]
"""`pairs`: `prompt` and `completion`; `parts`: a list of `text` and whether the model is to `learn` it; `tokens`: the
same with `input_ids` and `labels`."""


@dataclass(frozen=True)
class Wording:
    """How a run puts its records into tokens."""

    template: str
    """A template's name, or the text of a custom one."""
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    loss_on: LossOn


@dataclass(frozen=True)
class WrittenRows:
    """What was written, and how a script turns it into tokens."""

    shape: Shape
    framed: bool
    """Whether the tokenizer's own special tokens go in front (`add_special_tokens`)."""
    train: int
    """Rows of `train.jsonl`."""
    held_out: int
    """Rows of `validation.jsonl`; 0 where there is none."""
    prompt: str
    """What the model reads before the last answer of the first row: of the held-out ones, if any."""


@dataclass(frozen=True)
class _Row:
    segments: tuple[Segment, ...]
    tokens: TokenizedRow


def write_rows(
    splits: Splits, wording: Wording, held_out_rows: int, folder: Path, report: Callable[[Progress], None]
) -> WrittenRows:
    """Writes `train.jsonl` and, where rows are held out, `validation.jsonl`.

    Args:
        held_out_rows: rows of the validation loss; 0 where the run had none.

    Raises:
        DataError: the data has no row left to train on.
    """
    held_out = (splits.validation or splits.test)[:held_out_rows] if held_out_rows else ()
    parts = {TRAIN: splits.train, HELD_OUT: held_out}
    shape, framed = _simplest(parts.values(), wording, report)
    counts = {name: _write(records, wording, shape, folder / name, report) for name, records in parts.items()}
    if not counts[TRAIN]:
        raise DataError("No row of the run's data is left to train on; the data has changed since.")
    if not counts[HELD_OUT]:
        (folder / HELD_OUT).unlink()
    first = next(_rows((held_out if counts[HELD_OUT] else splits.train)[:BATCH], wording, report))
    prompt = "".join(segment.text for segment in first.segments[:-1])
    return WrittenRows(shape, framed, counts[TRAIN], counts[HELD_OUT], prompt)


def encode(parts: Sequence[tuple[str, bool]], tokenizer: PreTrainedTokenizerBase, *, framed: bool) -> TokenizedRow:
    """What the script does; see `steps.ENCODE`. Nothing is cut."""
    text, ids, mask = "", list[int](), list[int]()
    for part, learnt in parts:
        text += part
        whole = list(tokenizer(text, add_special_tokens=framed, verbose=False)["input_ids"])
        if whole[: len(ids)] != ids:
            whole = ids + tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"]
        mask += [int(learnt)] * (len(whole) - len(ids))
        ids = whole
    return TokenizedRow(ids, [0, *mask[1:]], 0, truncated=False, answer_cut=False)


def _simplest(parts: Any, wording: Wording, report: Callable[[Progress], None]) -> tuple[Shape, bool]:
    """The simplest shape, and whether special tokens go in front, that give every row its tokens."""
    paired = True
    fits = {True: True, False: True}
    for records in parts:
        for row in _rows(records, wording, report):
            paired = paired and _is_pair(row.segments)
            for framed in (True, False):
                fits[framed] = fits[framed] and _same(row, wording, framed=framed)
            if not any(fits.values()):
                return "tokens", False
    return ("pairs" if paired else "parts"), not fits[False]


def _same(row: _Row, wording: Wording, *, framed: bool) -> bool:
    most = wording.max_length
    found = encode([(part.text, part.in_loss) for part in row.segments], wording.tokenizer, framed=framed)
    mask = [0, *[1] * (len(found.input_ids) - 1)] if wording.loss_on == "all" else found.completion_mask
    return found.input_ids[:most] == row.tokens.input_ids and mask[:most] == row.tokens.completion_mask


def _is_pair(segments: Sequence[Segment]) -> bool:
    return [segment.in_loss for segment in segments] in ([False, True], [True])


def _rows(records: Sequence[Record], wording: Wording, report: Callable[[Progress], None]) -> Iterator[_Row]:
    """The rows that training kept, in its order."""
    if not records:
        return
    batches = encode_batches(records, wording.template, wording.tokenizer, wording.max_length, wording.loss_on)
    for number, encoded in enumerate(batches):
        batch = records[number * BATCH : (number + 1) * BATCH]
        dropped = {drop.row for drop in encoded.dropped}
        kept = [record for record in batch if record.row not in dropped]
        for record, tokens in zip(kept, encoded.rows, strict=True):
            yield _Row(render(record, wording.template, wording.tokenizer).segments, tokens)
        report(Progress("data", min((number + 1) * BATCH, len(records)), len(records), "rows"))


def _write(
    records: Sequence[Record], wording: Wording, shape: Shape, path: Path, report: Callable[[Progress], None]
) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in _rows(records, wording, report):
            file.write(json.dumps(_line(row, shape), ensure_ascii=False) + "\n")
            count += 1
    return count


def _line(row: _Row, shape: Shape) -> dict[str, Any]:
    if shape == "pairs":
        prompt = "".join(segment.text for segment in row.segments[:-1])
        return {"prompt": prompt, "completion": row.segments[-1].text}
    line: dict[str, Any] = {"parts": [{"text": part.text, "learn": part.in_loss} for part in row.segments]}
    if shape == "tokens":
        ids, mask = row.tokens.input_ids, row.tokens.completion_mask
        labels = [token if learnt else IGNORED for token, learnt in zip(ids, mask, strict=True)]
        line |= {"input_ids": ids, "labels": labels}
    return line
