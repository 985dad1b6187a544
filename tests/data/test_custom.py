"""Templates of one's own: the text letter by letter, wrong names, and the plain and classification templates."""

import pytest

from playground.config.run import DataSettings
from playground.data.records import Format, Message, Record
from playground.data.templates import NoAnswer, render, render_pair, render_prompt, render_question
from playground.errors import ConfigError, DataError
from tests.small_models import tokenizer_of

END = "<|endoftext|>"

RECORDS: dict[Format, Record] = {
    "instruction": Record(0, "instruction", {"instruction": "Fix.", "input": "He go.", "output": "He goes."}),
    "completion": Record(0, "completion", {"prompt": "1 + 1 =", "completion": " 2"}),
    "messages": Record(0, "messages", messages=(Message("user", "Hi"), Message("assistant", "Hello."))),
    "text": Record(0, "text", {"text": "Once upon a time."}),
    "preference": Record(
        0, "preference", {"prompt": "Hi", "chosen": "Hello.", "rejected": "What?"}, (Message("user", "Hi"),)
    ),
    "label": Record(0, "label", {"text": "A fine film.", "label": "1"}),
    "prompt": Record(0, "prompt", {"prompt": "I saw"}),
}


@pytest.mark.parametrize(
    ("kind", "template", "prompt", "answer"),
    [
        ("instruction", "Q: {instruction}\n{input}\nA: {output}", "Q: Fix.\nHe go.\nA: ", "He goes."),
        ("instruction", "{{{instruction}}} -> {output} ok", "{Fix.} -> ", "He goes. ok"),
        ("instruction", "{output} answers {instruction}", "", "He goes. answers Fix."),
        ("completion", "<{prompt}>{completion}", "<1 + 1 =>", " 2"),
        ("messages", "U {prompt} A {completion}", "U Hi A ", "Hello."),
        ("text", "Story: {text}", "Story: ", "Once upon a time."),
        ("preference", "{prompt}|{chosen}", "Hi|", "Hello."),
        ("preference", "{prompt}|{completion}", "Hi|", "Hello."),
        ("label", "{text} = {label}", "A fine film. = ", "1"),
        ("text", "alpaca", "", "Once upon a time."),
        ("text", "chat", "", "Once upon a time."),
        ("text", "plain", "", "Once upon a time."),
        ("completion", "plain", "1 + 1 =", " 2"),
        ("instruction", "plain", "Fix.\nHe go.\n", "He goes."),
        ("label", "plain", "A fine film.\n", "1"),
        ("preference", "plain", "Hi", "Hello."),
        ("label", "classification", "text : A fine film. Label :", " 1"),
        ("label", "human-assistant", "\n\nHuman: A fine film.\n\nAssistant:", " 1"),
        ("preference", "human-assistant", "\n\nHuman: Hi\n\nAssistant:", " Hello."),
    ],
)
def test_the_text_of_a_row_of_every_format(kind: Format, template: str, prompt: str, answer: str) -> None:
    rendered = render(RECORDS[kind], template, tokenizer_of("gpt2"))
    assert (rendered.prompt, rendered.answer) == (prompt, answer + END)
    assert [segment.in_loss for segment in rendered.segments] == ([False, True] if prompt else [True])


@pytest.mark.parametrize(
    ("kind", "template", "message"),
    [
        ("instruction", "{instuction} {output}", r"\{instuction\}, .* \{instruction\}, \{input\}, \{output\}"),
        ("instruction", "{text} {output}", r"has the field \{text\}"),
        ("preference", "{prompt} {chosen} {rejected}", r"has the field \{rejected\}"),
        ("instruction", "{instruction}", r"needs \{output\} exactly once, .* 0 times"),
        ("instruction", "{output} {output}", "2 times"),
        ("label", "{text}", r"needs \{label\} exactly once"),
        ("instruction", "{instruction.upper} {output}", r"has the field \{instruction\.upper\}"),
        ("instruction", "{instruction!r} {output}", r"more than a name in the braces"),
        ("instruction", "{instruction:>9} {output}", r"more than a name in the braces"),
        ("instruction", "{} {output}", r"has the field \{\}"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_the_known_ones(kind: Format, template: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        render(RECORDS[kind], template, tokenizer_of("gpt2"))


def test_a_conversation_of_several_exchanges_has_no_place_in_a_custom_template() -> None:
    turns = (*RECORDS["messages"].messages, Message("user", "Bye"), Message("assistant", "See you."))
    with pytest.raises(DataError, match="several exchanges"):
        render(Record(0, "messages", messages=turns), "{prompt} {completion}", tokenizer_of("gpt2"))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Q: {instruction}\n{input}\nA: {output}", "Q: typed\n\nA: "),
        ("{prompt}{completion}", "typed"),
        ("{text} = {label}", "typed = "),
        ("Story: {text}", "Story: typed"),
        ("Story: {text} The end.", "Story: typed"),
        ("classification", "text : typed Label :"),
        ("plain", "typed"),
    ],
)
def test_a_typed_prompt_takes_the_place_of_the_question(template: str, expected: str) -> None:
    assert render_prompt("typed", template, tokenizer_of("opt")) == expected


def test_a_typed_prompt_in_a_template_with_a_wrong_field() -> None:
    with pytest.raises(ConfigError, match=r"\{quest\}, which no row has; known are \{instruction\}"):
        render_prompt("typed", "{quest} {output}", tokenizer_of("opt"))


def test_classification_takes_rows_with_labels() -> None:
    with pytest.raises(DataError, match="text and label; this row is of format instruction"):
        render(RECORDS["instruction"], "classification", tokenizer_of("gpt2"))


@pytest.mark.parametrize("template", ["alpaca", "plain", "{prompt}: {output}", "chat"])
def test_a_prompt_has_a_question_and_no_answer(template: str) -> None:
    tokenizer = tokenizer_of("gpt2")
    with pytest.raises(NoAnswer, match="has no answer"):
        render(RECORDS["prompt"], template, tokenizer)
    asked = render_question(RECORDS["prompt"], template, tokenizer)
    assert asked.text == render_prompt("I saw", template, tokenizer)
    assert not any(segment.in_loss for segment in asked.segments)


@pytest.mark.parametrize("template", ["alpaca", "phi-3", "human-assistant", "chat", "plain", "> {prompt}\n< {chosen}."])
def test_both_sides_of_a_pair_share_the_prompt_of_training(template: str) -> None:
    tokenizer = tokenizer_of("gpt2")
    record = RECORDS["preference"]
    pair = render_pair(record, template, tokenizer)
    assert pair.chosen.text == render(record, template, tokenizer).text
    assert pair.chosen.prompt == pair.rejected.prompt == pair.prompt.text == render_prompt("Hi", template, tokenizer)
    assert pair.chosen.answer == pair.rejected.answer.replace("What?", "Hello.")
    assert pair.rejected.answer.endswith(END)


def test_earlier_answers_in_a_prompt_are_read_and_not_learnt() -> None:
    turns = (Message("user", "Hi"), Message("assistant", "Hello."), Message("user", "Bye"))
    record = Record(0, "preference", {"chosen": "See you.", "rejected": "No."}, turns)
    pair = render_pair(record, "human-assistant", tokenizer_of("gpt2"))
    assert [segment.in_loss for segment in pair.chosen.segments] == [False, False, False, True]
    assert [segment.in_loss for segment in render(record, "human-assistant", tokenizer_of("gpt2")).segments] == [
        False,
        True,
        False,
        True,
    ]
    with pytest.raises(DataError, match="this row is of format label"):
        render_pair(RECORDS["label"], "alpaca", tokenizer_of("gpt2"))


def test_the_settings_know_a_custom_template_that_cannot_be() -> None:
    good = DataSettings(template="custom", custom_template="{prompt} {completion}")
    assert (good.template_text, DataSettings(custom_template="{x").template_text) == ("{prompt} {completion}", "alpaca")
    for text in ("", "no field", "{{prompt}}"):
        with pytest.raises(ConfigError, match=r"data\.custom_template needs fields in braces"):
            DataSettings(template="custom", custom_template=text)
    with pytest.raises(ConfigError, match=r"cannot be read: .*write a brace that is meant as such twice"):
        DataSettings(template="custom", custom_template="{prompt")
    with pytest.raises(ConfigError, match=r"data\.template must be one of alpaca, .*custom; got 'alpacca'"):
        DataSettings(template="alpacca")  # type: ignore[arg-type]  # what a person may write
