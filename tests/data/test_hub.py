"""The real clients against a small Hub of our own: a data set that is there, gated, missing, slow or failing."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

SCRIPT = """
import json, sys
from playground.data.hub import load_from_hub
from playground.errors import DataError
try:
    print(json.dumps({"rows": load_from_hub(sys.argv[1], None, "train")}))
except DataError as error:
    print(json.dumps({"error": str(error)}))
"""


class Hub(BaseHTTPRequestHandler):
    """Answers by the owner in the name."""

    def do_GET(self) -> None:
        if "/slow/" in self.path:
            time.sleep(8)
        status, code = {"gated": (403, "GatedRepo"), "failing": (500, "")}.get(
            self.path.split("/")[3], (404, "RepoNotFound")
        )
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815  # the name that the server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the overridden method
        """Silence."""


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(endpoint: str, name: str) -> str:
    """The sentence a person reads; in a process of its own, since the clients read the address when imported."""
    import os

    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_TOKEN": ""}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert time.monotonic() - begun < 20
    return str(json.loads(done.stdout.splitlines()[-1])["error"])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gated/data", "The data set gated/data is gated; accept its terms"),
        ("missing/data", "There is no data set missing/data"),
        ("failing/data", "the Hub does not answer"),
        ("slow/data", "the Hub does not answer"),
    ],
)
def test_what_the_hub_answers_becomes_a_sentence(hub: str, name: str, sentence: str) -> None:
    assert sentence in ask(hub, name)


def test_no_hub_at_all_is_told_within_seconds() -> None:
    assert "the Hub does not answer" in ask("http://127.0.0.1:9", "some/data")
