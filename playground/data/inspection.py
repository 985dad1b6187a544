"""What a trainer makes of rows, for people to look at: tokens with their place in the loss, and lengths of many rows.

The ids and masks come from `masking`, which the trainer's rows come from; nothing is worked out a second time here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from playground.data.records import Dropped, Record
from playground.data.rendered import Rendered, Segment
from playground.data.templates import render, render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from playground.data.masking import LossOn

BROKEN = "\ufffd"
"""What decoders give for bytes that are no whole character."""
MOST_PARTS = 6
"""Tokens that one character may be spread over: an emoji's four bytes, with a piece before and behind."""
ROWS_MEASURED = 2000
LETTERS_MEASURED = 8_000_000
"""About what a fast tokenizer reads in some seconds."""
UNLIMITED = 2**40


@dataclass(frozen=True)
class Token:
    """One token of a row."""

    id: int
    text: str
    """What it stands for; the whole character for the first part of one that is spread over several tokens, "" for
    the others."""
    part: int
    """From 1; its place among the `parts` tokens that share a character."""
    parts: int
    in_loss: bool
    kept: bool
    """False behind the maximum length: the model never sees it."""
    special: bool


@dataclass(frozen=True)
class TokenView:
    """A row as the trainer takes it."""

    tokens: tuple[Token, ...]
    """All tokens, those cut off included."""
    loss_tokens: int
    answer_cut: bool
    """Whether the end of an answer, and with it end-of-sequence, was cut off."""
    left_out: bool
    """Whether the trainer leaves the row out, because nothing of an answer is kept."""

    @property
    def kept(self) -> int:
        """Tokens that the model sees."""
        return sum(token.kept for token in self.tokens)


def rendered_of(record: Record, template: str, tokenizer: "PreTrainedTokenizerBase") -> Rendered:
    """The text of a record, as `templates.render` writes it; of a bare prompt, what a model is given to go on from.

    Raises:
        DataError, ModelError, ConfigError: as `templates.render`.
    """
    if record.kind != "prompt":
        return render(record, template, tokenizer)
    prompt = record.messages or record.fields["prompt"]
    return Rendered((Segment(render_prompt(prompt, template, tokenizer), in_loss=False),))


def token_view(
    rendered: Rendered, tokenizer: "PreTrainedTokenizerBase", max_length: int, loss_on: "LossOn" = "response"
) -> TokenView:
    """The tokens of one rendered record; ids and flags are those of `masking.tokenize`, which the trainer uses."""
    from playground.data.masking import tokenize

    whole = tokenize(rendered, tokenizer, None, loss_on).input_ids
    row = tokenize(rendered, tokenizer, max_length, loss_on)
    tokens = _tokens(whole, row.completion_mask, tokenizer)
    return TokenView(tokens, sum(row.completion_mask), row.answer_cut, row.answer_tokens == 0)


@dataclass(frozen=True)
class PairView:
    """A preference as the trainer takes it; both answers go on behind the one prompt."""

    prompt: tuple[Token, ...]
    chosen: tuple[Token, ...]
    rejected: tuple[Token, ...]


def pair_view(record: Record, template: str, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> PairView:
    """The tokens of a preference; ids are those of `masking.tokenize_pair`. Raises as `templates.render_pair`."""
    from playground.data.masking import tokenize_pair

    whole = tokenize_pair(record, template, tokenizer, None)
    kept = tokenize_pair(record, template, tokenizer, max_length)
    return PairView(
        _tokens(whole.prompt_ids, [0] * len(kept.prompt_ids), tokenizer),
        _tokens(whole.chosen_ids, [1] * len(kept.chosen_ids), tokenizer),
        _tokens(whole.rejected_ids, [1] * len(kept.rejected_ids), tokenizer),
    )


def _tokens(ids: Sequence[int], mask: Sequence[int], tokenizer: "PreTrainedTokenizerBase") -> tuple[Token, ...]:
    """Tokens of all ids; `mask` says which are in the loss and ends where the row is cut."""
    special = {token_id for token_id, token in tokenizer.added_tokens_decoder.items() if token.special}
    flags = [*((learnt == 1, True) for learnt in mask), *[(False, False)] * (len(ids) - len(mask))]
    return tuple(
        Token(found, text, part, parts, learnt, kept, found in special)
        for found, (learnt, kept), (text, part, parts) in zip(ids, flags, spelled(ids, tokenizer), strict=True)
    )


def spelled(ids: Sequence[int], tokenizer: "PreTrainedTokenizerBase") -> Iterator[tuple[str, int, int]]:
    """Text, part and parts of each token; tokens that hold a character together share it, as the first one's text."""
    # Behind another token, since SentencePiece's decoders drop the space in front of the first word.
    anchor = tokenizer.encode("a", add_special_tokens=False)[-1:]
    before = _decode(anchor, tokenizer)

    def text_of(run: Sequence[int]) -> str:
        return _decode([*anchor, *run], tokenizer).removeprefix(before)

    place = 0
    while place < len(ids):
        text, parts = text_of(ids[place : place + 1]), 1
        while BROKEN in text and parts < MOST_PARTS and place + parts < len(ids):
            parts += 1
            text = text_of(ids[place : place + parts])
        if BROKEN in text:  # cut within a character, or the text itself has such a mark
            text, parts = text_of(ids[place : place + 1]), 1
        yield from ((text if part == 1 else "", part, parts) for part in range(1, parts + 1))
        place += parts


def _decode(ids: Sequence[int], tokenizer: "PreTrainedTokenizerBase") -> str:
    text = tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return cast("str", text)


@dataclass(frozen=True)
class Measured:
    """Lengths of many rows before anything is cut, so that every maximum length can be tried on them."""

    lengths: tuple[int, ...]
    """Tokens per row, end-of-sequence included."""
    masks: tuple[bytes, ...]
    """Per row, a 1 for each token of an answer and a 0 for the others."""
    dropped: tuple[Dropped, ...]
    """Rows that the template has no place for."""
    total: int
    """Rows there are; more than were measured where only some were."""

    @property
    def sampled(self) -> bool:
        """Whether only some rows were measured."""
        return len(self.lengths) + len(self.dropped) < self.total


@dataclass(frozen=True)
class LengthSummary:
    """What a maximum length does to the rows that were measured."""

    truncated: int
    """Rows that lose their end."""
    ends_lost: int
    """Rows that are trained on without the end of an answer, so without end-of-sequence."""
    left_out: int
    """Rows whose prompt alone fills the maximum length."""
    tokens: int
    """Tokens that are kept in rows that are trained on."""
    loss_tokens: int


def measure(records: Sequence[Record], template: str, tokenizer: "PreTrainedTokenizerBase") -> Measured:
    """Lengths of up to `ROWS_MEASURED` records, taken evenly from all.

    Raises:
        DataError: the template has no place for any of them.
        ModelError: the tokenizer lacks what the template needs.
        ConfigError: there is no such template.
    """
    from playground.data.masking import encode_rows, prompt_ids

    chosen = _some(records)
    if chosen and chosen[0].kind == "prompt":
        lengths = tuple(len(prompt_ids(rendered_of(record, template, tokenizer), tokenizer)) for record in chosen)
        return Measured(lengths, tuple(bytes(length) for length in lengths), (), len(records))
    encoded = encode_rows(chosen, template, tokenizer, UNLIMITED)
    return Measured(
        tuple(len(row.input_ids) for row in encoded.rows),
        tuple(bytes(row.completion_mask) for row in encoded.rows),
        encoded.dropped,
        len(records),
    )


def _some(records: Sequence[Record]) -> list[Record]:
    count = min(len(records), ROWS_MEASURED)
    chosen: list[Record] = []
    letters = 0
    for place in range(count):
        record = records[place * len(records) // count]
        letters += sum(map(len, record.fields.values())) + sum(len(turn.content) for turn in record.messages)
        if letters > LETTERS_MEASURED and chosen:
            break
        chosen.append(record)
    return chosen


def summarise(measured: Measured, max_length: int, loss_on: "LossOn" = "response") -> LengthSummary:
    """What is cut and what is left of the measured rows at this maximum length."""
    truncated = ends_lost = left_out = tokens = loss_tokens = 0
    for length, mask in zip(measured.lengths, measured.masks, strict=True):
        kept, answer = min(length, max_length), sum(mask[:max_length])
        truncated += kept < length
        if not answer:
            left_out += 1
            continue
        ends_lost += answer < sum(mask)
        tokens += kept
        loss_tokens += kept - 1 if loss_on == "all" else answer
    return LengthSummary(truncated, ends_lost, left_out, tokens, loss_tokens)


def kept_lengths(measured: Measured, max_length: int) -> list[int]:
    """Tokens that are kept of each measured row of which something of an answer is kept."""
    rows = zip(measured.lengths, measured.masks, strict=True)
    return [min(length, max_length) for length, mask in rows if any(mask[:max_length])]


def question(record: Record) -> str:
    """What a row asks, whole and with its line breaks, as a person would type it."""
    if record.kind == "instruction":
        return "\n\n".join(filter(None, (record.fields["instruction"], record.fields["input"])))
    if record.messages:
        return next(turn.content for turn in reversed(record.messages) if turn.role == "user")
    return record.fields["prompt"] if "prompt" in record.fields else record.fields["text"]


class _Unloaded:
    """Stands in for a tokenizer where no model is loaded: enough to write a row as text, with a mark for its end."""

    eos_token = "⟨end of sequence⟩"  # noqa: S105
    chat_template = None
    unk_token_id = None

    def convert_tokens_to_ids(self, _: str) -> None:
        """No token is known."""


UNLOADED = cast("PreTrainedTokenizerBase", _Unloaded())
"""For `render` and `render_pair` while no model is loaded; the chat template, which is a model's, is refused."""
