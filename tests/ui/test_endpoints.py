"""Whoever has the app's address can POST whatever they like to whatever there is: nothing of anybody else's changes.

The app has a host key, so that everybody here is a stranger to it. What there is comes from the app itself; what is to
be refused from the table in `endpoints.py`.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio.route_utils import create_url_safe_hash

from playground.config import codec
from playground.config.run import RunConfig
from playground.runs.events import Phase, PhaseChange
from playground.runs.store import RunStore
from playground.ui import identity, routes
from playground.ui.services import Services
from tests.browser.conftest import Server, running_app
from tests.ui.endpoints import (
    A_FILE,
    CLOSED,
    EVALUATION,
    EVENTS,
    FILE,
    GRADIO,
    NO_UPLOAD,
    NOBODY,
    ROUTES,
    RUN,
    SERVER_FUNCTIONS,
)
from tests.ui.evaluations import finished_evaluation
from tests.ui.walking import Answer, Call, Event, Stranger, events_of

HOST_KEY = "the-key-of-the-host-0123456789"
OWNER = identity.owner_id("the-secret-of-the-owner-0123456789")
STRANGER = {"key": "a-stranger's-own-secret-text", "host": "a guess"}
QUERY = ("run", "since", "id", "kind", "owner", "method", "rows", "first", "second", "metric", "model", "of", "seen")

NONSENSE: tuple[Any, ...] = (None, 7, -1e300, "", "\x00", "😀" * 2000, [], ["a", {"b": None}], {}, {"key": 1})
DEFECT = "went wrong on our side"
IN_A_FILE = "Nobody may read this here."


@dataclass(frozen=True)
class Walk:
    """The running app, what its host has in it, and who walks."""

    server: Server
    names: dict[str, str]
    """What stands for what in the table."""
    stranger: Stranger

    def real(self, value: Any) -> Any:
        """A value of the table with what it names."""
        text = json.dumps(value)
        for name, found in self.names.items():
            text = text.replace(name, found)
        return json.loads(text)

    def kept(self) -> dict[str, Any]:
        """Everything of the home that belongs to somebody, as it stands."""
        store = RunStore(self.server.home)
        records = [repr(record) for record in store.list(limit=-1)]
        store.close()
        folders = sorted(
            path for name in ("runs", "uploads", "room", "tours") for path in (self.server.home / name).rglob("*")
        )
        return {"records": records, "files": {str(path): path.stat().st_mtime_ns for path in folders if path.is_file()}}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    home = tmp_path_factory.mktemp("endpoints")
    store = RunStore(home)
    run = store.create("run", codec.encode(RunConfig()), method="sft", model="tiny", name="A run", owner=OWNER)
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING)])
    store.finish(run, Phase.DONE)
    names = {RUN: run, EVALUATION: finished_evaluation(store, run, owner=OWNER), FILE: str(home / "secret.json")}
    store.close()
    Path(names[FILE]).write_text(json.dumps([{"prompt": IN_A_FILE, "completion": "yes"}]), encoding="utf-8")
    with running_app(home, PLAYGROUND_MODEL="none", PLAYGROUND_HOST_KEY=HOST_KEY) as server:
        server.wait_for("empty")
        with httpx.Client(base_url=server.url, timeout=120) as client:
            yield Walk(server, names, Stranger(client))


def firsts(page: gr.Blocks) -> list[Event]:
    """One endpoint of each handler: the others are wired to the same."""
    return list({event.name: event for event in reversed(events_of(page))}.values())[::-1]


def test_every_endpoint_is_in_the_table(page: gr.Blocks) -> None:
    assert {event.name for event in events_of(page)} == set(EVENTS)


def test_the_table_is_of_the_running_app(page: gr.Blocks, walk: Walk) -> None:
    """The handlers' names are known from the page built here; the app must have the same, at the same places."""
    served = walk.stranger.http.get("config").json()["dependencies"]
    assert {one["id"]: one["api_name"] for one in served if one["backend_fn"]} == {
        event.index: event.function.api_name for event in events_of(page)
    }


def test_nobody_takes_away_another_page_by_gradios_deep_link(page: gr.Blocks, walk: Walk) -> None:
    body = {"session_hash": "of-another", "fn_index": firsts(page)[0].index, "data": [], "event_data": None}
    walk.stranger.http.post("gradio_api/run/predict", json=body)
    linked = walk.stranger.http.get("gradio_api/deep_link", params={"session_hash": "of-another"})
    assert linked.json() == create_url_safe_hash(b"[]")


def test_strangers_are_refused_what_is_not_theirs(page: gr.Blocks, walk: Walk) -> None:
    before = walk.kept()
    wrong: list[str] = []
    for person in (None, STRANGER):
        calls = [
            Call(event, event.plausible(person, walk.real(dict(event.rule.values))), walk.real(event.rule.event))
            for event in firsts(page)
        ]
        answers = walk.stranger.call(calls)
        wrong += [
            f"{person}: {answer}" for answer in answers if _leaks(answer, walk) or not _refused(answer, person, walk)
        ]
    assert not wrong, "\n\n".join(wrong)
    assert walk.kept() == before


def _leaks(answer: Answer, walk: Walk) -> bool:
    told = (HOST_KEY, IN_A_FILE, "Traceback", str(walk.server.home.parent))
    return answer.status not in (200, 422, 500) or any(secret in answer.text for secret in told)


def _refused(answer: Answer, person: object, walk: Walk) -> bool:
    """Whether it is what the table says; "everybody" is answered, if only by a sentence."""
    rule = answer.call.event.rule
    pattern = rule.says if person is STRANGER else f"{rule.says}|{NOBODY}"
    if rule.says and rule.whose != "everybody" and re.search(pattern, answer.text):
        return True
    if DEFECT in answer.text or '"error": null' in answer.text or '"error":null' in answer.text:
        return False
    if rule.whose == "everybody":
        return True
    return not rule.says and walk.names[RUN] not in answer.text


def test_nonsense_is_answered_in_words_and_changes_nothing(page: gr.Blocks, walk: Walk) -> None:
    before = walk.kept()
    wrong: list[str] = []
    for turn in range(2):
        calls = []
        for event in firsts(page):
            if event.name == "tour_view.begin":  # whatever is sent, one's own tour would begin
                continue
            junk = [NONSENSE[(place + turn) % len(NONSENSE)] for place in range(len(event.function.inputs))]
            data = [
                STRANGER if name == "playground-person" else one for name, one in zip(event.fields(), junk, strict=True)
            ]
            calls.append(Call(event, data, NONSENSE[(event.index + turn) % len(NONSENSE)]))
        wrong += [str(answer) for answer in walk.stranger.call(calls) if _leaks(answer, walk) or DEFECT in answer.text]
    assert not wrong, "\n\n".join(wrong)
    assert walk.kept() == before


def test_the_queue_cannot_be_passed_by(page: gr.Blocks, walk: Walk) -> None:
    event = next(event for event in events_of(page) if event.function.queue)
    found = walk.stranger.http.post("gradio_api/run/predict", json=Call(event, []).body("here"))
    assert found.status_code == 404
    assert "does not accept direct HTTP POST" in found.text


def test_what_widgets_call_is_in_the_table_and_bears_nonsense(page: gr.Blocks, walk: Walk) -> None:
    found = {
        (block.elem_id, name)
        for block in page.blocks.values()
        for name in dir(block)
        if getattr(getattr(block, name, None), "_is_server_fn", False) is True
    }
    assert found == SERVER_FUNCTIONS
    components = walk.stranger.http.get("config").json()["components"]
    ids = {one["props"].get("elem_id"): one["id"] for one in components}
    for widget, name in sorted(SERVER_FUNCTIONS):
        for data in NONSENSE:
            asked = {"component_id": ids[widget], "fn_name": name, "data": data, "session_hash": "here"}
            answer = walk.stranger.http.post("gradio_api/component_server", json=asked)
            assert answer.status_code == 200, (widget, name, data, answer.text)
            assert set(answer.json()) & {"error", "state"}, answer.text
    for name in ("preprocess", "get_config", "__class__", "_id"):
        asked = {"component_id": ids["shift-picture"], "fn_name": name, "data": "x", "session_hash": "here"}
        assert walk.stranger.http.post("gradio_api/component_server", json=asked).status_code == 404


def routes_of(page: gr.Blocks) -> Iterator[str]:
    """`METHOD PATH` of every route of the app, those of Gradio's routers too."""
    page.run_history = False  # as `launch` has it

    async def build() -> gr.routes.App:  # inside a loop, as in `conftest.page`
        return gr.routes.App.create_app(page, app_kwargs={"routes": routes.routes(Services("none"))})

    for found in asyncio.run(build()).routes:
        routers: Any = found
        for route in routers.original_router.routes if hasattr(found, "original_router") else [routers]:
            for method in route.methods - {"HEAD"}:
                path = route.path.replace("/gradio_api/", "/api/")
                yield f"{method} {path.rstrip('/') or '/'}"


def test_every_route_is_in_the_table(page: gr.Blocks) -> None:
    assert set(routes_of(page)) == ROUTES | GRADIO | CLOSED


@pytest.mark.parametrize("route", sorted(ROUTES | CLOSED))
def test_a_route_reads_for_everybody_and_writes_for_nobody(route: str, walk: Walk) -> None:
    method, path = route.split(" ")
    address = re.sub(r"{\w+(:path)?}", "x", path.replace("/api/", "/gradio_api/"))
    before = walk.kept()
    for junk in ({}, dict.fromkeys(QUERY, "../../etc/passwd"), dict.fromkeys(QUERY, "\x00😀")):
        answer = walk.stranger.http.request(method, address, params=junk, json=junk if method == "POST" else None)
        assert answer.status_code < 500, (junk, answer.text)
        assert not any(told in answer.text for told in (HOST_KEY, IN_A_FILE, "Traceback", str(walk.server.home.parent)))
        if method == "POST" or route in CLOSED:
            assert answer.status_code >= 400, (junk, answer.text)
    if route in ROUTES:
        for other in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {method}:
            assert walk.stranger.http.request(other, address, json={}).status_code == 405, other
    assert walk.kept() == before


def test_no_file_of_the_machine_is_given_away(walk: Walk) -> None:
    home, root = walk.server.home, Path(__file__).resolve().parents[2]
    wanted = [
        walk.names[FILE],
        home / "runs.sqlite3",
        root / "app.py",
        root / "pyproject.toml",
        "/etc/passwd",
        "app.py",
    ]
    wanted += ["file:///etc/passwd", walk.server.url, "http://localhost/x", "//etc/passwd", "..%2f..%2fetc/passwd"]
    for path in wanted:
        for way in ("gradio_api/file=", "gradio_api/file/", "static/", "assets/", "svelte/", "gradio_api/proxy="):
            answer = walk.stranger.http.get(f"{way}{path}")
            assert answer.status_code >= 400, (way, path)


def test_a_file_that_was_not_uploaded_is_not_taken(page: gr.Blocks, walk: Walk) -> None:
    """Neither by its path, nor by a way out of the folder of uploads, nor by an address that the app would fetch."""
    rows = json.dumps([{"prompt": "mine", "completion": "yes"}]).encode()
    own = walk.stranger.http.post("gradio_api/upload", files={"files": ("../../../own.json", rows)}).json()[0]
    assert Path(own).name == "own.json"
    assert Path(own).read_bytes() == rows
    secret, address = walk.names[FILE], f"{walk.server.url}playground/status"
    up = "/".join([".."] * len(Path(own).parent.parts))
    named: list[dict[str, Any]] = [
        {"path": secret},
        {"path": f"{Path(own).parent}/{up}{secret}"},
        {"path": f"{own}/{up}{secret}"},
        {"path": f"file://{secret}"},
        {"path": address},
        {"path": "", "url": address},
        {"path": secret, "url": address, "orig_name": "own.json"},
        {"path": secret, "is_stream": True},
    ]
    events = [event for event in firsts(page) if event.rule.says == NO_UPLOAD]
    assert len(events) == 2
    for event in events:
        fields = dict.fromkeys(event.rule.values, A_FILE)
        taken = {name: {**A_FILE, "path": own} for name in fields}
        (control,) = walk.stranger.call([Call(event, event.plausible(STRANGER, taken))])
        assert "own.json" in control.text, control
        for file in named:
            wanted = {name: {**A_FILE, **file} for name in fields}
            (answer,) = walk.stranger.call([Call(event, event.plausible(STRANGER, wanted))])
            assert not _leaks(answer, walk), answer
            assert not re.search(r"upload:|secret\.json|status", answer.text), answer
