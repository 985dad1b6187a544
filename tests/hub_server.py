"""A stand-in for the Hugging Face Hub on this machine, as much of it as the real client needs to fetch and to push.

It can be slow, cut connections, fail, ask for a licence, and know nothing of a model. What it was asked is kept, and
what was pushed to it.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repository:
    """A model on the stand-in, and how it misbehaves."""

    folder: Path
    gated: bool = False
    """Files are for those who accepted the licence; a token that reads `accepted` has."""
    bytes_per_second: float | None = None
    cut_after: int | None = None
    """Close the connection after this many bytes of each answer with more."""
    stall_after: int | None = None
    """Say nothing more after this many bytes of each answer with more; the connection stays open."""
    failing: int | None = None
    """The status of every answer."""
    extra: dict[str, object] = field(default_factory=dict)
    """Laid over what the API says of the model."""


@dataclass
class Pushed:
    """A repository that somebody made on the stand-in."""

    private: bool
    message: str = ""
    """Of the last commit."""
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    range: str | None
    token: str | None


@dataclass
class StandIn:
    """The running server."""

    url: str
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0
    """Bytes of files sent so far."""
    writers: dict[str, str] = field(default_factory=dict)
    """Who may push, by token."""
    pushed: dict[str, Pushed] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    """Large files by their SHA-256."""
    taking: float | None = None
    """Bytes of a large file that are taken in a second; None for all at once."""

    def fetched(self) -> list[str]:
        """Names of files that were asked for, in order, each once."""
        return list(
            dict.fromkeys(Path(one.path).name for one in self.asked if one.method == "GET" and "/resolve/" in one.path)
        )


@contextmanager
def serve() -> Iterator[StandIn]:
    """Runs a stand-in with no models on a free port of this machine."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in = StandIn(f"http://127.0.0.1:{server.server_address[1]}")
    Handler.stand_in = stand_in
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Says nothing."""

    def do_POST(self) -> None:
        self._write(self._body())

    def do_PUT(self) -> None:
        oid = self.path.rpartition("/")[2]
        content = self._body(self.stand_in.taking)
        self._note()
        if hashlib.sha256(content).hexdigest() != oid:
            self._refuse(400, "")
            return
        self.stand_in.stored[oid] = content
        self._say({})

    def _write(self, body: bytes) -> None:
        """What the client asks on its way to a commit, by the end of the path."""
        path = self._note()
        user = self.stand_in.writers.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        told = json.loads(body) if body and not path.endswith("/commit/main") else {}
        if user is None:
            self._refuse(401, "")
        elif path == "/api/repos/create":
            owner = told.get("organization") or user
            name = f"{owner}/{told['name']}"
            if owner != user:
                self._refuse(403, "")
                return
            known = name in self.stand_in.pushed
            self.stand_in.pushed.setdefault(name, Pushed(told.get("visibility") == "private"))
            self._say({"url": f"{self.stand_in.url}/{name}", "name": name}, 409 if known else 200)
        elif path == "/api/validate-yaml":
            self._say({"errors": [], "warnings": []})
        elif path.endswith("/preupload/main"):
            modes = {
                file["path"]: "lfs" if file["path"].endswith(".safetensors") else "regular" for file in told["files"]
            }
            self._say(
                {"files": [{"path": name, "uploadMode": mode, "shouldIgnore": False} for name, mode in modes.items()]}
            )
        elif path.endswith(".git/info/lfs/objects/batch"):
            actions = {
                file["oid"]: {"upload": {"href": f"{self.stand_in.url}/lfs/{file['oid']}"}} for file in told["objects"]
            }
            sized = {file["oid"]: file["size"] for file in told["objects"]}
            found = [{"oid": oid, "size": sized[oid], "actions": action} for oid, action in actions.items()]
            self._say({"transfer": "basic", "objects": found})
        else:
            self._commit(path.removeprefix("/api/models/").removesuffix("/commit/main"), body)

    def _commit(self, name: str, body: bytes) -> None:
        repository = self.stand_in.pushed[name]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            match line["key"]:
                case "header":
                    repository.message = value["summary"]
                case "file":
                    repository.files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    repository.files[value["path"]] = self.stand_in.stored[value["oid"]]
        self._say({"commitUrl": f"{self.stand_in.url}/{name}/commit/{COMMIT}", "commitOid": COMMIT})

    def _body(self, bytes_per_second: float | None = None) -> bytes:
        left = int(self.headers.get("Content-Length") or 0)
        step = int((bytes_per_second or 0) / 10) or left
        parts = []
        while left > 0 and (part := self.rfile.read(min(step, left))):
            parts.append(part)
            left -= len(part)
            time.sleep(0.1 if bytes_per_second else 0)
        return b"".join(parts)

    def _note(self) -> str:
        """Keeps what was asked; gives its path."""
        path = unquote(urlparse(self.path).path)
        self.stand_in.asked.append(
            Asked(self.command, path, self.headers.get("Range"), self.headers.get("Authorization"))
        )
        return path

    def _say(self, answer: object, status: int = 200) -> None:
        self._send(json.dumps(answer).encode(), {"Content-Type": "application/json"}, True, status)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self._note()
        if path == "/api/whoami-v2":
            user = self.stand_in.writers.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
            self._say({"type": "user", "name": user}) if user else self._refuse(401, "")
            return
        name, _, rest = path.removeprefix("/api/models/").removeprefix("/").partition("/resolve/")
        repository = self.stand_in.repositories.get(name)
        if repository is None:
            self._refuse(401, "RepoNotFound")
        elif repository.failing:
            self._refuse(repository.failing, "")
        elif path.startswith("/api/models/"):
            self._send(json.dumps(_description(name, repository)).encode(), {"Content-Type": "application/json"}, body)
        elif repository.gated and self.headers.get("Authorization") != "Bearer accepted":
            self._refuse(403 if self.headers.get("Authorization") else 401, "GatedRepo")
        else:
            self._file(repository, rest.partition("/")[2], body=body)

    def _file(self, repository: Repository, name: str, *, body: bool) -> None:
        file = repository.folder / name
        if not file.is_file():
            self._refuse(404, "EntryNotFound")
            return
        content = file.read_bytes()
        headers = {
            "X-Repo-Commit": COMMIT,
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "Accept-Ranges": "bytes",
        }
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(content[start:], headers, body, 206 if start else 200, repository)

    def _refuse(self, status: int, code: str) -> None:
        self._send(b"{}", {"X-Error-Code": code} if code else {}, self.command != "HEAD", status)

    def _send(
        self, content: bytes, headers: dict[str, str], body: bool, status: int = 200, how: Repository | None = None
    ) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not body:
            return
        end = (how.cut_after or how.stall_after) if how else None
        limit = end if end and end < len(content) else len(content)
        step = max(1, int(how.bytes_per_second / 10)) if how and how.bytes_per_second else limit
        try:
            for start in range(0, limit, max(1, step)):
                self.wfile.write(content[start : min(start + step, limit)])
                if how:
                    self.stand_in.sent += min(step, limit - start)
                if how and how.bytes_per_second:
                    time.sleep(0.1)
            if limit < len(content) and how and how.stall_after:
                self.rfile.read(1)  # until the client has had enough
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        if limit < len(content):
            self.close_connection = True


def _description(name: str, repository: Repository) -> dict[str, object]:
    config = repository.folder / "config.json"
    files = sorted(path for path in repository.folder.iterdir() if path.is_file())
    described: dict[str, object] = {
        "id": name,
        "modelId": name,
        "sha": COMMIT,
        "private": False,
        "gated": "auto" if repository.gated else False,
        "tags": [],
        "config": {"model_type": json.loads(config.read_text())["model_type"]} if config.is_file() else {},
        "siblings": [{"rfilename": path.name, "size": path.stat().st_size, "blobId": "0" * 40} for path in files],
    }
    return described | repository.extra
