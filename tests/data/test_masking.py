"""What is in the loss, token by token, and that inference reads the tokens of training."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, processors
from transformers import PreTrainedTokenizerFast

from playground.data.masking import TokenizedRow, encode_rows, prompt_ids, tokenize
from playground.data.records import Message, Record
from playground.data.templates import Rendered, Segment, render, render_prompt
from playground.errors import DataError, ModelError
from tests.data.test_templates import FOR_INSTRUCTIONS
from tests.small_models import FAMILIES, Family, tokenizer_of

cached_tokenizer = cache(tokenizer_of)

EVERY = pytest.mark.parametrize("template", FOR_INSTRUCTIONS)
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES)

ODD_TEXT = st.text(min_size=1, max_size=30) | st.sampled_from(
    [
        " ",
        "\n",
        "\n\n",
        "  a  ",
        "é",
        "한국어 문장",
        "🙂🙂",
        "a\u0301",
        "\u2028",
        "\t",
        "{input}",
        "### Response:\n",
        "He goes. ",
    ]
)


def row(instruction: str, output: str, further: str = "") -> Record:
    return Record(0, "instruction", {"instruction": instruction, "input": further, "output": output})


def talk(*turns: str) -> Record:
    roles = ("user", "assistant")
    return Record(0, "messages", messages=tuple(Message(roles[place % 2], text) for place, text in enumerate(turns)))  # type: ignore[arg-type]


def marked(ids: list[int], mask: list[int]) -> list[int]:
    return [token for token, learnt in zip(ids, mask, strict=True) if learnt]


@EVERY
@EVERY_FAMILY
def test_the_mask_is_one_exactly_on_the_answer_and_its_end(template: str, family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    rendered = render(row("Edit the sentence.", "He goes.", "He go."), template, tokenizer)
    encoded = tokenize(rendered, tokenizer, None)
    answer = marked(encoded.input_ids, encoded.completion_mask)
    assert str(tokenizer.decode(answer)).strip() == rendered.answer.strip()
    assert answer[-1] == tokenizer.eos_token_id
    assert answer.count(tokenizer.eos_token_id) == 1
    assert encoded.completion_mask == [0] * (len(encoded.input_ids) - len(answer)) + [1] * len(answer)
    assert (encoded.answer_tokens, encoded.truncated, encoded.answer_cut) == (len(answer), False, False)


def test_ids_by_hand() -> None:
    vocabulary = {"<s>": 0, "</s>": 1, "a": 2, "b": 3, "c": 4, "bc": 5}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[("b", "c")]))
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")  # type: ignore[no-untyped-call]  # noqa: S106  # tokens of text
    apart = tokenize(Rendered((Segment("ab", False), Segment("c</s>", True))), tokenizer, None)
    assert apart == TokenizedRow([0, 2, 3, 4, 1], [0, 0, 0, 1, 1], 2, truncated=False, answer_cut=False)
    natural = tokenize(Rendered((Segment("a", False), Segment("bc</s>", True))), tokenizer, None)
    assert natural == TokenizedRow([0, 2, 5, 1], [0, 0, 1, 1], 2, truncated=False, answer_cut=False)
    three = (Segment("a", False), Segment("b</s>", True), Segment("c", False), Segment("a</s>", True))
    assert tokenize(Rendered(three), tokenizer, 5) == TokenizedRow(
        [0, 2, 3, 1, 4], [0, 0, 1, 1, 0], 2, truncated=True, answer_cut=True
    )
    assert prompt_ids(Rendered(three), tokenizer) == [0, 2, 3, 1, 4]
    assert prompt_ids("<s>a", tokenizer) == [0, 2]


@EVERY
@EVERY_FAMILY
@settings(max_examples=25, deadline=None)
@given(instruction=ODD_TEXT, further=st.just("") | ODD_TEXT, output=ODD_TEXT)
def test_inference_reads_the_tokens_of_training(
    template: str, family: Family, instruction: str, further: str, output: str
) -> None:
    tokenizer = cached_tokenizer(family)
    rendered = render(row(instruction, output, further), template, tokenizer)
    encoded = tokenize(rendered, tokenizer, None)
    prompt = [token for token, learnt in zip(encoded.input_ids, encoded.completion_mask, strict=True) if not learnt]
    assert prompt_ids(rendered, tokenizer) == prompt
    assert prompt_ids(rendered.prompt, tokenizer) == prompt
    assert encoded.input_ids[: len(prompt)] == prompt
    if not further and template != "plain":
        assert prompt_ids(render_prompt(instruction, template, tokenizer), tokenizer) == prompt
    # The answer does not reach back: another one leaves the prompt's tokens as they are.
    other = tokenize(render(row(instruction, "\n\n" + output, further), template, tokenizer), tokenizer, None)
    assert other.input_ids[: len(prompt)] == prompt


@EVERY_FAMILY
@settings(max_examples=50, deadline=None)
@given(prompt=st.text(max_size=20), answer=st.text(min_size=1, max_size=20))
def test_nothing_is_lost_where_prompt_and_answer_do_not_meet_at_a_token(
    family: Family, prompt: str, answer: str
) -> None:
    tokenizer = cached_tokenizer(family)
    whole = "Say: " + prompt + answer
    encoded = tokenize(Rendered((Segment("Say: " + prompt, False), Segment(answer, True))), tokenizer, None)
    front = tokenizer("")["input_ids"]
    assert tokenizer.decode(encoded.input_ids[len(front) :]) == whole
    assert encoded.answer_tokens > 0


def test_a_prompt_that_runs_into_its_answer_is_tokenized_apart() -> None:
    tokenizer = cached_tokenizer("gpt2")
    natural = tokenizer("The instruction")["input_ids"]
    before = tokenizer("The instru")["input_ids"]
    assert natural[: len(before)] != before, "the example must cross a token"
    encoded = tokenize(Rendered((Segment("The instru", False), Segment("ction", True))), tokenizer, None)
    assert encoded.input_ids == before + tokenizer("ction")["input_ids"]
    assert encoded.answer_tokens == len(tokenizer("ction")["input_ids"])


def test_an_answer_tokenized_apart_gets_no_space_in_front() -> None:
    tokenizer = cached_tokenizer("llama")
    encoded = tokenize(Rendered((Segment("instru", False), Segment("ction", True))), tokenizer, None)
    assert tokenizer.decode(encoded.input_ids, skip_special_tokens=True) == "instruction"


@EVERY
@EVERY_FAMILY
def test_truncation_keeps_the_start(template: str, family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    rendered = render(row("Edit the sentence.", "He goes to the park every day."), template, tokenizer)
    whole = tokenize(rendered, tokenizer, None)
    length, answer = len(whole.input_ids), whole.answer_tokens
    for kept in (length, length - 1, length - answer + 1, length - answer, 3):
        cut = tokenize(rendered, tokenizer, kept)
        assert cut.input_ids == whole.input_ids[:kept]
        assert cut.completion_mask == whole.completion_mask[:kept]
        assert cut.truncated == (kept < length)
        assert cut.answer_cut == (kept < length)
        assert cut.answer_tokens == max(0, kept - (length - answer))


@EVERY_FAMILY
def test_loss_on_everything_leaves_out_only_the_first_token(family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    rendered = render(row("Edit.", "He goes."), "alpaca", tokenizer)
    encoded = tokenize(rendered, tokenizer, None, loss_on="all")
    assert encoded.completion_mask == [0] + [1] * (len(encoded.input_ids) - 1)
    assert encoded.input_ids == tokenize(rendered, tokenizer, None).input_ids
    assert encoded.answer_tokens == tokenize(rendered, tokenizer, None).answer_tokens


@pytest.mark.parametrize("template", ["phi-3", "human-assistant", "chat"])
@EVERY_FAMILY
def test_every_answer_of_a_conversation_is_marked(template: str, family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    rendered = render(talk("Hi", "Hello.", "Bye", "See you."), template, tokenizer)
    encoded = tokenize(rendered, tokenizer, None)
    answers = str(tokenizer.decode(marked(encoded.input_ids, encoded.completion_mask)))
    expected = "".join(segment.text for segment in rendered.segments if segment.in_loss)
    assert answers.split() == expected.split()
    assert encoded.input_ids[: len(prompt_ids(rendered, tokenizer))] == prompt_ids(rendered, tokenizer)


def test_a_chat_template_that_writes_the_beginning_gets_no_second() -> None:
    tokenizer = tokenizer_of("llama")
    tokenizer.chat_template = "{{ bos_token }}" + str(tokenizer.chat_template)
    encoded = tokenize(render(row("Hi", "Hello."), "chat", tokenizer), tokenizer, None)
    assert encoded.input_ids.count(tokenizer.bos_token_id) == 1
    asked = [{"role": "user", "content": "Hi"}]
    own = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    assert prompt_ids(render_prompt("Hi", "chat", tokenizer), tokenizer) == own


@EVERY_FAMILY
def test_a_chat_prompt_has_the_ids_that_transformers_gives_it(family: Family) -> None:
    tokenizer = cached_tokenizer(family)
    asked = [{"role": "user", "content": "Hi there"}]
    own = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    assert prompt_ids(render_prompt("Hi there", "chat", tokenizer), tokenizer) == own


def test_an_end_that_the_tokenizer_adds_is_left_out() -> None:
    tokenizer: PreTrainedTokenizerFast = tokenizer_of("llama")
    ends = [("<s>", tokenizer.bos_token_id), ("</s>", tokenizer.eos_token_id)]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=ends
    )
    assert tokenizer("Hi")["input_ids"][-1] == tokenizer.eos_token_id
    plain = cached_tokenizer("llama")
    rendered = render(row("Hi", "Hello."), "alpaca", tokenizer)
    assert tokenize(rendered, tokenizer, None) == tokenize(rendered, plain, None)
    assert prompt_ids("Hi", tokenizer) == prompt_ids("Hi", plain)


def test_rows_without_an_answer_are_dropped_with_reasons() -> None:
    tokenizer = cached_tokenizer("gpt2")
    records = [
        Record(3, "completion", {"prompt": "word " * 200, "completion": "a"}),
        Record(5, "completion", {"prompt": "Hi", "completion": "word " * 200}),
        Record(8, "messages", messages=talk("Hi", "Hello.", "Bye", "See you.").messages),
    ]
    rows, dropped = (encoded := encode_rows(records, "instruction-response", tokenizer, 64)).rows, encoded.dropped
    assert [(row.truncated, row.answer_cut) for row in rows] == [(True, True)]
    assert [drop.row for drop in dropped] == [3, 8]
    assert dropped[0].reason == "The prompt alone fills the 64 tokens, so no answer is left."
    assert "2 exchanges" in dropped[1].reason
    assert encoded.columns() == {"input_ids": [rows[0].input_ids], "completion_mask": [rows[0].completion_mask]}
    # The same rows are trained on whatever the loss is taken on.
    assert len(encode_rows(records, "instruction-response", tokenizer, 64, "all").rows) == 1


def test_no_row_left_is_told() -> None:
    tokenizer = cached_tokenizer("gpt2")
    with pytest.raises(DataError, match=r"None of the 1 rows can be used with the template alpaca .* 8 tokens\. 1 ×"):
        encode_rows([row("Hi", "Hello.")], "alpaca", tokenizer, 8)
    bare = tokenizer_of("gpt2")
    bare.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        encode_rows([row("Hi", "Hello.")], "chat", bare, 64)


@EVERY
def test_many_rows_are_encoded_as_each_alone(template: str) -> None:
    tokenizer = cached_tokenizer("llama")
    records = [row(f"Say {word}.", word, further) for word in ("one", "two\n", " three") for further in ("", "twice")]
    together = encode_rows(records, template, tokenizer, 400).rows
    assert list(together) == [tokenize(render(record, template, tokenizer), tokenizer, 400) for record in records]
