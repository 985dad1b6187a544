"""From rendered text to token ids and the mask of the loss.

The ids of a prompt are the same in training and at inference. A tokenizer may join the end of a prompt and the start
of an answer into one token; then the two are tokenized apart, so that the model learns from the prompt it will see.

What stands in front of a text (a beginning-of-sequence token) is what the tokenizer itself puts there, unless the text
begins with a special token already, as chat templates' texts do. What a tokenizer puts behind a text is left out:
the answer carries its own end.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeVar

from transformers import PreTrainedTokenizerBase

from playground.data.custom import is_custom
from playground.data.formats import summary
from playground.data.records import Dropped, Record
from playground.data.rendered import Pair, Rendered, Segment
from playground.data.templates import check, render, render_pair
from playground.errors import DataError

LossOn = Literal["response", "all"]
Text = TypeVar("Text", Rendered, Pair)

BATCH = 512
"""Rows that are tokenized at once: enough to keep a fast tokenizer busy, few enough to take no memory to speak of."""


@dataclass(frozen=True)
class TokenizedRow:
    """One row as a trainer takes it. Both lists have one entry per token."""

    input_ids: list[int]
    completion_mask: list[int]
    """1 where the token is in the loss, else 0. The first is 0: nothing stands before it, so no model predicts it."""
    answer_tokens: int
    """Tokens of answers that are left, end-of-sequence included."""
    truncated: bool
    """Whether tokens were cut off at the end."""
    answer_cut: bool
    """Whether any of those were an answer's."""


@dataclass(frozen=True)
class EncodedRows:
    """Rows ready for a trainer, and the ones that came to nothing."""

    rows: tuple[TokenizedRow, ...]
    dropped: tuple[Dropped, ...]

    def columns(self) -> dict[str, list[list[int]]]:
        """The columns `input_ids` and `completion_mask`, as `datasets.Dataset.from_dict` takes them."""
        return {
            "input_ids": [row.input_ids for row in self.rows],
            "completion_mask": [row.completion_mask for row in self.rows],
        }


@dataclass(frozen=True)
class TokenizedPair:
    """Two answers to one prompt, as a trainer takes them. Each answer goes on behind the same prompt."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    """The answer without the prompt, end-of-sequence included; empty where the prompt leaves no room for it."""
    rejected_ids: list[int]
    truncated: bool
    """Whether tokens of either side were cut off."""


@dataclass(frozen=True)
class EncodedPairs:
    """Preferences ready for a trainer, and the ones that came to nothing."""

    pairs: tuple[TokenizedPair, ...]
    dropped: tuple[Dropped, ...]


def tokenize(
    rendered: Rendered, tokenizer: PreTrainedTokenizerBase, max_length: int | None, loss_on: LossOn = "response"
) -> TokenizedRow:
    """Ids and mask of one rendered record.

    Args:
        max_length: tokens kept, counted from the start; None keeps all.
        loss_on: `response` marks the answers, end-of-sequence included. `all` marks every token but the first.
    """
    return _tokenize_all([rendered], _Encoder(tokenizer), max_length, loss_on)[0]


def prompt_ids(prompt: Rendered | str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """What a model is given to answer: the ids that stand before the last answer in training.

    Args:
        prompt: a rendered record, or the text of a prompt (of `render_prompt`, or typed).
    """
    segments = prompt.prompt_segments if isinstance(prompt, Rendered) else (Segment(prompt, in_loss=False),)
    return tokenize(_begun(segments), tokenizer, None).input_ids


def tokenize_pair(
    record: Record, template: str, tokenizer: PreTrainedTokenizerBase, max_length: int | None
) -> TokenizedPair:
    """Ids of a preference.

    Args:
        max_length: tokens kept of the prompt and each answer together, counted from the start; None keeps all.

    Raises:
        DataError, ModelError, ConfigError: as `render_pair`.
    """
    return _tokenize_pairs([render_pair(record, template, tokenizer)], _Encoder(tokenizer), max_length)[0]


def encode_rows(
    records: Sequence[Record],
    template: str,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    loss_on: LossOn = "response",
) -> EncodedRows:
    """Ids and masks of many records, in their order, without those that the template or the length leaves no answer.

    Raises:
        DataError: no record is left.
        ModelError: the tokenizer lacks what the template needs.
        ConfigError: there is no such template.
    """
    kept: list[TokenizedRow] = []
    dropped: list[Dropped] = []
    for encoded in encode_batches(records, template, tokenizer, max_length, loss_on):
        kept += encoded.rows
        dropped += encoded.dropped
    if not kept:
        raise none_left(len(records), template, max_length, dropped)
    return EncodedRows(tuple(kept), tuple(sorted(dropped, key=lambda drop: drop.row)))


def encode_batches(
    records: Sequence[Record],
    template: str,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    loss_on: LossOn = "response",
) -> Iterator[EncodedRows]:
    """`encode_rows` for as many records as there are, a few hundred at a time; nothing is kept.

    Raises:
        ModelError: the tokenizer lacks what the template needs.
        ConfigError: there is no such template.
    """
    check(template, tokenizer)
    encoder = _Encoder(tokenizer)
    for start in range(0, len(records), BATCH):
        rendered, dropped = _in_words(records[start : start + BATCH], render, template, tokenizer)
        kept: list[TokenizedRow] = []
        rows = _tokenize_all([text for _, text in rendered], encoder, max_length, loss_on)
        for (place, _), row in zip(rendered, rows, strict=True):
            if row.answer_tokens:
                kept.append(row)
            else:
                dropped.append(_without_answer(place, max_length))
        yield EncodedRows(tuple(kept), tuple(sorted(dropped, key=lambda drop: drop.row)))


def encode_pair_batches(
    records: Sequence[Record], template: str, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> Iterator[EncodedPairs]:
    """Ids of many preferences, a few hundred at a time, without those of which the length leaves nothing to compare.

    Raises:
        ModelError: the tokenizer lacks what the template needs.
        ConfigError: there is no such template.
    """
    check(template, tokenizer)
    encoder = _Encoder(tokenizer)
    for start in range(0, len(records), BATCH):
        rendered, dropped = _in_words(records[start : start + BATCH], render_pair, template, tokenizer)
        kept: list[TokenizedPair] = []
        pairs = _tokenize_pairs([pair for _, pair in rendered], encoder, max_length)
        for (place, _), pair in zip(rendered, pairs, strict=True):
            if not pair.chosen_ids or not pair.rejected_ids:
                dropped.append(_without_answer(place, max_length))
            elif pair.chosen_ids == pair.rejected_ids:
                how = f"as far as {max_length} tokens reach" if pair.truncated else "to this tokenizer"
                dropped.append(Dropped(place, f"Both answers are the same {how}, so nothing is preferred."))
            else:
                kept.append(pair)
        yield EncodedPairs(tuple(kept), tuple(sorted(dropped, key=lambda drop: drop.row)))


def _in_words(
    records: Sequence[Record],
    render_one: Callable[[Record, str, PreTrainedTokenizerBase], Text],
    template: str,
    tokenizer: PreTrainedTokenizerBase,
) -> tuple[list[tuple[int, Text]], list[Dropped]]:
    """Each record's place and text, and the records that the template has no place for."""
    rendered: list[tuple[int, Text]] = []
    dropped: list[Dropped] = []
    for record in records:
        try:
            rendered.append((record.row, render_one(record, template, tokenizer)))
        except DataError as problem:
            dropped.append(Dropped(record.row, str(problem)))
    return rendered, dropped


def _without_answer(place: int, max_length: int) -> Dropped:
    return Dropped(place, f"The prompt alone fills the {max_length} tokens, so no answer is left.")


def none_left(records: int, template: str, max_length: int, dropped: Sequence[Dropped]) -> DataError:
    """The error for data of which no row can be used."""
    name = "custom" if is_custom(template) else template
    return DataError(
        f"None of the {records} rows can be used with the template {name} and a maximum length of "
        f"{max_length} tokens. {summary(dropped)}"
    )


class _Encoder:
    """A tokenizer that puts its special tokens in front where they are wanted, and nothing behind."""

    ANCHORS = ("\n", ".", "a")

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        framed, [bare] = tokenizer(["a"])["input_ids"][0], self.bare(["a"])
        starts = range(len(framed) - len(bare) + 1)
        self._front = framed[: next((at for at in starts if framed[at : at + len(bare)] == bare), 0)]
        self._special = tuple(str(token) for token in tokenizer.added_tokens_decoder.values() if token.special)

    def bare(self, texts: list[str]) -> list[list[int]]:
        """The ids of the texts alone."""
        ids: list[list[int]] = self._tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return ids

    def framed(self, texts: list[str]) -> list[list[int]]:
        """The ids of the texts from the very beginning of what a model reads."""
        return [
            ids if text.startswith(self._special) else self._front + ids
            for text, ids in zip(texts, self.bare(texts), strict=True)
        ]

    def continuation(self, text: str) -> list[int]:
        """The ids of a text that goes on after others.

        Some tokenizers mark the start of a text like a space before a word, so the text is tokenized behind an anchor
        that it does not merge with, and the anchor's ids are taken away.
        """
        for anchor in self.ANCHORS:
            before, both = self.bare([anchor, anchor + text])
            if both[: len(before)] == before:
                return both[len(before) :]
        return self.bare([text])[0]


def _tokenize_all(
    rendered: Sequence[Rendered], encoder: _Encoder, max_length: int | None, loss_on: LossOn
) -> list[TokenizedRow]:
    # One call for all texts: fast tokenizers use every core, and a call costs more than a row.
    texts = [list(accumulate(segment.text for segment in one.segments)) for one in rendered]
    flat = iter(encoder.framed([text for growing in texts for text in growing]) if texts else ())
    return [
        _row(one.segments, [next(flat) for _ in growing], encoder, max_length, loss_on)
        for one, growing in zip(rendered, texts, strict=True)
    ]


def _row(
    segments: Sequence[Segment],
    naturals: Sequence[list[int]],
    encoder: _Encoder,
    max_length: int | None,
    loss_on: LossOn,
) -> TokenizedRow:
    """One row; `naturals[i]` are the ids of the text up to and with segment i."""
    ids: list[int] = []
    answer: list[int] = []
    for segment, natural in zip(segments, naturals, strict=True):
        # Only what came before decides how a segment is tokenized, so that inference can do the same without an answer.
        added = natural[len(ids) :] if natural[: len(ids)] == ids else encoder.continuation(segment.text)
        ids += added
        answer += [int(segment.in_loss)] * len(added)
    answer[:1] = [0] * len(answer[:1])
    cut = answer[:max_length]
    mask = [0, *[1] * (len(cut) - 1)] if loss_on == "all" else cut
    return TokenizedRow(ids[:max_length], mask, sum(cut), len(cut) < len(ids), sum(cut) < sum(answer))


def _begun(prompt: tuple[Segment, ...]) -> Rendered:
    """A prompt that has a beginning even without text, as before a plain text: what the tokenizer itself puts there."""
    return Rendered(prompt or (Segment("", in_loss=False),))


def _tokenize_pairs(pairs: Sequence[Pair], encoder: _Encoder, max_length: int | None) -> list[TokenizedPair]:
    texts = [text for pair in pairs for text in (_begun(pair.prompt.segments), pair.chosen, pair.rejected)]
    rows = iter(_tokenize_all(texts, encoder, None, "response"))
    found = []
    for prompt, chosen, rejected in zip(rows, rows, rows, strict=True):
        sides, start = (chosen.input_ids, rejected.input_ids), len(prompt.input_ids)
        cut = max_length is not None and max(map(len, sides)) > max_length
        up, down = (ids[start:max_length] for ids in sides)
        found.append(TokenizedPair(prompt.input_ids[:max_length], up, down, truncated=cut))
    return found
