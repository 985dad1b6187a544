"""One press for the next group: what goes on stops, runs are put aside, votes become a file, memory is given back."""

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest

from playground.room.scenes import Curve, Posed, Voting
from playground.room.stage import NotOnStage
from playground.runs.events import Phase, PhaseChange
from playground.runs.store import RunStore
from playground.ui import identity, next_group, reset_view
from playground.ui.history_view import History
from playground.ui.identity import HOST_KEY_VARIABLE
from playground.ui.services import Services
from playground.ui.tabs import history
from playground.voting import export
from playground.voting.ballots import Ballots, Pair
from tests.ui.people import request

KEY = "the-host-key-of-this-test"
ANN, HOST = {"key": "the-key-of-ann-is-long-enough", "host": ""}, {"key": "the-key-of-the-host-is-long", "host": KEY}
ANNS = identity.owner_id(ANN["key"])
FAR = request("198.51.100.7", host="example.org")
PAIR = Pair("evaluation:e", 0, "model:tiny", "run:r", "Say hello.", "", "", "{}", "Hi.", "Good day.")


class Queue:
    """Runs of this queue end when they are asked to, the stubborn one when it is asked twice."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.stubborn = ""

    def stop(self, job: str) -> int:
        times = self.store.request_stop(job)
        if not self.store.get(job).phase.terminal and (job != self.stubborn or times > 1):
            self.store.append(job, [PhaseChange(Phase.STOPPED)])
        return times

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv(HOST_KEY_VARIABLE, KEY)
    monkeypatch.setattr(next_group, "GENTLY_SECONDS", 0.3)
    monkeypatch.setattr(next_group, "LOOK_SECONDS", 0.01)
    made = Services("none")
    made._jobs = cast("Any", Queue(made.store))
    yield made
    made.close()
    made.store.close()


def run_in(services: Services, *phases: Phase, owner: str = ANNS) -> str:
    run = services.store.create("run", {"method": "sft"}, method="sft", model="tiny", name="A run", owner=owner)
    services.store.append(run, [PhaseChange(phase) for phase in phases])
    return run


def event(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def pressed(services: Services, person: object = HOST) -> list[dict[str, Any]]:
    """What the page is told, from the press on."""
    return list(reset_view.reset(services, threading.Lock(), person, FAR))


def test_everything_is_put_away_and_nothing_is_lost(services: Services, own_home: Path) -> None:
    waiting, going = run_in(services), run_in(services, Phase.PREPARING, Phase.RUNNING)
    ended = run_in(services, Phase.PREPARING, Phase.RUNNING, Phase.DONE)
    Ballots(services.store.database).decide(PAIR, ANNS, "second", False)
    services.audience.stage.show(Curve(going, ""))
    asked = reset_view.plan(services, event(turn=1), HOST, FAR)
    assert asked == {"plan": {"live": 2, "listed": 3, "votes": 1}, "turn": 1}
    done = pressed(services)[-1]["done"]
    assert (done["stopped"], done["archived"], done["left"], done["votes"], done["pairs"]) == (2, 3, (), 1, 1)
    assert services.store.list() == []
    assert {run.id for run in services.store.list(archived=True)} == {waiting, going, ended}
    assert services.store.get(going).phase is Phase.STOPPED
    assert all(services.store.folder(run).is_dir() for run in (waiting, going, ended))
    (kept,) = (own_home / next_group.FOLDER).glob("*/votes.jsonl")
    assert kept.read_text(encoding="utf-8") == done["text"]
    assert json.loads(done["text"])["votes"] == {"first": 0, "tie": 0, "second": 1}
    assert ANNS not in done["text"]
    assert services.audience.stage.scene is None
    assert reset_view.plan(services, event(turn=2), HOST, FAR)["plan"] == {"live": 0, "listed": 0, "votes": 0}


def test_the_stage_is_empty_before_votes_are_put_away(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever votes then is told that the pair has gone, and does not vote for the next group."""
    services.audience.stage.show(Voting((Posed(PAIR, swapped=False, names=("a", "b")),)))
    put_away, ballots = export.export_and_clear, Ballots(services.store.database)

    def late(*args: Any) -> export.Exported:
        found = put_away(*args)
        with pytest.raises(NotOnStage):
            services.audience.stage.vote(PAIR.key, ANNS, "left", ballots.decide)
        return found

    monkeypatch.setattr(export, "export_and_clear", late)
    assert "done" in pressed(services)[-1]
    assert reset_view.plan(services, event(turn=1), HOST, FAR)["plan"]["votes"] == 0


def test_a_run_that_does_not_stop_is_made_to(services: Services) -> None:
    run = run_in(services, Phase.PREPARING, Phase.RUNNING)
    cast("Any", services.jobs).stubborn = run
    done = pressed(services)[-1]["done"]
    assert (done["archived"], services.store.get(run).phase, done["file"]) == (1, Phase.STOPPED, "")


def test_one_that_never_ends_stays_where_it_is(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(next_group, "FORCED_SECONDS", 0.1)
    run = run_in(services, Phase.PREPARING, Phase.RUNNING)
    monkeypatch.setattr(services.jobs, "stop", services.store.request_stop)
    done = pressed(services)[-1]["done"]
    assert (done["archived"], done["left"]) == (0, (run,))
    assert [record.id for record in services.store.list()] == [run]


def test_it_is_the_hosts_to_press(services: Services) -> None:
    run = run_in(services)
    for person in (ANN, {}, {**ANN, "host": "a guess"}):
        assert "error" in reset_view.plan(services, event(turn=1), person, FAR)
        assert "error" in pressed(services, person)[-1]
    assert [record.id for record in services.store.list()] == [run]


def test_two_presses_are_one(services: Services) -> None:
    working = threading.Lock()
    with working:
        (said,) = [told for told in reset_view.reset(services, working, HOST, FAR) if "busy" not in told]
    assert said == {"error": "The app is being made ready already; wait until that is done."}


def test_the_history_has_what_was_put_aside_and_brings_it_back(services: Services) -> None:
    run = run_in(services, Phase.PREPARING, Phase.RUNNING, Phase.DONE)
    pressed(services)
    listing = History(services)
    assert [entry["archived"] for entry in entries(listing)] == [True]
    stranger = {"key": "the-key-of-someone-else-it-is", "host": ""}
    refused = history.restore(services, event(runs=[run], turn=1), stranger, FAR)
    assert "belongs to someone else" in refused["refused"]
    done = history.restore(services, event(runs=[run], turn=2), ANN, FAR)
    assert (done["done"], done["count"]) == ("restored", 1)
    assert [entry["archived"] for entry in entries(listing)] == [False]
    assert [record.id for record in services.store.list()] == [run]


def entries(listing: History) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gzip.decompress(listing.listing(fresh=True).body))["entries"]
    return found


def test_a_run_that_goes_on_is_not_put_aside_and_one_resumed_is_listed_again(services: Services) -> None:
    store = services.store
    going = run_in(services, Phase.PREPARING, Phase.RUNNING)
    assert not store.archive(going)
    store.append(going, [PhaseChange(Phase.STOPPED)])
    assert store.archive(going)
    assert not store.archive(going)
    assert store.list(archived=None) == store.list(archived=True)
    store.resume(going)
    assert [record.id for record in store.list(live=True)] == [going]
