"""A Space on ZeroGPU, by its variables: the real `spaces` speaks to a lender of ours that has no GPU to lend."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from gradio_client import Client

from playground.runs.events import Phase
from playground.runs.store import RunStore
from tests.browser.conftest import running_app
from tests.jobs.conftest import wait_for

KEY = "a visitor's own secret text"
CONFIG = {"model": "tiny", "data": {"source": "instructions"}, "training": {"max_steps": 1, "eval_steps": 0}}


class Lender:
    """Takes the Space for one of its own, refuses expired tokens, and has no GPU."""

    def __init__(self, expired: str) -> None:
        self.expired = expired
        self.asked: list[tuple[str, str]] = []
        """Path and token of each request."""

    def answer(self, address: str) -> int:
        parts = urlsplit(address)
        token = parse_qs(parts.query).get("token", [""])[0]
        self.asked.append((parts.path, token))
        if parts.path == "/startup-report":
            return 200
        return 401 if token == self.expired else 503


@contextmanager
def lending(lender: Lender) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(lender.answer(self.path))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def token(of: str) -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"user": of}).encode()).decode().rstrip("=")
    return f"e30.{payload}.signature"


def test_the_lender_knows_of_us_is_asked_for_the_visitor_and_its_refusal_is_read(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    groups.write_text("1:devices:/app\n", encoding="utf-8")
    lender = Lender(token("expired"))
    with lending(lender) as address:
        space = {
            "SPACE_ID": "someone/playground", "SPACE_HOST": "someone-playground.hf.space", "SYSTEM": "spaces",
            "SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": address,
            "ZEROGPU_PROC_SELF_CGROUP_PATH": str(groups), "PLAYGROUND_MODEL": "none",
        }  # fmt: skip
        with running_app(tmp_path / "home", command=("-m", "tests.jobs.zero_gpu"), **space) as app:
            assert lender.asked == [("/startup-report", "")]
            assert "the host when you open: https://someone-playground.hf.space/?host=" in app.log.read_text("utf-8")
            store = RunStore(app.home)
            try:
                for name, tokens in (("ann", [token("ann")]), ("expired", [token("expired"), ""])):
                    client = Client(app.url, headers={"X-IP-Token": token(name)}, verbose=False)
                    run = client.predict(config=CONFIG, owner_key=KEY, api_name="/start_run")["run"]
                    wait_for(store, run)
                    record = store.get(run)
                    assert (record.phase, record.reason) == (
                        Phase.FAILED,
                        "ZeroGPU lent no GPU, or took it back: No GPU was available. There is no checkpoint.",
                    )
                    asked = [given for path, given in lender.asked if path == "/schedule"]
                    assert asked[-len(tokens) :] == tokens
            finally:
                store.close()
