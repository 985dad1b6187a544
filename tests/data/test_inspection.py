"""What the Data tab shows is what the trainer gets: ids and loss flags against the batches that TRL builds."""

import dataclasses
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from playground.data import inspection
from playground.data.inspection import Token, measure, pair_view, question, rendered_of, summarise, token_view
from playground.data.masking import LossOn, encode_rows, prompt_ids, tokenize, tokenize_pair
from playground.data.records import Message, Record
from playground.data.templates import render, render_pair
from playground.errors import DataError, ModelError
from tests.data.test_trainer_batches import MAX_LENGTH, RECORDS, batches, learnt
from tests.small_models import FAMILIES, Family, tokenizer_of

CUSTOM = "Q: {instruction} {input}\nA: {output}"
PAIR = Record(
    0,
    "preference",
    {"prompt": "Is it far?", "chosen": "Not at all.", "rejected": "Go away and leave me."},
    (Message("user", "Is it far?"),),
)


@pytest.mark.parametrize("loss_on", ["response", "all"])
@pytest.mark.parametrize("template", ["alpaca", "human-assistant", "chat", "plain", CUSTOM])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_view_is_the_batch_that_trl_builds(
    family: Family, template: str, loss_on: LossOn, small_models: dict[Family, Path], tmp_path: Path
) -> None:
    tokenizer = tokenizer_of(family)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    views = [token_view(render(record, template, tokenizer), tokenizer, MAX_LENGTH, loss_on) for record in RECORDS]
    shown = []
    for view in views:
        kept = [token for token in view.tokens if token.kept]
        shown.append(([token.id for token in kept], [token.id if token.in_loss else -100 for token in kept]))
        assert view.loss_tokens == sum(token.in_loss for token in view.tokens)
        assert view.kept == len(kept) <= MAX_LENGTH
    assert views[-1].answer_cut
    assert len(views[-1].tokens) > MAX_LENGTH
    encoded = encode_rows(RECORDS, template, tokenizer, MAX_LENGTH, loss_on)
    trained = []
    for batch in batches(encoded, tokenizer, small_models[family], tmp_path, completion_only=True):
        ids = learnt(batch["input_ids"], batch["attention_mask"])
        trained += list(zip(ids, learnt(batch["labels"], batch["attention_mask"]), strict=True))
    assert sorted(trained) == sorted(shown)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_texts_of_tokens_make_up_the_row(family: Family) -> None:
    tokenizer = tokenizer_of(family)
    for record in RECORDS:
        rendered = render(record, "alpaca", tokenizer)
        tokens = token_view(rendered, tokenizer, 10_000).tokens
        written = "".join(token.text for token in tokens if not token.special)
        plain = rendered.text.removesuffix(tokenizer.eos_token)
        # A word at the very start has the space before it in SentencePiece's tokens.
        assert written.removeprefix(" ") == plain


def test_a_character_of_several_tokens_is_shown_once() -> None:
    tokenizer = tokenizer_of("gpt2")
    record = Record(0, "completion", {"prompt": "Say", "completion": "안"})
    tokens = token_view(render(record, "plain", tokenizer), tokenizer, 100).tokens
    parts = [token for token in tokens if token.parts > 1]
    assert [(token.text, token.part, token.parts) for token in parts] == [("안", 1, 3), ("", 2, 3), ("", 3, 3)]
    assert tokens[-1].special
    assert tokens[-1].in_loss


def test_a_mark_for_broken_bytes_in_the_data_itself_is_no_trap() -> None:
    tokenizer = tokenizer_of("gpt2")
    record = Record(0, "completion", {"prompt": "\ufffd\ufffd is", "completion": "fine \ufffd"})
    tokens = token_view(render(record, "plain", tokenizer), tokenizer, 100).tokens
    assert "".join(token.text for token in tokens if not token.special).count("\ufffd") >= 3
    assert all(token.parts >= token.part >= 1 for token in tokens)


def test_a_prompt_that_fills_the_length_is_left_out_as_by_the_trainer() -> None:
    tokenizer = tokenizer_of("llama")
    view = token_view(render(RECORDS[0], "alpaca", tokenizer), tokenizer, 10)
    assert view.left_out
    assert view.loss_tokens == 0
    with pytest.raises(DataError, match="maximum length of 10 tokens"):
        encode_rows(RECORDS[:1], "alpaca", tokenizer, 10)


@pytest.mark.parametrize("max_length", [9, 30, 10_000])
@pytest.mark.parametrize("family", FAMILIES)
def test_both_sides_of_a_pair_are_those_of_the_trainer(family: Family, max_length: int) -> None:
    tokenizer = tokenizer_of(family)
    view = pair_view(PAIR, "human-assistant", tokenizer, max_length)
    pair = tokenize_pair(PAIR, "human-assistant", tokenizer, max_length)

    def kept(tokens: tuple[Token, ...]) -> list[int]:
        return [token.id for token in tokens if token.kept]

    assert (kept(view.prompt), kept(view.chosen), kept(view.rejected)) == (
        pair.prompt_ids,
        pair.chosen_ids,
        pair.rejected_ids,
    )
    assert not any(token.in_loss for token in view.prompt)
    assert all(token.in_loss == token.kept for token in (*view.chosen, *view.rejected))
    assert pair.truncated == (not all(token.kept for token in (*view.prompt, *view.chosen, *view.rejected)))


@pytest.mark.parametrize("loss_on", ["response", "all"])
@pytest.mark.parametrize("max_length", [20, 60, 150, 100_000])
def test_lengths_are_those_of_the_trainers_rows(max_length: int, loss_on: LossOn) -> None:
    tokenizer = tokenizer_of("opt")
    measured = measure(RECORDS, "alpaca", tokenizer)
    found = summarise(measured, max_length, loss_on)
    rows = [tokenize(render(record, "alpaca", tokenizer), tokenizer, max_length, loss_on) for record in RECORDS]
    kept = [row for row in rows if row.answer_tokens]
    assert found.truncated == sum(row.truncated for row in rows)
    assert found.left_out == len(rows) - len(kept)
    assert found.ends_lost == sum(row.answer_cut for row in kept)
    assert found.tokens == sum(len(row.input_ids) for row in kept)
    assert found.loss_tokens == sum(sum(row.completion_mask) for row in kept)
    assert measured.lengths == tuple(
        len(tokenize(render(record, "alpaca", tokenizer), tokenizer, None).input_ids) for record in RECORDS
    )
    assert not measured.sampled


def test_bare_prompts_are_what_a_model_goes_on_from() -> None:
    tokenizer = tokenizer_of("opt")
    record = Record(0, "prompt", {"prompt": "The film was"})
    rendered = rendered_of(record, "human-assistant", tokenizer)
    assert rendered.text == "\n\nHuman: The film was\n\nAssistant:"
    ids = prompt_ids(rendered, tokenizer)
    view = token_view(rendered, tokenizer, 100)
    assert [token.id for token in view.tokens] == ids
    assert view.loss_tokens == 0
    assert measure([record], "human-assistant", tokenizer).lengths == (len(ids),)


def test_of_many_rows_some_are_measured_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "ROWS_MEASURED", 10)
    tokenizer = tokenizer_of("gpt2")
    records = [
        Record(row, "instruction", {"instruction": "Say it.", "input": "", "output": "x" * (row + 1)})
        for row in range(100)
    ]
    measured = measure(records, "plain", tokenizer)
    assert measured.sampled
    assert measured.total == 100
    assert len(measured.lengths) == 10
    assert list(measured.lengths) == sorted(measured.lengths)
    assert measured.lengths[-1] > 5 * measured.lengths[0]


def test_long_rows_end_the_measuring_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "LETTERS_MEASURED", 1000)
    measured = measure(RECORDS * 20, "plain", tokenizer_of("gpt2"))
    assert 0 < len(measured.lengths) < 80
    assert measured.sampled


def test_rows_that_a_template_has_no_place_for_are_counted(small_tokenizer: PreTrainedTokenizerFast) -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"), Message("assistant", "d"))
    measured = measure([*RECORDS, Record(9, "messages", messages=turns)], "alpaca", small_tokenizer)
    assert [drop.row for drop in measured.dropped] == [9]
    assert not measured.sampled


@pytest.fixture
def small_tokenizer() -> PreTrainedTokenizerFast:
    return tokenizer_of("gpt2")


def test_without_a_model_a_row_is_text_and_the_chat_template_is_refused() -> None:
    rendered = render(RECORDS[1], "alpaca", inspection.UNLOADED)
    assert rendered.answer == "Paris⟨end of sequence⟩"
    assert render_pair(PAIR, "phi-3", inspection.UNLOADED).chosen.answer.startswith("Not at all.")
    with pytest.raises(ModelError, match="chat template"):
        render(RECORDS[1], "chat", inspection.UNLOADED)


@pytest.mark.parametrize(
    ("record", "asked"),
    [
        (RECORDS[0], "Edit the sentence.\n\nHe go to the park."),
        (RECORDS[1], "Name a capital."),
        (Record(0, "completion", {"prompt": "Once\nupon", "completion": "a"}), "Once\nupon"),
        (Record(0, "messages", messages=(Message("user", "Hi"), Message("assistant", "Yes"))), "Hi"),
        (PAIR, "Is it far?"),
        (Record(0, "label", {"text": "A joy.", "label": "good"}), "A joy."),
        (Record(0, "text", {"text": "A tale."}), "A tale."),
        (Record(0, "prompt", {"prompt": "The film"}), "The film"),
    ],
)
def test_the_question_is_whole(record: Record, asked: str) -> None:
    assert question(record) == asked


def test_a_long_question_is_not_cut() -> None:
    long = dataclasses.replace(RECORDS[0], fields={**RECORDS[0].fields, "instruction": "word " * 1000})
    assert len(question(long)) > 5000
