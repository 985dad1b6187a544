"""The text of every template, letter by letter, and where the answers stand in it."""

import pytest

from playground.data.records import Message, Record
from playground.data.templates import TEMPLATES, Rendered, Segment, render, render_prompt
from playground.data.writing.writer import writer_of
from playground.errors import ConfigError, DataError, ModelError
from tests.small_models import FAMILIES, Family, tokenizer_of

PLAIN = Record(0, "instruction", {"instruction": "Name a {color}.", "input": "", "output": "Red."})
WITH_INPUT = Record(0, "instruction", {"instruction": "Fix it.", "input": "He go.", "output": "He goes."})
COMPLETION = Record(0, "completion", {"prompt": "Name a {color}.", "completion": "Red."})
TALK = Record(
    0,
    "messages",
    messages=(
        Message("system", "Be brief."),
        Message("user", "Hi"),
        Message("assistant", "Hello."),
        Message("user", "Bye"),
        Message("assistant", "See you."),
    ),
)
ONE_EXCHANGE = Record(0, "messages", messages=TALK.messages[:3])

CUSTOM = "Q: {instruction}\n{input}\nA: {output} {{.}}"
FOR_INSTRUCTIONS = [*(name for name in TEMPLATES if name not in {"classification", "custom"}), CUSTOM]

PROMPTS = {
    "instruction-response": "### Instruction:\nName a {color}.\n\n### Response:\n",
    "alpaca": "Below is an instruction that describes a task. Write a response that appropriately completes the "
    "request.\n\n### Instruction:\nName a {color}.\n\n### Response:\n",
    "phi-3": "<|user|>\nName a {color}.<|end|>\n<|assistant|>\n",
    "human-assistant": "\n\nHuman: Name a {color}.\n\nAssistant:",
    "chat": "<|im_start|>user\nName a {color}.<|im_end|>\n<|im_start|>assistant\n",
    "plain": "Name a {color}.\n",
    CUSTOM: "Q: Name a {color}.\n\nA: ",
}
INPUT_PROMPTS = {
    "instruction-response": "### Instruction:\nFix it.\n\n### Input:\nHe go.\n\n### Response:\n",
    "alpaca": "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\nFix it.\n\n### Input:\nHe go.\n\n### Response:\n",
    "phi-3": "<|user|>\nFix it.\n\nHe go.<|end|>\n<|assistant|>\n",
    "human-assistant": "\n\nHuman: Fix it.\n\nHe go.\n\nAssistant:",
    "chat": "<|im_start|>user\nFix it.\n\nHe go.<|im_end|>\n<|im_start|>assistant\n",
    "plain": "Fix it.\nHe go.\n",
    CUSTOM: "Q: Fix it.\nHe go.\nA: ",
}
ANSWERS = {"human-assistant": " Red.", "chat": "Red.<|im_end|>", CUSTOM: "Red. {.}"}


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "custom"])
def test_every_name_has_a_writer_but_custom_whose_text_is_its_own(template: str) -> None:
    assert writer_of(template).conversation([Message("user", "Name a {color}.")], tokenizer_of("llama"))


@pytest.mark.parametrize("template", FOR_INSTRUCTIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_text_of_a_row(template: str, family: Family) -> None:
    tokenizer = tokenizer_of(family)
    rendered = render(PLAIN, template, tokenizer)
    assert rendered.prompt == PROMPTS[template]
    assert rendered.answer == ANSWERS.get(template, "Red.") + str(tokenizer.eos_token)
    assert rendered.text == rendered.prompt + rendered.answer
    assert [segment.in_loss for segment in rendered.segments] == [False, True]
    assert render(WITH_INPUT, template, tokenizer).prompt == INPUT_PROMPTS[template]
    if template not in ("plain", CUSTOM):
        assert render(COMPLETION, template, tokenizer) == rendered


@pytest.mark.parametrize("template", [name for name in FOR_INSTRUCTIONS if name != "plain"])
def test_a_typed_prompt_gets_the_words_of_training(template: str) -> None:
    tokenizer = tokenizer_of("gpt2")
    assert render_prompt("Name a {color}.", template, tokenizer) == PROMPTS[template]
    if template == CUSTOM:
        return
    assert render_prompt(TALK.messages[:2], template, tokenizer) == render(ONE_EXCHANGE, template, tokenizer).prompt


TURNS = {
    "plain": ["Be brief.Hi", "Hello.</s>", "Bye", "See you.</s>"],
    "phi-3": [
        "<|system|>\nBe brief.<|end|>\n<|user|>\nHi<|end|>\n<|assistant|>\n",
        "Hello.</s>",
        "\n<|user|>\nBye<|end|>\n<|assistant|>\n",
        "See you.</s>",
    ],
    "human-assistant": [
        "Be brief.\n\nHuman: Hi\n\nAssistant:",
        " Hello.</s>",
        "\n\nHuman: Bye\n\nAssistant:",
        " See you.</s>",
    ],
    "chat": [
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
        "Hello.<|im_end|>",
        "\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n",
        "See you.<|im_end|></s>",
    ],
}


@pytest.mark.parametrize("template", TURNS)
def test_every_turn_of_the_assistant_is_learnt(template: str) -> None:
    tokenizer = tokenizer_of("opt")
    rendered = render(TALK, template, tokenizer)
    assert rendered.segments == tuple(Segment(text, place % 2 == 1) for place, text in enumerate(TURNS[template]))
    assert render_prompt(TALK.messages[:-1], template, tokenizer) == rendered.prompt


@pytest.mark.parametrize("template", ["alpaca", "instruction-response"])
def test_templates_with_one_answer_take_one_exchange(template: str) -> None:
    tokenizer = tokenizer_of("llama")
    with pytest.raises(DataError, match="2 exchanges and the template has room for one"):
        render(TALK, template, tokenizer)
    assert "### Instruction:\nBe brief.\n\nHi\n\n### Response:\n" in render(ONE_EXCHANGE, template, tokenizer).prompt


@pytest.mark.parametrize("template", [name for name in FOR_INSTRUCTIONS if name != CUSTOM])
@pytest.mark.parametrize("end", ["</s>", "</s>\n", "</s></s>"])
def test_an_answer_that_brings_its_end_ends_once(template: str, end: str) -> None:
    record = Record(0, "instruction", {"instruction": "a", "input": "", "output": f"Red.{end}"})
    answer = render(record, template, tokenizer_of("opt")).answer
    assert answer.count("</s>") == 1
    assert answer.endswith("</s>")


def test_phi_3_ends_turns_with_its_own_token_where_there_is_one() -> None:
    tokenizer = tokenizer_of("llama")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|end|>"]})
    assert render(PLAIN, "phi-3", tokenizer).answer == "Red.<|end|></s>"
    turns = [segment.text for segment in render(TALK, "phi-3", tokenizer).segments]
    assert turns[1] == "Hello.<|end|>"


def test_a_chat_template_that_ends_with_end_of_sequence_gets_no_second() -> None:
    tokenizer = tokenizer_of("llama")
    tokenizer.eos_token = "<|im_end|>"  # noqa: S105  # a token of text
    assert render(PLAIN, "chat", tokenizer).answer == "Red.<|im_end|>"


def test_a_chat_template_that_rewrites_earlier_turns_leaves_them_out_of_the_loss() -> None:
    tokenizer = tokenizer_of("llama")
    # Like those of reasoning models: the last answer is written with its (empty) thoughts, earlier ones without.
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{% if m.role == 'assistant' and loop.last %}<think></think>{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    rendered = render(TALK, "chat", tokenizer)
    assert [segment.in_loss for segment in rendered.segments] == [False, True]
    assert rendered.answer == "<think></think>See you.<|im_end|></s>"
    assert rendered.prompt == render_prompt(TALK.messages[:-1], "chat", tokenizer)


def test_a_generation_prompt_that_finished_turns_lack_goes_before_the_answer() -> None:
    tokenizer = tokenizer_of("llama")
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]<think>{% endif %}"
    )
    rendered = render(PLAIN, "chat", tokenizer)
    assert rendered == Rendered((Segment("[user]Name a {color}.[assistant]<think>", False), Segment("Red.</s>", True)))


def test_what_a_template_needs_and_the_model_lacks_is_told() -> None:
    tokenizer = tokenizer_of("gpt2")
    tokenizer.chat_template = None
    with pytest.raises(ModelError, match=r"no chat template; choose another data\.template: alpaca"):
        render(PLAIN, "chat", tokenizer)
    with pytest.raises(ConfigError, match=r"data\.template must be one of alpaca, .*; got 'alpacca'"):
        render_prompt("Hi", "alpacca", tokenizer)
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match="no end-of-sequence token"):
        render(PLAIN, "alpaca", tokenizer)


def test_a_chat_template_that_refuses_a_conversation_is_a_matter_of_the_row() -> None:
    tokenizer = tokenizer_of("gpt2")
    tokenizer.chat_template = "{% if messages[0].role == 'system' %}{{ raise_exception('No system role') }}{% endif %}x"
    with pytest.raises(DataError, match="refuses the conversation: No system role"):
        render(TALK, "chat", tokenizer)
