"""A page with nothing in it but our scripts, for tests of their arithmetic."""

import contextlib
import mimetypes
from collections.abc import Iterator, Mapping
from pathlib import Path

from playwright.sync_api import Browser, Page, Route

SCRIPTS = Path(__file__).resolve().parents[2] / "assets" / "js"
ORIGIN = "http://127.0.0.1:9/"


@contextlib.contextmanager
def page_with(browser: Browser, modules: Mapping[str, str]) -> Iterator[Page]:
    """A page that has imported modules from their files.

    Args:
        modules: the name that each has on `window`, to its file in `assets/js` without its ending.
    """

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ORIGIN)
        if not name:
            return route.fulfill(body="<!doctype html>", content_type="text/html")
        return route.fulfill(body=(SCRIPTS / name).read_bytes(), content_type=mimetypes.guess_type(name)[0])

    found = browser.new_page()
    found.route(f"{ORIGIN}**", answer)
    found.goto(ORIGIN)
    found.evaluate(
        """async (modules) => {
          window.playground = {
            text: (key, values) => `${key} ${JSON.stringify(values ?? {})}`,
            sentence: (english) => english,
          };
          for (const [name, file] of Object.entries(modules)) window[name] = await import(`./${file}.js`);
        }""",
        dict(modules),
    )
    yield found
    found.close()
