import json
from contextvars import ContextVar
from pathlib import Path

import gradio as gr
import pytest
from gradio.context import LocalContext
from starlette.requests import Request

from playground.errors import ConfigError
from playground.room.pace import TooFast
from playground.ui.errors import toast
from playground.ui.pacing import too_fast
from playground.ui.sentences import PLACE, Catalogue, catalogue, translated
from scripts.sentences import CATALOGUE as WRITTEN
from scripts.sentences import ROOT, Sentences
from tests.ui.told import CASES, CATALOGUE, HOSTILE


@pytest.fixture(scope="module")
def said() -> set[str]:
    """Every sentence of the source."""
    return Sentences(ROOT / "playground").templates


@pytest.fixture(scope="module")
def korean() -> dict[str, str]:
    found: dict[str, str] = json.loads(WRITTEN.read_text(encoding="utf-8"))
    return found


def test_every_sentence_has_a_translation(said: set[str], korean: dict[str, str]) -> None:
    """`python -m scripts.sentences` puts in what is missing; the text is written by hand."""
    assert sorted(said - {english for english, text in korean.items() if text.strip()}) == []


def test_no_translation_is_of_a_sentence_that_is_said_no_longer(said: set[str], korean: dict[str, str]) -> None:
    assert sorted(set(korean) - said) == []


def test_translations_have_the_places_of_their_sentences(korean: dict[str, str]) -> None:
    places = {english: (set(PLACE.findall(english)), set(PLACE.findall(text))) for english, text in korean.items()}
    assert [english for english, (there, here) in places.items() if there != here] == []


def test_the_file_is_sorted_so_that_two_people_can_add_to_it(korean: dict[str, str]) -> None:
    written = json.dumps(dict(sorted(korean.items())), indent=2, ensure_ascii=False) + "\n"
    assert WRITTEN.read_text(encoding="utf-8") == written


def test_no_sentence_is_taken_for_another_one(korean: dict[str, str]) -> None:
    def filled(template: str) -> str:
        return PLACE.sub(lambda place: f"«{place[1]}»", template)

    assert [english for english, text in korean.items() if translated(filled(english), "ko") != filled(text)] == []


SOURCE = '''
class Ours(Exception):
    """Not this."""

def hint(names):
    return f"did you mean {names[0]}?"

def where(at: int) -> str:
    return f"row {at}" if at else "the header"

def check(name, rows, done):
    logger.warning("Nobody reads this line.")
    if not rows:
        raise Ours("It is " "empty.")
    problem = f"{name!r} is unknown"
    if done:
        raise Ours([f"{problem}; got {rows}{name}."])
    count = "one text" if rows == 1 else f"{rows} texts"
    raise Ours(f"Too many: {count}, {where(1)}; {' and '.join(rows)}.")

class Settings:
    def conflicts(self):
        yield f"{self.section}.low must be at most {self.high:g} of {{name}}."
'''


def test_sentences_are_read_from_the_source(tmp_path: Path) -> None:
    """Joined strings, places, names and functions that give pieces, and both ways of a condition."""
    (tmp_path / "module.py").write_text(SOURCE, encoding="utf-8")
    assert Sentences(tmp_path).templates == {
        "It is empty.",
        "{0} is unknown; got {1}.",
        "Too many: one text, row {0}; {1}.",
        "Too many: one text, the header; {0}.",
        "Too many: {0} texts, row {1}; {2}.",
        "Too many: {0} texts, the header; {1}.",
        "{0}.low must be at most {1} of {name}.",
    }


@pytest.mark.parametrize(("english", "told"), CASES)
def test_sentences_are_translated(english: str, told: str) -> None:
    assert (Catalogue(CATALOGUE).told(english) or english) == told


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.timeout(20)
def test_no_text_takes_long(text: str) -> None:
    assert isinstance(translated(text, "ko"), str)


def test_english_stays_english() -> None:
    assert translated("There is nothing to see yet.", "en") == "There is nothing to see yet."
    assert catalogue("en").told("There is nothing to see yet.") is None


def test_a_toast_speaks_the_browsers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ContextVar[gr.Request | None]("asked", default=None)
    monkeypatch.setattr(LocalContext, "request", asked)
    request = gr.Request(Request({"type": "http", "headers": [(b"accept-language", b"ko-KR,ko;q=0.9")]}))
    problems = ["training.batch_size must be at least 1; got 0.", "data.source <b> must be a text; got 3."]
    assert toast(ConfigError(problems)).message.startswith("training.batch_size must be at least 1; got 0.")
    asked.set(request)
    assert toast(ConfigError(problems)).message == (
        "training.batch_size은(는) 1 이상이어야 합니다. 입력값: 0\n"
        "data.source &lt;b&gt;의 값은 텍스트여야 합니다. 입력값: 3"
    )


def test_whoever_sends_files_too_fast_reads_it_in_their_language() -> None:
    found = json.loads(bytes(too_fast(TooFast("You", 30, 5), "ko").body))
    assert found["error"].startswith("이 사용자의 요청이 1분 동안 호스트가 허용한 30번에 이르렀습니다.")
