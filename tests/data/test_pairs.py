"""Preferences in tokens, and plain texts: what stands before the answer is the same on both sides and at inference."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from playground.data.masking import encode_pair_batches, encode_rows, prompt_ids, tokenize, tokenize_pair
from playground.data.records import Dropped, Message, Record
from playground.data.templates import render, render_pair, render_prompt
from playground.errors import DataError
from tests.data.test_masking import ODD_TEXT, cached_tokenizer, marked
from tests.small_models import FAMILIES, Family

TEMPLATES = ["alpaca", "human-assistant", "chat", "plain", "> {prompt}\n<{chosen}."]
EVERY = pytest.mark.parametrize("template", TEMPLATES)
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES)


def pair(prompt: str, chosen: str, rejected: str) -> Record:
    fields = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    return Record(0, "preference", fields, (Message("user", prompt),))


@EVERY
@EVERY_FAMILY
@settings(max_examples=20, deadline=None)
@given(prompt=ODD_TEXT, chosen=ODD_TEXT, rejected=ODD_TEXT)
def test_both_answers_go_on_behind_the_prompt_of_inference(
    template: str, family: Family, prompt: str, chosen: str, rejected: str
) -> None:
    tokenizer = cached_tokenizer(family)
    record = pair(prompt, chosen, rejected)
    encoded = tokenize_pair(record, template, tokenizer, None)
    assert encoded.prompt_ids == prompt_ids(render_prompt(prompt, template, tokenizer), tokenizer)
    rendered = render_pair(record, template, tokenizer)
    for side, ids in ((rendered.chosen, encoded.chosen_ids), (rendered.rejected, encoded.rejected_ids)):
        assert encoded.prompt_ids + ids == tokenize(side, tokenizer, None).input_ids
        assert ids[-1] == tokenizer.eos_token_id
    assert not encoded.truncated
    alone = tokenize(render(record, template, tokenizer), tokenizer, None)
    assert marked(alone.input_ids, alone.completion_mask) == encoded.chosen_ids


@EVERY_FAMILY
def test_pairs_are_cut_at_the_end_of_each_side(family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    record = pair("Name a capital.", "Paris is the capital of France.", "No.")
    whole = tokenize_pair(record, "alpaca", tokenizer, None)
    start = len(whole.prompt_ids)
    longest = start + len(whole.chosen_ids)
    assert tokenize_pair(record, "alpaca", tokenizer, longest) == whole
    cut = tokenize_pair(record, "alpaca", tokenizer, longest - 1)
    assert (cut.chosen_ids, cut.rejected_ids, cut.truncated) == (whole.chosen_ids[:-1], whole.rejected_ids, True)
    none = tokenize_pair(record, "alpaca", tokenizer, start - 1)
    assert (none.prompt_ids, none.chosen_ids, none.rejected_ids) == (whole.prompt_ids[:-1], [], [])


@EVERY_FAMILY
def test_a_template_that_begins_with_the_answer_has_an_empty_prompt(family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    encoded = tokenize_pair(pair("x", "Yes.", "No."), "{chosen}", tokenizer, None)
    assert encoded.prompt_ids == prompt_ids("", tokenizer) == tokenizer("")["input_ids"]
    assert tokenizer.decode(encoded.chosen_ids[:-1]) == "Yes."


@EVERY_FAMILY
def test_a_plain_text_is_learnt_whole_but_for_its_first_token(family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    rendered = render(Record(0, "text", {"text": "The film was a joy."}), "alpaca", tokenizer)
    row = tokenize(rendered, tokenizer, None)
    assert row.completion_mask == [0] + [1] * (len(row.input_ids) - 1)
    assert row.answer_tokens == len(row.input_ids) - 1
    assert row.input_ids[-1] == tokenizer.eos_token_id
    start = prompt_ids(rendered, tokenizer)
    assert row.input_ids[: len(start)] == start == tokenizer("")["input_ids"]


def test_prompts_are_left_out_of_training() -> None:
    records = [Record(0, "prompt", {"prompt": "I saw"}), Record(1, "text", {"text": "The film was a joy."})]
    encoded = encode_rows(records, "plain", cached_tokenizer("gpt2"), 64)
    assert encoded.dropped == (Dropped(0, "The row is a prompt and has no answer to learn."),)
    with pytest.raises(DataError, match=r"None of the 1 rows .* the template custom .* has no answer"):
        encode_rows(records[:1], "{prompt}{completion}", cached_tokenizer("gpt2"), 64)


def test_more_rows_than_are_tokenized_at_once() -> None:
    records = [Record(place, "text", {"text": f"The film was a joy {place}."}) for place in range(1100)]
    tokenizer = cached_tokenizer("gpt2")
    rows = encode_rows(records, "plain", tokenizer, 64).rows
    assert len(rows) == 1100
    assert rows[1050] == tokenize(render(records[1050], "plain", tokenizer), tokenizer, 64)


@EVERY_FAMILY
def test_many_pairs_at_once_are_what_each_is_alone(family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    records = [replace(pair(f"Name {n} capitals.", "Paris. " * n, "No."), row=n) for n in range(1, 4)]
    [encoded] = encode_pair_batches(records, "alpaca", tokenizer, 4096)
    assert list(encoded.pairs) == [tokenize_pair(record, "alpaca", tokenizer, 4096) for record in records]
    assert not encoded.dropped


@EVERY_FAMILY
def test_pairs_that_say_nothing_are_left_out_with_a_reason(family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    good = pair("Name a capital.", "Paris.", "No.")
    whole = tokenize_pair(good, "alpaca", tokenizer, None)
    room = len(whole.prompt_ids) + max(len(whole.chosen_ids), len(whole.rejected_ids))
    late = replace(pair("Name a capital.", "No. " * 90 + "Paris", "No. " * 90 + "Rome"), row=1)
    long = replace(pair("Name a capital. " * 90, "Paris.", "No."), row=2)
    [encoded] = encode_pair_batches([good, late, long, replace(good, row=3)], "alpaca", tokenizer, room)
    assert list(encoded.pairs) == [whole, whole]
    assert [(drop.row, drop.reason.split(",")[0]) for drop in encoded.dropped] == [
        (1, f"Both answers are the same as far as {room} tokens reach"),
        (2, f"The prompt alone fills the {room} tokens"),
    ]
