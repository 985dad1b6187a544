"""Who asks in the tests of handlers, and from where."""

import gradio as gr
from starlette.requests import Request

from playground.ui import identity

ANN = {"key": "the-key-of-ann-is-long-enough", "host": ""}
BEN = {"key": "the-key-of-ben-is-long-enough", "host": ""}
ANNS = identity.owner_id(ANN["key"])


def request(client: str = "127.0.0.1", **headers: str) -> gr.Request:
    """What a handler learns of a request from an address."""
    given = {"host": "127.0.0.1:7860"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    return gr.Request(Request({"type": "http", "client": (client, 1), "headers": raw, "query_string": b""}))


HERE, FAR = request("127.0.0.1"), request("192.168.1.7")
