import json
import re
from typing import Any

import gradio as gr
import pytest
from gradio.i18n import I18nData
from starlette.requests import Request

from playground.models.catalogue import CATALOGUE
from playground.ui import i18n, routes

PLACE = re.compile(r"\{(\w+)\}")


def test_both_languages_have_the_same_keys_and_places() -> None:
    english, korean = i18n.texts("en"), i18n.texts("ko")
    assert set(english) == set(korean)
    different = [key for key in english if set(PLACE.findall(english[key])) != set(PLACE.findall(korean[key]))]
    assert not different
    assert not [key for key in korean if not korean[key].strip()]


def test_what_is_said_of_one_or_many_is_said_of_a_place_of_the_text() -> None:
    for locale in i18n.LOCALES:
        chosen = {key: set(re.findall(r"\{(\w+):[^{|}]+\|[^{|}]+\}", text)) for key, text in i18n.texts(locale).items()}
        wrong = [key for key, names in chosen.items() if not names <= set(PLACE.findall(i18n.texts(locale)[key]))]
        assert not wrong


def test_every_text_that_the_page_names_exists(page: gr.Blocks) -> None:
    def keys(found: Any) -> set[str]:
        if isinstance(found, I18nData):
            return {found.key}
        if isinstance(found, dict):
            return set().union(*map(keys, found.values()))
        if isinstance(found, (list, tuple)):
            return set().union(*map(keys, found))
        if isinstance(found, str) and "__i18n__" in found:
            return set(re.findall(r'__i18n__.*?"key": "([^"]+)"', found))
        return set()

    named = keys([block.get_config() for block in page.blocks.values()])
    assert len(named) > 20
    assert named <= set(i18n.texts("en"))


def test_every_text_that_the_scripts_name_exists() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in (routes.ASSETS / "js").glob("*.js"))
    named = set(re.findall(r'(?:playground\.text|\bsay)\("([\w.-]+)"', scripts))
    assert named
    assert named <= set(i18n.texts("en"))


def test_notes_of_the_catalogue_are_not_a_second_truth() -> None:
    for entry in CATALOGUE:
        assert i18n.texts("en")[f"model.note.{entry.name}"] == entry.note


@pytest.mark.parametrize(
    ("accepted", "locale"),
    [
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-US,en;q=0.9,ko;q=0.5", "en"),
        ("fr,ko;q=0.7", "ko"),
        ("fr", "en"),
        ("", "en"),
    ],
)
def test_the_server_speaks_the_browsers_first_language_it_knows(accepted: str, locale: str) -> None:
    headers = [(b"accept-language", accepted.encode())]
    assert i18n.locale_of(gr.Request(Request({"type": "http", "headers": headers}))) == locale


def test_sentences_are_filled_in() -> None:
    assert i18n.say("error.unexpected", "ko", kind="KeyError").startswith("앱 내부에서 문제가 생겼습니다(KeyError)")


def test_the_files_are_sorted_so_that_two_people_can_add_to_them() -> None:
    for locale in i18n.LOCALES:
        written = (i18n.FOLDER / f"{locale}.json").read_text(encoding="utf-8")
        assert written == json.dumps(json.loads(written), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
