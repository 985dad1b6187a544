"""What the Data tab's widgets show, as JSON values of bounded size; `assets/js/data*.js` draw them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from playground.config.methods.sft import SFTSettings
from playground.config.run import DataSettings, RunConfig
from playground.data import bundled, inspection
from playground.data.cells import cell
from playground.data.formats import FIELDS, assign, optional, tally, to_records
from playground.data.records import Dropped, Format, Record
from playground.data.rendered import Rendered, Segment
from playground.data.splits import PARTS, Part, Splits
from playground.data.tables import Table
from playground.data.templates import render_pair
from playground.errors import DataError, PlaygroundError
from playground.ui.data_shelf import Doubles

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

DROPPED = "dropped"
"""The part of rows that are not used."""
CELL_LETTERS = 20_000
"""Letters of one text that are sent to the page."""
PREVIEW_LETTERS = 400
TOKENS_SHOWN = 4000
LETTERS_SPELLED = 200_000
"""A longer row is not shown token by token."""
REASONS = 10
COLUMNS = 1000
"""Columns that can be chosen in a mapping."""
COLUMNS_SEEN = 40
TURNS = 100
PREVIEW_ROWS = 3
SEARCH_SECONDS = 2.0


@dataclass(frozen=True)
class Reader:
    """The loaded model's tokenizer, and what it is called."""

    tokenizer: "PreTrainedTokenizerBase"
    name: str
    vocabulary: str
    """Differs where tokens do."""
    context_length: int


def overview(settings: DataSettings, splits: Splits) -> dict[str, Any]:
    """What was recognised in an opened data set, and how its rows are shared out."""
    known = bundled.find(settings.source)
    return {
        "state": "ready",
        "source": splits.source,
        "bundled": known.name if known else "",
        "format": splits.format,
        "columns": dict(splits.columns.of),
        "rows": splits.total_rows,
        "parts": part_sizes(splits),
        "reasons": reasons(splits.dropped),
    }


def part_sizes(splits: Splits) -> dict[str, int]:
    """Rows per part, the dropped ones last."""
    return {**{part: len(splits.part(part)) for part in PARTS}, DROPPED: len(splits.dropped)}


def reasons(dropped: Sequence[Dropped]) -> list[dict[str, Any]]:
    """Why rows are not used: the most frequent reasons, each with its count and the first row it befell."""
    return [
        {"reason": _cut(found.reason, PREVIEW_LETTERS)["text"], "count": found.rows, "first": found.first}
        for found in tally(dropped, REASONS)
    ]


def doubles(found: Doubles) -> dict[str, Any]:
    """How many rows are there twice, and which of a held-out part are in train too."""
    return {
        "doubles": found.duplicates,
        "leaks": {part: leak._asdict() for part, leak in found.leaks.items()},
    }


def mapping(table: Table, columns: Mapping[str, str]) -> dict[str, Any]:
    """What the mapping panel offers: every format with its fields, the source's columns, and what is mapped now."""
    try:
        found = assign(table.columns, columns)
        now: dict[str, Any] = {"format": found.format, "columns": dict(found.of)}
    except DataError:
        now = {"format": "", "columns": dict(columns)}
    return {
        "formats": {name: list(fields) for name, fields in FIELDS.items()},
        "optional": {name: sorted(optional(name)) for name in FIELDS},
        "columns": list(table.columns[:COLUMNS]),
        "now": now,
        "head": [
            {name: _short(cell(row, name)) for name in table.columns[:COLUMNS_SEEN]}
            for row in table.rows[:PREVIEW_ROWS]
        ],
    }


def mapping_preview(table: Table, columns: Mapping[str, str]) -> dict[str, Any]:
    """The first rows under a mapping, before it is accepted, or what is wrong with it."""
    try:
        records, dropped = to_records(table, columns)
    except PlaygroundError as error:
        return {"error": str(error)}
    shown = [fields_of(record, PREVIEW_LETTERS) for record in records[:PREVIEW_ROWS]]
    return {"rows": shown, "usable": len(records), "tried": len(table.rows), "reasons": reasons(dropped)}


def row(splits: Splits, part: str, index: int, config: RunConfig, reader: Reader | None) -> dict[str, Any]:
    """One row as it stands in the source, as text, and as tokens; the nearest one where `index` is out of range."""
    sizes = part_sizes(splits)
    part = part if sizes.get(part) else next((name for name, size in sizes.items() if size), "train")
    index = min(max(index, 0), max(sizes[part] - 1, 0))
    shown: dict[str, Any] = {"state": "ready", "part": part, "index": index, "parts": sizes}
    if part == DROPPED:
        drop = splits.dropped[index]
        cells = [
            {"name": name, **_cut(_written(value), PREVIEW_LETTERS)} for name, value in splits.rows[drop.row].items()
        ]
        return {**shown, "row": drop.row, "reason": _cut(drop.reason), "cells": cells[:COLUMNS_SEEN]}
    record = splits.part(cast("Part", part))[index]
    return {**shown, "row": record.row, "fields": fields_of(record), **_as_trained(record, config, reader)}


def _as_trained(record: Record, config: RunConfig, reader: Reader | None) -> dict[str, Any]:
    try:
        if record.kind == "preference":
            return _pair(record, config, reader)
        rendered = inspection.rendered_of(
            record, config.data.template_text, reader.tokenizer if reader else inspection.UNLOADED
        )
    except PlaygroundError as error:
        return {"problem": str(error)}
    return {"text": _segments(rendered.segments), **(_tokens(rendered, config, reader) if reader else {})}


def _segments(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    return [{**_cut(segment.text), "in_loss": segment.in_loss} for segment in segments]


def _pair(record: Record, config: RunConfig, reader: Reader | None) -> dict[str, Any]:
    template = config.data.template_text
    pair = render_pair(record, template, reader.tokenizer if reader else inspection.UNLOADED)
    sides = {
        "prompt": pair.prompt.segments,
        "chosen": pair.chosen.segments[-1:],
        "rejected": pair.rejected.segments[-1:],
    }
    shown: dict[str, Any] = {"pair": {name: {"text": _segments(segments)} for name, segments in sides.items()}}
    letters = len(pair.chosen.text) + len(pair.rejected.text)
    if reader is None or letters > LETTERS_SPELLED:
        return shown | ({"long": letters} if reader else {})
    limit = length_limit(config, reader)
    view = inspection.pair_view(record, template, reader.tokenizer, limit)
    for name, tokens in {"prompt": view.prompt, "chosen": view.chosen, "rejected": view.rejected}.items():
        shown["pair"][name] |= _listed(tokens)
    return {**shown, "limit": limit, "model": reader.name}


def _tokens(rendered: Rendered, config: RunConfig, reader: Reader) -> dict[str, Any]:
    if len(rendered.text) > LETTERS_SPELLED:
        return {"long": len(rendered.text)}
    limit = length_limit(config, reader)
    options = cast("SFTSettings", config.options)
    view = inspection.token_view(rendered, reader.tokenizer, limit, options.loss_on)
    return {
        **_weighted(view, options, reader),
        "limit": limit,
        "model": reader.name,
        "loss": view.loss_tokens,
        "answer_cut": view.answer_cut,
        "left_out": view.left_out,
        "answerless": not rendered.answer,
        **_listed(view.tokens),
    }


def _weighted(view: inspection.TokenView, options: SFTSettings, reader: Reader) -> dict[str, Any]:
    """Where the loss counts key tokens: which those are, by place, and the row's weight; or why there is none."""
    if not options.key_tokens:
        return {}
    from playground.data.key_tokens import key_token_ids

    try:
        keys = key_token_ids(options.key_tokens, reader.tokenizer)
    except DataError as problem:
        return {"keys": {"problem": str(problem)}}
    places = [place for place, token in enumerate(view.tokens) if token.kept and token.id in keys]
    alpha = options.key_token_alpha
    return {"keys": {"places": places, "alpha": alpha, "weight": alpha * (1 + len(places))}}


def _listed(tokens: Sequence[inspection.Token]) -> dict[str, Any]:
    """Tokens as short lists, in the order of `Token`'s fields; only so many that a page can hold them."""
    return {
        "count": len(tokens),
        "kept": sum(token.kept for token in tokens),
        "tokens": [
            [token.id, token.text, token.part, token.parts, token.in_loss, token.kept, token.special]
            for token in tokens[:TOKENS_SHOWN]
        ],
    }


def length_limit(config: RunConfig, reader: Reader) -> int:
    """Tokens of a row that a run keeps: no more than the model reads."""
    return min(config.training.max_length, reader.context_length)


def lengths(measured: inspection.Measured, config: RunConfig, reader: Reader, kind: Format) -> dict[str, Any]:
    """The histogram's values, and what the maximum length does to these rows; of pairs the chosen one counts."""
    limit = length_limit(config, reader)
    summary = inspection.summarise(measured, limit, cast("SFTSettings", config.options).loss_on)
    return {
        "state": "ready",
        "lengths": list(measured.lengths),
        "limit": limit,
        "wanted": config.training.max_length,
        "model": reader.name,
        "format": kind,
        "measured": len(measured.lengths) + len(measured.dropped),
        "total": measured.total,
        "unusable": reasons(measured.dropped),
        **asdict(summary),
    }


def find(splits: Splits, part: str, start: int, step: int, wanted: str) -> tuple[int | None, int]:
    """The next row, from `start` on in steps of 1 or -1 and round the end, that has `wanted` in its texts in any case.

    Returns:
        Its index or None, and how many rows were looked at before all were, or time ran out.
    """
    rows: Sequence[Record | Dropped] = splits.dropped if part == DROPPED else splits.part(cast("Part", part))
    wanted = wanted.lower()
    until = time.monotonic() + SEARCH_SECONDS
    for looked in range(len(rows)):
        index = (start + step * looked) % len(rows)
        if any(wanted in text.lower() for text in _texts(rows[index])):
            return index, looked + 1
        if looked % 256 == 255 and time.monotonic() > until:
            return None, looked + 1
    return None, len(rows)


def _texts(found: Record | Dropped) -> list[str]:
    if isinstance(found, Dropped):
        return [found.reason]
    return [*found.fields.values(), *(turn.content for turn in found.messages)]


def fields_of(record: Record, letters: int = CELL_LETTERS) -> list[dict[str, Any]]:
    """A record's texts by name, cut for display: fields, then turns by role."""
    fields = [{"name": name, **_cut(text, letters)} for name, text in record.fields.items()]
    if record.kind == "preference" and {"prompt", "instruction"} & record.fields.keys():
        return fields  # its turns say the same once more
    turns = [{"role": turn.role, **_cut(turn.content, letters)} for turn in record.messages[:TURNS]]
    return fields + turns


def _short(value: object) -> str:
    return _written(value)[:PREVIEW_LETTERS]


def _written(value: object) -> str:
    """A cell of any kind: texts as they stand, nothing as nothing, all else as Python writes it."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def _cut(text: str, letters: int = CELL_LETTERS) -> dict[str, Any]:
    """The beginning of a text, and how many letters of it are not there."""
    return {"text": text[:letters], "more": max(0, len(text) - letters)}
