"""Texts stand in step with the docstrings, and every language has the same keys."""

import json
import re
from pathlib import Path

import pytest

from playground.config import texts

FOLDER = Path(texts.PATH).parent
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json"))


def read(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


def test_english_texts_of_settings_are_their_docstrings() -> None:
    written = read("en")
    of_settings = {key: text for key, text in written.items() if key.startswith(texts.PREFIXES)}
    assert of_settings == texts.texts(), "run: python -m playground.config.texts"


def test_bringing_into_step_leaves_other_texts_alone() -> None:
    changed = texts.in_step({"model.load": "Load", "setting.gone.label": "Gone", "setting.data.limit.label": "Old"})
    assert changed["model.load"] == "Load"
    assert changed["setting.data.limit.label"] == "Limit"
    assert changed["setting.ppo.max_update_kl.label"] == "Max update KL"
    assert "setting.gone.label" not in changed


def test_the_languages_are_english_and_korean() -> None:
    assert LANGUAGES == ["en", "ko"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys(language: str) -> None:
    english, other = set(read("en")), set(read(language))
    assert sorted(english - other) == [], f"{language}.json lacks these"
    assert sorted(other - english) == [], f"{language}.json has these and en.json has not"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_and_all_are_sorted(language: str) -> None:
    found = read(language)
    assert [key for key, text in found.items() if not text.strip()] == []
    assert list(found) == sorted(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_the_same_in_every_language(language: str) -> None:
    def places(text: str) -> list[str]:
        return sorted(re.findall(r"\{[a-z_]*\}", text))

    english = read("en")
    other = read(language)
    assert [key for key in english.keys() & other.keys() if places(english[key]) != places(other[key])] == []


def test_korean_texts_of_settings_are_korean() -> None:
    """Names that Korean readers know in Latin letters are the exception."""
    found = {key: text for key, text in read("ko").items() if key.startswith(texts.PREFIXES)}
    latin = {key for key, text in found.items() if not re.search("[가-힣]", text)}
    assert latin == {
        "setting.generation.top_k.label",
        "setting.generation.top_p.label",
        "setting.generation.min_p.label",
        "setting.generation.typical_p.label",
    }
