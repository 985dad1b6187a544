"""Texts of the page in English and Korean: markers for Gradio's own translation, and sentences made on the server.

The browser chooses the language; `assets/i18n/*.json` hold the same keys, flat, such as "model.load".
"""

import functools
import json
from pathlib import Path

import gradio as gr
from gradio.i18n import I18nData
from starlette.requests import Request

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "i18n"
LOCALES = ("en", "ko")


@functools.cache
def texts(locale: str) -> dict[str, str]:
    """Every text of one language, by key."""
    found: dict[str, str] = json.loads((FOLDER / f"{locale}.json").read_text(encoding="utf-8"))
    return found


def translations() -> gr.I18n:
    """What `launch(i18n=…)` takes; JavaScript reads the same from `playground.text(key)`."""
    return gr.I18n(**{locale: texts(locale) for locale in LOCALES})


def text(key: str) -> I18nData:
    """A marker that the page shows in the reader's language. Not for `gr.Error` and `Blocks(title=)`; see `say`."""
    return I18nData(key)


def say(key: str, locale: str, **values: object) -> str:
    """A sentence put together on the server: the text of `key` with `{name}` places filled in."""
    return texts(locale).get(key, texts("en").get(key, key)).format(**values)


def locale_of(request: gr.Request | Request | None) -> str:
    """The first language of the browser that we speak; English without one."""
    accepted = request.headers.get("accept-language", "") if request is not None else ""
    for part in accepted.split(","):
        language = part.split(";")[0].strip().lower().split("-")[0]
        if language in LOCALES:
            return str(language)
    return "en"
