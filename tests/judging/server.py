"""An OpenAI-compatible API on loopback that does what a test tells it to."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-a-key-that-nobody-may-see"


@dataclass
class Reply:
    """One answer of the server."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stall: float = 0.0
    """Seconds before anything is sent."""


def said(content: object) -> Reply:
    """A chat completion."""
    return Reply(body=json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode())


@dataclass
class Api:
    """A running server and what it was asked."""

    url: str
    answer: Callable[[dict[str, Any]], Reply]
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)


@contextlib.contextmanager
def api(answer: Callable[[dict[str, Any]], Reply]) -> Iterator[Api]:
    """The server, for as long as the block takes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with found.guard:
                found.asked.append({"path": self.path, **body})
                found.keys.append(self.headers.get("authorization", ""))
                found.at_once += 1
                found.most_at_once = max(found.most_at_once, found.at_once)
            reply = found.answer(body)
            time.sleep(reply.stall)
            # Before the reply goes out: whoever has it may ask again before this thread gets any further.
            with found.guard:
                found.at_once -= 1
            with contextlib.suppress(OSError):  # who asked may have gone
                self.send_response(reply.status)
                for name, value in {"content-length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Api(f"http://127.0.0.1:{server.server_address[1]}/v1", answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
