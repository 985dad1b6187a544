"""The rules of the room at every way in, as the host sets them, and what the page is told of them."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from playground.config import codec
from playground.config.room import RoomSettings
from playground.config.settings import settings_of
from playground.errors import NotAllowed
from playground.jobs.executors import ThreadExecutor
from playground.jobs.manager import JobManager
from playground.jobs.submission import submit
from playground.room.pace import TooFast
from playground.runs.events import Phase, PhaseChange
from playground.ui import api, identity, room_rules, routes, tour_view
from playground.ui.identity import HOST_KEY_VARIABLE, Person, address_of
from playground.ui.launching import launch, launch_evaluation, resume
from playground.ui.pacing import Gate, act
from playground.ui.services import Services
from playground.ui.tabs import model as model_tab
from playground.ui.tabs import room
from tests.ui.people import request

KEY = "the-host-key-of-this-test"
ANN, HOST = {"key": "the-key-of-ann-is-long-enough", "host": ""}, {"key": "the-key-of-the-host-is-long", "host": KEY}
GUEST = Person(identity.owner_id(ANN["key"]), host=False, address="198.51.100.7")
OWNER = Person(identity.owner_id(HOST["key"]), host=True)
FAR = request("198.51.100.7", host="example.org")
TINY = {"model": "tiny", "data": {"source": "lumen-instructions"}, "training": {"max_steps": 5}}


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv(HOST_KEY_VARIABLE, KEY)
    made = Services("none")
    yield made
    made.close()
    made.store.close()


def fields(**changes: Any) -> list[Any]:
    """What stands in the host's fields."""
    return list((codec.encode_section(RoomSettings()) | changes).values())


def test_the_host_sets_the_rules_and_everybody_reads_them(services: Services) -> None:
    client = TestClient(Starlette(routes=routes.routes(services)))
    assert client.get("/playground/status").json()["room"]["max_steps"] == RoomSettings().max_steps
    assert room_rules.change(services, FAR, HOST, *fields(max_steps=12)) == {"saved": True, "called_off": 0}
    assert client.get("/playground/status").json()["room"]["max_steps"] == 12
    assert room_rules.show(services, HOST, FAR) == fields(max_steps=12)


def test_closing_runs_calls_off_what_participants_have_waiting(services: Services) -> None:
    services._jobs = JobManager(services.store, ThreadExecutor(), slots=0)  # nothing ever begins
    theirs, own = launch(services, TINY, GUEST), launch(services, TINY, OWNER)
    assert room_rules.change(services, FAR, HOST, *fields(allow_runs=False)) == {"saved": True, "called_off": 1}
    record = services.store.get(theirs)
    assert record.phase is Phase.STOPPED
    assert "The host has closed training" in record.reason
    assert services.store.get(own).phase is Phase.QUEUED
    assert room_rules.change(services, FAR, HOST, *fields(allow_runs=True)) == {"saved": True, "called_off": 0}


def test_a_job_of_a_participant_has_the_minutes_of_the_rules(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(services.jobs, "submit", lambda *_, minutes, **__: given.append(minutes))
    monkeypatch.setattr(services.jobs, "resume", lambda *_, minutes, **__: given.append(minutes))
    for known in (GUEST, OWNER):
        launch(services, TINY, known)
    resume(services, stopped_run(services), GUEST)
    services.rules.change(RoomSettings(max_run_minutes=7))  # also for what goes on already
    assert [minutes and minutes() for minutes in given] == [7, None, 7]


def test_nobody_else_does(services: Services) -> None:
    for person in (ANN, {}, None, {**ANN, "host": "a guess"}):
        refused = room_rules.change(services, FAR, person, *fields(max_steps=12))
        assert any(words in refused["error"] for words in ("for the host only", "no owner key"))
    assert services.rules.settings == RoomSettings()
    assert room_rules.show(services, ANN, FAR) == [gr.skip()] * len(settings_of(RoomSettings))
    told, column = room.who(ANN, FAR)
    assert (told["viewer"]["host"], column["visible"]) == (False, False)
    told, column = room.who(HOST, FAR)
    assert (told["viewer"]["host"], column["visible"]) == (True, True)
    assert KEY not in str(told)


def test_rules_that_make_no_sense_are_told_and_the_old_ones_stay(services: Services) -> None:
    for wrong in (0, -1, None, "many", 1.5):
        assert "room.max_steps" in room_rules.change(services, FAR, HOST, *fields(max_steps=wrong))["error"]
    assert services.rules.settings == RoomSettings()


def stopped_run(services: Services) -> str:
    run = submit(services.store, "run", TINY, owner=GUEST.owner)
    services.store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.STOPPED)])
    return run


WAYS: dict[str, Callable[[Services, Person], Any]] = {
    "the form": lambda services, known: launch(services, TINY, known),
    "a script": lambda services, known: api.start_run(services, FAR, TINY, ANN["key"] if known is GUEST else KEY),
    "resuming": lambda services, known: resume(services, stopped_run(services), known),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_is_too_long_is_refused_whatever_way_it_comes(services: Services, way: str) -> None:
    services.rules.change(RoomSettings(max_steps=4))
    with pytest.raises(NotAllowed, match=r"training.max_steps asks for 5 steps, and participants may have 4\.") as told:
        WAYS[way](services, GUEST)
    assert "ask the host to allow more in the Room tab" in str(told.value)
    assert services.store.list(live=True) == []


def test_none_of_it_holds_for_the_host(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    services.rules.change(RoomSettings(allow_runs=False, max_steps=1, max_new_tokens=1, actions_per_minute=1))
    queued: list[int | None] = []
    monkeypatch.setattr(services.jobs, "submit", lambda *_, most, **__: queued.append(most))
    launch(services, TINY, OWNER)
    assert queued == [None]
    for _ in range(3):
        act(services, OWNER, max_new_tokens=4096)


def test_an_evaluation_and_a_tour_are_runs_too(services: Services) -> None:
    services.rules.change(RoomSettings(allow_runs=False))
    run = stopped_run(services)
    adapter = services.store.folder(run) / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(NotAllowed, match="The host has closed training and evaluating"):
        launch_evaluation(services, {"run": run, "limit": 1}, GUEST)
    asked = gr.EventData(None, {"turn": 1, "model": "tiny"})
    assert "The host has closed" in tour_view.begin(services, asked, ANN, FAR)["refused"]


@pytest.mark.parametrize(
    ("rules", "entry", "words"),
    [
        ({"max_model_size": 2}, "tiny", "Tiny has 3 million parameters"),
        ({"allow_models": False}, "tiny", "The host has closed loading models"),
    ],
)
def test_a_model_for_everyone_keeps_to_the_rules(
    services: Services, rules: dict[str, Any], entry: str, words: str
) -> None:
    services.rules.change(RoomSettings(**rules))
    told, _ = model_tab.load(services, "catalogue", entry, None, "", "", "auto", "auto", "", ANN, FAR)
    assert words in told["error"]
    assert services.status()["state"] == "starting"


def test_who_is_too_fast_is_told_and_loses_nothing(services: Services) -> None:
    services.rules.change(RoomSettings(actions_per_minute=2, max_new_tokens=10))
    act(services, GUEST)
    act(services, GUEST, max_new_tokens=10)
    with pytest.raises(TooFast, match="nothing is lost, try again in"):
        act(services, GUEST)
    with pytest.raises(NotAllowed, match="asks for 11 tokens an answer, and participants may have 10"):
        act(services, Person("ben", host=False), max_new_tokens=11)
    # A script without a name is counted by where it comes from.
    services.rules.change(RoomSettings(actions_per_address=1))
    act(services, Person("", host=False, address=GUEST.address))
    with pytest.raises(TooFast, match="This network"):
        api.generate(services, FAR, "Hello")


def test_a_flood_of_files_is_turned_away_before_it_is_read(services: Services) -> None:
    services.rules.change(RoomSettings(actions_per_minute=2))
    taken: list[str] = []

    async def upload(asked: Request) -> JSONResponse:
        taken.append(asked.url.path)
        return JSONResponse([])

    route = Route("/gradio_api/upload", upload, methods=["POST", "GET"])
    client = TestClient(Starlette(routes=[route], middleware=[Middleware(Gate, services=services)]))
    answers = [client.post("/gradio_api/upload") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) in range(1, 61)
    assert "within a minute" in answers[-1].json()["error"]
    assert len(taken) == 2
    assert client.get("/gradio_api/upload").status_code == 200


def test_a_phone_that_answers_too_fast_waits(services: Services) -> None:
    services.rules.change(RoomSettings(actions_per_minute=1))
    client = TestClient(Starlette(routes=routes.routes(services)))
    asked: dict[str, Any] = {"json": {"id": "no round", "option": 0}, "headers": {"x-room-key": ANN["key"]}}
    assert client.post("/room/guess", **asked).status_code == 409
    refused = client.post("/room/guess", **asked)
    assert (refused.status_code, refused.json()["reason"]) == (429, "busy")
    assert int(refused.headers["retry-after"]) in range(1, 61)


def test_on_this_machine_without_a_key_nothing_holds(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOST_KEY_VARIABLE)
    services.rules.change(RoomSettings(allow_runs=False, actions_per_minute=1))
    known = identity.identify(ANN, request())
    for _ in range(3):
        act(services, known, max_new_tokens=4096)


def test_the_address_is_the_peer_and_on_a_space_whom_the_proxy_names(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = request("10.0.0.9", x_forwarded_for="made up, 198.51.100.7")
    assert address_of(asked) == "10.0.0.9"
    monkeypatch.setenv("SPACE_ID", "someone/playground")
    assert address_of(asked) == "198.51.100.7"
    assert (address_of(request("10.0.0.9")), address_of(None)) == ("10.0.0.9", "")
