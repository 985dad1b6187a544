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
    split = None if sys.argv[3] == "own" else (0.8, 0.2)
    table = load_rows(DataSettings(source=sys.argv[1], hub_split=sys.argv[2], split=split))
    parts = {part: [rows.start, rows.stop] for part, rows in table.parts.items()}
    print(json.dumps({"columns": table.columns, "rows": list(table.rows), "source": table.source, "parts": parts}))
except DataError as error:
    print(json.dumps({"error": str(error)}))
"""

ROWS = [{"instruction": f"Say {place}.", "output": str(place)} for place in range(3)]
FILE = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
COMMIT = "1" * 40
FILES = {"own/data": ["train.jsonl"], "own/parts": ["train.jsonl", "test.jsonl"]}


def info(name: str) -> dict[str, object]:
    """What the Hub tells of a data set."""
    siblings = [{"rfilename": file} for file in FILES[name]]
    return {"id": name, "sha": COMMIT, "private": False, "gated": False, "siblings": siblings}


def tree(name: str) -> list[dict[str, object]]:
    """What lies in its folder."""
    return [{"type": "file", "path": file, "size": len(FILE), "oid": "2" * 40} for file in FILES[name]]


class Hub(BaseHTTPRequestHandler):
    """Has `own/data` and `own/parts`; other owners' names say how they fail."""

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
        name = next((name for name in FILES if f"/{name}" in path), "")
        if not name:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        if "/tree/" in path or "/paths-info/" in path:
            return 200, {}, json.dumps(tree(name)).encode()
        if path.startswith("/api/"):
            return 200, {}, json.dumps(info(name)).encode()
        if path.rpartition("/")[2] in FILES[name]:
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


def ask(
    endpoint: str, home: Path, name: str, split: str = "train", *, offline: bool = False, own: bool = False
) -> dict[str, Any]:
    """What loading gives or says; in a process of its own, since the clients read the address when imported."""
    settings = {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": str(int(offline)), "HF_TOKEN": "", "HF_HOME": str(home)}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name, split, "own" if own else "shared out"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert time.monotonic() - begun < 30
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


def test_a_data_set_of_the_hub_is_read_and_kept(hub: str, tmp_path: Path) -> None:
    read = {"columns": ["instruction", "output"], "rows": ROWS, "source": "own/data", "parts": {}}
    assert ask(hub, tmp_path, "own/data") == read
    assert ask(hub, tmp_path, "own/data", offline=True) == read
    assert "Should be one of ['train']" in ask(hub, tmp_path, "own/data", "nope")["error"]


def test_parts_of_its_own_are_kept_where_no_shares_are_given(hub: str, tmp_path: Path) -> None:
    both = ask(hub, tmp_path, "own/parts", own=True)
    assert (both["rows"], both["parts"]) == (ROWS + ROWS, {"train": [0, 3], "test": [3, 6]})
    assert ask(hub, tmp_path, "own/parts")["rows"] == ROWS
    assert ask(hub, tmp_path, "own/data", own=True)["parts"] == {}
    assert ask(hub, tmp_path, "own/parts", "test", own=True)["rows"] == ROWS
    assert "Should be one of ['train', 'test']" in ask(hub, tmp_path, "own/parts", "nope", own=True)["error"]


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
