"""Tours in the app: one thread leads them through everybody's queue, with the rights of the person who began them."""

from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground.errors import Busy, ConfigError, NotAllowed, RunError
from playground.room.rules import JOBS_VARIABLE
from playground.runs.events import Phase, PhaseChange
from playground.tour import journey
from playground.tour.plan import CHANGES_VARIABLE
from playground.ui import identity, leading, routes, tour_view
from playground.ui.identity import Person
from playground.ui.services import Services
from tests.ui.people import ANN, FAR
from tests.waiting import wait_until

ANNS = identity.owner_id(ANN["key"])
GUEST = Person(ANNS, host=False)


class Queue:
    """What the tours need of a `JobManager`: jobs stay in the store, and end as they are told to."""

    def __init__(self, services: Services) -> None:
        self.store = services.store

    def submit(
        self, kind: Any, document: Any, owner: str = "", name: str = "", *, most: int | None = None, **_: object
    ) -> str:
        if most is not None and len(self.store.list(owner=owner, live=True)) >= most:
            raise Busy("You have as many jobs as one person may have.")
        return self.store.create(kind, document, method=kind, model="tiny", name=name, owner=owner)

    def stop(self, job: str) -> int:
        return self.store.request_stop(job)

    def places(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def services(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(leading, "POLL_SECONDS", 0.01)
    services._jobs = cast("Any", Queue(services))
    return services


def end(services: Services, phase: Phase = Phase.DONE, reason: str = "") -> None:
    """Ends the job under way."""
    [record] = services.store.list(live=True, owner=ANNS)
    services.store.append(record.id, [PhaseChange(Phase.PREPARING)])
    services.store.finish(record.id, phase, reason)


def stands(services: Services) -> str:
    return services.tours.standing(ANNS)[0]


def jobs_of(services: Services) -> dict[str, str]:
    tour = services.tours.standing(ANNS)[1]
    return {} if tour is None else dict(tour.jobs)


def test_a_guest_may_take_it_and_is_led_on(services: Services) -> None:
    assert stands(services) == "none"
    services.tours.begin(GUEST, "tiny")
    assert list(jobs_of(services)) == ["sft"], "the first stage is there at once"
    end(services)
    wait_until(lambda: len(jobs_of(services)) == 2)
    assert {record.owner for record in services.store.list()} == {ANNS}
    with pytest.raises(Busy, match="goes on already"):
        services.tours.begin(GUEST, "tiny")
    assert journey.saved(ANNS, services.store) == services.tours.standing(ANNS)[1]


def test_rights_are_those_of_whoever_began_it(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHANGES_VARIABLE, "sft.data.source=/etc/passwd")
    with pytest.raises(RunError, match="Only the host can train on paths"):
        services.tours.begin(GUEST, "tiny")
    assert services.store.list() == []
    assert stands(services) == "none"
    with pytest.raises(ConfigError, match="The tour goes with tiny or"):
        services.tours.begin(GUEST, "gpt2")


def test_a_full_share_is_told_at_first_and_waited_for_later(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, "1")
    other = services.jobs.submit("run", {}, ANNS)
    with pytest.raises(Busy, match="as many jobs"):
        services.tours.begin(GUEST, "tiny")
    services.store.request_stop(other)
    services.tours.begin(GUEST, "tiny")
    first = jobs_of(services)["sft"]
    with services.tours._leader._changed:  # nothing is led on meanwhile
        services.store.append(first, [PhaseChange(Phase.PREPARING)])
        services.store.finish(first, Phase.DONE)
        other = services.jobs.submit("run", {}, ANNS)
    wait_until(lambda: "as many jobs" in services.tours.standing(ANNS)[2])
    assert stands(services) == "going"
    services.store.request_stop(other)
    wait_until(lambda: len(jobs_of(services)) == 2)
    assert services.tours.standing(ANNS)[2] == ""


def test_a_stage_that_fails_ends_it_and_it_goes_on_from_there(services: Services) -> None:
    services.tours.begin(GUEST, "tiny")
    end(services)
    wait_until(lambda: len(jobs_of(services)) == 2)
    end(services, Phase.FAILED, "Out of memory.")
    wait_until(lambda: stands(services) == "failed")
    view = tour_view.tour_view(services, ANNS)
    assert view["reason"] == "The stage reward ended as failed: Out of memory."
    assert [stage["phase"] for stage in view["stages"]] == ["done", "failed", "", "", "", ""]
    kept = jobs_of(services)["sft"]
    services.tours.go_on(GUEST)
    assert jobs_of(services)["sft"] == kept
    assert list(jobs_of(services)) == ["sft", "reward"]


def test_stopping_ends_the_stage_under_way_too(services: Services) -> None:
    services.tours.begin(GUEST, "tiny")
    services.tours.stop(GUEST)
    assert services.store.get(jobs_of(services)["sft"]).phase is Phase.STOPPED
    assert stands(services) == "stopped"
    with pytest.raises(RunError, match="no tour to stop"):
        services.tours.stop(GUEST)


def test_a_tour_that_outlives_the_app_waits_for_its_person(services: Services) -> None:
    services.tours.begin(GUEST, "tiny")
    services.tours.close()
    anew = Services("none")
    anew._store, anew._jobs = services.store, services._jobs
    assert stands(anew) == "paused"
    assert tour_view.tour_view(anew, ANNS)["stages"][0]["run"]
    anew.tours.go_on(GUEST)
    assert stands(anew) == "going"
    anew.tours.close()


def event(**data: object) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data=data))


def test_the_page_is_told_what_came_of_each_press(services: Services) -> None:
    began = tour_view.begin(services, event(model="tiny", turn=7), ANN, FAR)
    assert began == {"turn": 7, "did": "begin", "viewer": {"owner": ANNS, "host": False}}
    again = tour_view.begin(services, event(model="tiny", turn=8), ANN, FAR)
    assert "goes on already" in again["refused"]
    assert "refused" not in tour_view.stop(services, event(turn=9), ANN, FAR)
    assert "no owner key" in tour_view.begin(services, event(turn=10), None, FAR)["refused"]
    assert "refused" not in tour_view.resume(services, event(turn=11), ANN, FAR)


def test_a_visit_leads_to_what_the_stage_has_begun(services: Services) -> None:
    skipped, _ = tour_view.visit(services, event(stage="sft"), ANN, FAR)
    assert skipped == gr.skip()
    services.tours.begin(GUEST, "tiny")
    handed, tabs = tour_view.visit(services, event(stage="sft"), ANN, FAR)
    assert (handed["to"], handed["look"], tabs.selected) == ("train", jobs_of(services)["sft"], "train")
    handed, tabs = tour_view.visit(services, event(stage="compare", tab="compare"), ANN, FAR)
    assert (handed["to"], handed["look"], handed["prompt"]) == (
        "compare", jobs_of(services)["sft"], tour_view.QUESTION,
    )  # fmt: skip
    assert tabs == gr.skip(), "the tab opens itself once it has both"
    handed, tabs = tour_view.visit(services, event(stage="bleu"), ANN, FAR)
    assert (handed, tabs.selected) == (gr.skip(), "evaluate")
    with pytest.raises(ConfigError):
        tour_view.visit(services, event(stage="nowhere"), ANN, FAR)
    with pytest.raises(NotAllowed):
        tour_view.visit(services, event(stage="sft"), None, FAR)


def test_routes_tell_how_a_tour_stands_and_give_the_lesson_plan(services: Services) -> None:
    client = TestClient(Starlette(routes=routes.routes(services)))
    services.tours.begin(GUEST, "tiny")
    found = client.get("/playground/tour", params={"owner": ANNS}).json()
    assert (found["state"], found["model"], len(found["stages"])) == ("going", "tiny", 6)
    assert found["stages"][0] | {"run": ""} == {
        "name": "sft", "seconds": 0.0, "run": "", "phase": "queued", "figure": "eval_loss", "unit": "number",
        "before": None, "after": None, "interval": None, "tab": "train", "steps": 0, "total": 320, "started": None,
        "place": None, "starts_in": None,
    }  # fmt: skip
    assert client.get("/playground/tour", params={"owner": "someone"}).json()["state"] == "none"
    assert client.get("/playground/tour", params={"owner": "../runs"}).status_code == 400
    plan = client.get("/playground/lesson-plan")
    assert plan.headers["content-type"].startswith("text/plain")
    assert "90 minutes" in plan.text
