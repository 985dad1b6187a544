"""Labels as words, and questions about the party that a text names."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerBase

from playground.config.run import DataSettings
from playground.data.splits import prepare
from playground.data.templates import render, render_prompt
from playground.errors import ConfigError, DataError
from tests.small_models import tokenizer_of

QUESTION = "{text} Does {party} win? Answer:{label}"
CASES = [
    {"facts": "Ms. Roe sued the city.", "first_party": "Jane Roe", "second_party": "City", "first_party_winner": 1},
    {"facts": "The firm Acme lost its licence.", "first_party": "Smith", "second_party": "Acme Corp.",
     "first_party_winner": 1},
    {"facts": "A man was arrested.", "first_party": "Smith", "second_party": "Texas", "first_party_winner": 0},
]  # fmt: skip


def settings_of(tmp_path: Path, rows: list[dict[str, Any]], **values: Any) -> DataSettings:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    return DataSettings(source=str(path), split=(1.0, 0.0), **values)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return tokenizer_of("gpt2")


def test_a_word_stands_for_each_label(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = [{"content": "a joy", "label": 1}, {"content": "dull", "label": 0}, {"content": "odd", "label": 2}]
    words = {"0": "negative", "1": "positive"}
    found = prepare(settings_of(tmp_path, rows, template="classification", verbalizer=words))
    assert [record.answer for record in found.train] == ["positive", "negative"]
    assert "label '2' has no word in data.verbalizer, which knows 0, 1" in found.dropped[0].reason
    assert render(found.train[0], "classification", tokenizer).text == "text : a joy Label : positive<|endoftext|>"


def test_the_party_that_the_text_names_is_asked_about(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """The second party wins where the first loses; where neither is named, the first is the complainant."""
    words = {"0": "no", "1": "yes"}
    settings = settings_of(tmp_path, CASES, template="custom", custom_template=QUESTION, verbalizer=words)
    found = prepare(settings)
    assert [(record.fields["party"], record.answer) for record in found.train] == [
        ("Jane Roe", "yes"),
        ("Acme Corp.", "no"),
        ("Complainant", "no"),
    ]
    rendered = render(found.train[1], settings.template_text, tokenizer)
    assert rendered.prompt == "The firm Acme lost its licence. Does Acme Corp. win? Answer:"
    assert rendered.answer == " no<|endoftext|>"
    typed = render_prompt("A man was arrested.", settings.template_text, tokenizer)
    assert typed == "A man was arrested. Does Complainant win? Answer:"


def test_a_second_party_without_two_words_is_dropped(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, CASES[1:2], template="custom", custom_template=QUESTION)
    with pytest.raises(DataError, match="must have two words"):
        prepare(settings)


@pytest.mark.parametrize("words", [{"0": "yes", "1": "Yes "}, {"0": ""}])
def test_words_that_tell_nothing_apart_are_refused(words: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="each label a word of its own"):
        DataSettings(verbalizer=words)
