"""The real clients against a small Hub of our own: a data set that is there, gated, missing, slow or failing."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, sys
from playground.config.run import DataSettings
from playground.data.loading import load_rows
from playground.errors import DataError
try:
    table = load_rows(DataSettings(source=sys.argv[1], hub_split=sys.argv[2]))
    print(json.dumps({"columns": table.columns, "rows": list(table.rows), "source": table.source}))
except DataError as error:
    print(json.dumps({"error": str(error)}))
"""

ROWS = [{"instruction": f"Say {place}.", "output": str(place)} for place in range(3)]
FILE = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
COMMIT = "1" * 40
INFO = {"id": "own/data", "sha": COMMIT, "private": False, "gated": False, "siblings": [{"rfilename": "train.jsonl"}]}
TREE = [{"type": "file", "path": "train.jsonl", "size": len(FILE), "oid": "2" * 40}]


class Hub(BaseHTTPRequestHandler):
    """Has `own/data`; other owners' names say how they fail."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "/slow/" in self.path:
            time.sleep(8)
        status, headers, body = self.answer(self.path.partition("?")[0])
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET  # noqa: N815  # the names that the server looks for

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        if "/gated/" in path:
            return 403, {"X-Error-Code": "GatedRepo"}, b""
        if "/failing/" in path:
            return 500, {}, b""
        if "/own/data" not in path:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        if "/tree/" in path or "/paths-info/" in path:
            return 200, {}, json.dumps(TREE).encode()
        if path.startswith("/api/"):
            return 200, {}, json.dumps(INFO).encode()
        if path.endswith("/train.jsonl"):
            return 200, {"ETag": '"3"', "X-Repo-Commit": COMMIT}, FILE
        return 404, {"X-Error-Code": "EntryNotFound"}, b""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the overridden method
        """Silence."""


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(endpoint: str, home: Path, name: str, split: str = "train", *, offline: bool = False) -> dict[str, Any]:
    """What loading gives or says; in a process of its own, since the clients read the address when imported."""
    own = {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": str(int(offline)), "HF_TOKEN": "", "HF_HOME": str(home)}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name, split],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert time.monotonic() - begun < 30
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


def test_a_data_set_of_the_hub_is_read_and_kept(hub: str, tmp_path: Path) -> None:
    read = {"columns": ["instruction", "output"], "rows": ROWS, "source": "own/data"}
    assert ask(hub, tmp_path, "own/data") == read
    assert ask(hub, tmp_path, "own/data", offline=True) == read
    assert "Should be one of ['train']" in ask(hub, tmp_path, "own/data", "nope")["error"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gated/data", "The data set gated/data is gated; accept its terms"),
        ("missing/data", "There is no data set missing/data"),
        ("failing/data", "the Hub does not answer"),
        ("slow/data", "the Hub does not answer"),
    ],
)
def test_what_the_hub_answers_becomes_a_sentence(hub: str, tmp_path: Path, name: str, sentence: str) -> None:
    assert sentence in ask(hub, tmp_path, name)["error"]


def test_no_hub_at_all_is_told_within_seconds(tmp_path: Path) -> None:
    assert "the Hub does not answer" in ask("http://127.0.0.1:9", tmp_path, "some/data")["error"]
