"""Calls the app's endpoints as a stranger would: by raw POSTs, with whatever body."""

import inspect
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import httpx
from gradio.blocks import BlockFunction

from tests.ui.endpoints import EVENTS, Rule


@dataclass(frozen=True)
class Event:
    """An endpoint of Gradio's: a handler with what it takes."""

    index: int
    function: BlockFunction

    @property
    def name(self) -> str:
        """Where the handler stands in `playground.ui`."""
        handler = self.function.fn
        return f"{handler.__module__}.{handler.__qualname__}".removeprefix("playground.ui.")  # type: ignore[union-attr]

    @property
    def rule(self) -> Rule:
        """Its line in the table."""
        return EVENTS[self.name]

    def fields(self) -> list[str]:
        """What each of its inputs is called in the table."""
        names = [name for name in inspect.signature(self.function.fn).parameters if name != "request"]  # type: ignore[arg-type]
        if self.function.api_visibility == "public":
            return names
        return [getattr(block, "storage_key", None) or block.elem_id or "" for block in self.function.inputs]

    def plausible(self, person: object, values: Mapping[str, Any]) -> list[Any]:
        """What the page would send, with a person's key and with some values of the walk's."""
        given = {"playground-person": person, "owner_key": (person or {}).get("key", ""), **values}  # type: ignore[attr-defined]
        defaults = [getattr(block, "value", None) for block in self.function.inputs]
        return [given.get(name, default) for name, default in zip(self.fields(), defaults, strict=True)]


def events_of(page: gr.Blocks) -> list[Event]:
    """Everything that Gradio would run for a POST."""
    return [Event(index, function) for index, function in page.fns.items() if function.fn is not None]


@dataclass(frozen=True)
class Call:
    """One POST."""

    event: Event
    data: Sequence[Any]
    sent: object = None
    """What a widget would send along."""

    def body(self, session: str) -> dict[str, Any]:
        """As Gradio's page writes it."""
        return {
            "fn_index": self.event.index, "data": list(self.data), "session_hash": session, "event_data": self.sent,
        }  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """Everything that came back from one call."""

    call: Call
    status: int
    text: str

    def __str__(self) -> str:
        return f"{self.call.event.name}({json.dumps(self.call.sent)[:200]}) → {self.status} {self.text[:600]}"


@dataclass(frozen=True)
class Stranger:
    """Somebody who has the address, and no page."""

    http: httpx.Client

    def call(self, calls: Iterable[Call]) -> list[Answer]:
        """Makes all the calls in one session, those with a queue through it; gives the answers in another order."""
        session, waiting, answers = secrets.token_hex(6), {}, []
        for call in calls:
            path = "queue/join" if call.event.function.queue else "run/predict"
            found = self.http.post(f"gradio_api/{path}", json=call.body(session))
            if call.event.function.queue and found.status_code == 200:
                waiting[found.json()["event_id"]] = call
            else:
                answers.append(Answer(call, found.status_code, found.text))
        return answers + (self._heard(session, waiting) if waiting else [])

    def _heard(self, session: str, waiting: dict[str, Call]) -> list[Answer]:
        """What the queue says of the calls until all are done."""
        said = dict.fromkeys(waiting, "")
        done: list[Answer] = []
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                event = message.get("event_id")
                if event in waiting:
                    said[event] += json.dumps(message.get("output"), ensure_ascii=False)
                    if message["msg"] == "process_completed":
                        done.append(Answer(waiting.pop(event), 200, said[event]))
                if not waiting:
                    return done
        raise AssertionError(f"no answer to {[call.event.name for call in waiting.values()]}")
