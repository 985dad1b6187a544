"""Text of answers and of single tokens: no broken characters, no lost spaces."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from playground.models.detokenise import AnswerText, token_texts
from tests.small_models import FAMILIES

ANSWER = " the plot — 한국어, 🎬!  Two  spaces\nand a line."


@pytest.fixture(scope="module", params=FAMILIES)
def tokenizer(request: pytest.FixtureRequest, small_models: dict[str, Path]) -> PreTrainedTokenizerBase:
    found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(small_models[request.param])
    return found


def ids_of(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    ids: list[int] = tokenizer(text)["input_ids"]
    return ids


@pytest.mark.parametrize("prompt", ["Human:", "x " * 20, "The film 한", "\n"])
def test_an_answer_is_what_follows_its_prompt(tokenizer: PreTrainedTokenizerBase, prompt: str) -> None:
    """Token by token, across every boundary within a character."""
    ids = ids_of(tokenizer, prompt + ANSWER)
    start = len(ids_of(tokenizer, prompt))
    if ids[:start] != ids_of(tokenizer, prompt):
        pytest.skip("this tokenizer joins prompt and answer into one token")
    text, seen = AnswerText(tokenizer, ids[:start]), ""
    for token in ids[start:]:
        text.ids.append(token)
        assert "\ufffd" not in text.settled()
        assert text.settled().startswith(seen)
        seen = text.settled()
    assert text.whole() == ANSWER


def test_bytes_that_never_become_a_character_are_shown_at_the_end(tokenizer: PreTrainedTokenizerBase) -> None:
    text = AnswerText(tokenizer, ids_of(tokenizer, "plot"))
    text.ids = ids_of(tokenizer, "🎬")[-1:]
    assert text.settled() == ""
    assert text.whole() == "\ufffd"


def test_an_answer_cut_off_within_a_character_keeps_those_before_it(tokenizer: PreTrainedTokenizerBase) -> None:
    text = AnswerText(tokenizer, ids_of(tokenizer, "plot"))
    text.ids = ids_of(tokenizer, "plot한국어")[len(ids_of(tokenizer, "plot")) :]
    assert text.whole() == "한국어"
    text.ids.pop()
    assert text.whole() == "한국\ufffd"
    assert text.settled() == "한국"


def test_special_tokens_are_no_text_of_an_answer(tokenizer: PreTrainedTokenizerBase) -> None:
    text = AnswerText(tokenizer, ids_of(tokenizer, "plot"))
    text.ids = [*ids_of(tokenizer, "film")[-1:], int(tokenizer.eos_token_id)]
    assert "<" not in text.whole()


def test_token_texts_put_together_are_the_text(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = token_texts(tokenizer, len(tokenizer) + 3)
    sentence = "The film was a joy;  the plot\nwas dull."
    pieces = [texts[token] for token in tokenizer(sentence, add_special_tokens=False)["input_ids"]]
    assert "".join(pieces).removeprefix(" ") == sentence
    assert texts[-3:] == [f"<unused {len(tokenizer) + extra}>" for extra in range(3)]
    assert texts[tokenizer.eos_token_id] == tokenizer.eos_token
    assert len(token_texts(tokenizer, 10)) == 10


def test_tokens_that_are_no_characters_show_their_bytes(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = token_texts(tokenizer, len(tokenizer))
    pieces = [texts[token] for token in tokenizer("🎬", add_special_tokens=False)["input_ids"]]
    shown = "".join(piece.replace("\ufffd", "").strip() for piece in pieces)
    assert shown == "<0xF0><0x9F><0x8E><0xAC>"
    assert sum("\ufffd" in piece for piece in pieces) == 4


def test_a_replacement_character_in_the_vocabulary_is_not_mistaken(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.add_tokens(["\ufffd\ufffd"])
    assert token_texts(tokenizer, len(tokenizer))[-1] == "\ufffd\ufffd"
