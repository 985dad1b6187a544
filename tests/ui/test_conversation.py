"""A conversation as models read it: by their own template to the token, in other words where they have none, cut."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from playground.data.records import Message
from playground.errors import PlaygroundError
from playground.models import catalogue
from playground.ui.conversation import MOST_MESSAGES, conversed, form_of, messages_of

TALK = [Message("user", "Hi there."), Message("assistant", "Hello!"), Message("user", "What is 2 + 2?")]
LONG = [Message(("user", "assistant")[place % 2], f"Message {place} about the film.") for place in range(9)]
ROOM = 10_000


def as_json(messages: list[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


@pytest.fixture(scope="module")
def tiny() -> Any:
    return AutoTokenizer.from_pretrained(catalogue.local_folder("tiny"))


@pytest.fixture(scope="module")
def bare(small_models: dict[str, Path]) -> Any:
    """A tokenizer without a chat template."""
    found = AutoTokenizer.from_pretrained(small_models["llama"])
    found.chat_template = None
    return found


def test_a_model_with_a_template_reads_what_transformers_writes(tiny: Any) -> None:
    found = conversed(TALK, "instruction-response", tiny, ROOM)
    whole = tiny.apply_chat_template(as_json(TALK), add_generation_prompt=True, return_dict=False)
    assert (found.ids, found.form, found.dropped) == (whole, "model", 0)


def test_without_one_the_runs_words_are_used_or_plain_turns(bare: Any) -> None:
    assert form_of("instruction-response", bare) == "plain"
    assert form_of("human-assistant", bare) == "run"
    found = conversed(TALK, "instruction-response", bare, ROOM)
    assert found.form == "plain"
    end = bare.eos_token
    words = f"\n\nHuman: Hi there.\n\nAssistant: Hello!{end}\n\nHuman: What is 2 + 2?\n\nAssistant:"
    assert found.ids == bare(words)["input_ids"]
    assert conversed(TALK, "human-assistant", bare, ROOM).ids == found.ids


def test_in_the_runs_words_every_exchange_is_a_row_as_it_was_learnt(tiny: Any) -> None:
    found = conversed(TALK, "instruction-response", tiny, ROOM, as_trained=True)
    end = tiny.eos_token
    before = f"### Instruction:\nHi there.\n\n### Response:\nHello!{end}"
    words = f"{before}### Instruction:\nWhat is 2 + 2?\n\n### Response:\n"
    assert (found.ids, found.form) == (tiny(words)["input_ids"], "run")
    assert conversed(TALK, "human-assistant", tiny, ROOM, as_trained=True).ids == conversed(TALK, "", tiny, ROOM).ids


def test_of_what_does_not_fit_the_oldest_exchanges_are_left_out(tiny: Any) -> None:
    kept = conversed(LONG[4:], "", tiny, ROOM)
    room = len(kept.ids)
    assert conversed(LONG, "", tiny, room) == (kept.ids, "model", 4)
    assert conversed(LONG, "", tiny, room - 1).dropped == 6
    assert conversed(LONG, "", tiny, 1).dropped == 8, "the last message always stays"


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (None, "has 1 to"),
        ([], "has 1 to"),
        ([{"role": "user", "content": "x"}] * (MOST_MESSAGES + 1), "has 1 to"),
        (as_json(TALK[:2]), "ends with a message of the user"),
        (as_json(TALK[1:]), "user and assistant in turn"),
        ([{"role": "user", "content": 3}], "each with its words"),
        ([{"role": "user", "content": "  "}], "is empty"),
        ([{"role": "user", "content": "x" * 20_001}], "at most 20,000 characters"),
    ],
)
def test_what_is_no_conversation_is_refused(given: object, refusal: str) -> None:
    with pytest.raises(PlaygroundError, match=refusal):
        messages_of(given)


def test_a_conversation_comes_through_as_it_is() -> None:
    assert messages_of(as_json(TALK)) == TALK
