"""The audience page's routes, and the host who leads through what is on stage."""

import gzip
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from playground.config.room import RoomSettings
from playground.config.voting import BASE, VotingSettings
from playground.errors import DataError, NotAllowed, PlaygroundError, RunError
from playground.room.scenes import Guessing, Voting
from playground.ui import audience_routes, i18n, identity, routes, stage_view
from playground.ui.services import Services
from playground.ui.stage_work import StageWork
from playground.ui.voting_booth import VotingBooth
from playground.voting.ballots import Ballots
from tests.ui.evaluations import HOSTILE, finished_evaluation, run_of
from tests.ui.people import ANN, FAR, HERE
from tests.ui.test_votes import GENERATION, Writer, tuned_run

ROWS = 6
LARGEST_PAGE = 50_000
"""Bytes of everything that a phone is sent, uncompressed."""
HOST = identity.Person("host", host=True)
KEYS = [f"key-of-phone-number-{number}" for number in range(3)]
FIELDS = ("", "", "In the morning", False, "", 1.0, "evaluation", None, [], "", "", *GENERATION)
"""Those of `stage_view.show` behind the kind."""


@pytest.fixture
def work(services: Services) -> StageWork:
    return StageWork(services)


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes.routes(services)))


@pytest.fixture
def evaluation(services: Services) -> str:
    return finished_evaluation(services.store, tuned_run(services.store), rows=ROWS)


@pytest.fixture
def pair(client: TestClient, work: StageWork, evaluation: str) -> str:
    """The pair that is on stage."""
    work.vote(VotingSettings(evaluation=evaluation), HOST)
    return str(now(client)["pair"])


def now(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/room/now").json()
    return found


def answer(client: TestClient, where: str, phone: int = 0, **told: object) -> Any:
    return client.post(f"/room/{where}", json=told, headers={"X-Room-Key": KEYS[phone]})


def test_everything_a_phone_is_sent_is_light(client: TestClient) -> None:
    page = client.get("/room")
    assert page.headers["content-type"].startswith("text/html")
    named = [part.split('"')[0] for part in page.text.split('"playground/')[1:]]
    scripts = sorted((audience_routes.TEMPLATE.parent).glob("*.js"))
    folder = named[0].rsplit("/", 1)[0]
    names = {*named, *(f"{folder}/{path.name}" for path in scripts)}
    assert len(names) >= 7
    sizes = {name: len(client.get(f"/playground/{name}").raise_for_status().content) for name in names}
    assert len(page.content) + sum(sizes.values()) < LARGEST_PAGE, sizes
    assert "gradio" not in page.text.lower()
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")


def test_a_slash_behind_the_address_leads_to_the_page(client: TestClient) -> None:
    redirect = client.get("/room/", follow_redirects=False)
    assert (redirect.status_code, redirect.headers["location"]) == (308, "../room")


def test_a_phone_that_has_the_state_is_sent_none(client: TestClient, pair: str) -> None:
    first = client.get("/room/now", headers={"X-Room-Key": KEYS[0]})
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}"):
        again = client.get("/room/now", headers={"If-None-Match": known, "X-Room-Key": KEYS[0]})
        assert (again.status_code, again.content) == (304, b"")
    # A vote is nobody's news: only the host's screen counts it.
    assert answer(client, "vote", pair=pair, choice="left").json() == {"choice": "left"}
    assert client.get("/room/now", headers={"If-None-Match": tag}).status_code == 304
    assert client.get("/room/count").json() == {"phones": 1, "answers": 1}


def test_a_phone_that_waits_is_told_when_the_host_goes_on(services: Services, work: StageWork, pair: str) -> None:
    with TestClient(Starlette(routes=routes.routes(services))) as client, ThreadPoolExecutor() as people:
        tag = client.get("/room/now").headers["etag"]
        held = {"If-None-Match": tag, "Prefer": "wait=5", "X-Room-Key": KEYS[0]}
        waiting = people.submit(client.get, "/room/now", headers=held)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        # Others are served meanwhile, and who waits is here.
        assert client.get("/room/count").json()["phones"] == 1
        work.close()
        told = waiting.result(timeout=60)
        assert (told.status_code, told.json()["open"]) == (200, False)
        assert told.headers["etag"] != tag
        begun = time.monotonic()
        held = {"If-None-Match": told.headers["etag"], "Prefer": "wait=1"}
        assert client.get("/room/now", headers=held).status_code == 304
        assert time.monotonic() - begun >= 1


def test_a_vote_of_the_room_is_one_in_the_votes_view(
    client: TestClient, work: StageWork, services: Services, evaluation: str, pair: str
) -> None:
    for choice in ("left", "tie", "right"):
        assert answer(client, "vote", 0, pair=pair, choice=choice).status_code == 200
    answer(client, "vote", 1, pair=pair, choice="tie")
    work.close(reveal=True)
    shown = now(client)
    assert shown["tally"] == {"left": 0, "tie": 1, "right": 1}
    votes = Ballots(services.store.database).votes_on(f"evaluation:{evaluation}")
    assert len(votes) == 2
    winner = next(vote for vote in votes if vote.verdict != "tie")
    preferred = winner.pair.first if winner.verdict == "first" else winner.pair.second
    assert shown["names"][1] == (
        "My run" if preferred.startswith("run:") else "Tiny" if "tiny" in preferred else preferred
    )
    booth = VotingBooth(services)
    table = booth.standings(booth.arena(VotingSettings(evaluation=evaluation), HOST), HOST, everybody=True)["table"]
    assert (table["votes"], table["pairs"], table["voters"]) == (2, 1, 2)


def test_one_who_has_a_ballot_in_another_order_votes_for_the_same_model(
    client: TestClient, services: Services, pair: str
) -> None:
    scene = services.audience.stage.scene
    assert isinstance(scene, Voting)
    posed = scene.posed[0]
    ballots = Ballots(services.store.database)
    owners = [identity.owner_id(f"another-phone-with-a-long-key-{number}") for number in range(12)]
    orders = {ballots.hand(posed.pair, owner).swapped for owner in owners}
    assert orders == {True, False}
    for number in range(12):
        key = {"X-Room-Key": f"another-phone-with-a-long-key-{number}"}
        client.post("/room/vote", json={"pair": pair, "choice": "left"}, headers=key)
    left = posed.pair.second if posed.swapped else posed.pair.first
    votes = ballots.votes_on(posed.pair.source)
    assert [vote.pair.first if vote.verdict == "first" else vote.pair.second for vote in votes] == [left] * 12


def test_what_comes_late_is_refused_with_its_reason(client: TestClient, work: StageWork, pair: str) -> None:
    work.close()
    closed = answer(client, "vote", pair=pair, choice="left")
    assert (closed.status_code, closed.json()["reason"]) == (409, "closed")
    work.step(1)
    gone = answer(client, "vote", pair=pair, choice="left")
    assert (gone.status_code, gone.json()["reason"]) == (409, "gone")
    work.clear()
    assert answer(client, "vote", pair=pair, choice="left").status_code == 409
    assert answer(client, "guess", id="x", option=0).status_code == 409


@pytest.mark.parametrize("where", ["vote", "guess"])
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"X-Room-Key": ""}, b"{}", 401),
        ({"X-Room-Key": "short"}, b"{}", 401),
        ({"X-Room-Key": "k" * 101}, b"{}", 401),
        ({"X-Room-Key": "a key with blanks and <b>"}, b"{}", 401),
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"pair=x&choice=left", 415),
        ({"Content-Type": ""}, b"{}", 415),
        ({}, b"{" + b" " * 2000 + b"}", 413),
        ({}, b"", 400),
        ({}, b"{", 400),
        ({}, b"[1]", 400),
        ({}, b"\xff\xfe", 400),
        ({}, b"[" * 1900, 400),
        ({}, b'{"pair": {}, "choice": "tie", "id": null, "option": 1e999}', 409),
    ],
)
def test_requests_that_the_page_never_sends_get_a_sentence(
    client: TestClient, where: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    sent = {"X-Room-Key": KEYS[0], "Content-Type": "application/json", **headers}
    found = client.post(f"/room/{where}", content=body, headers=sent)
    assert found.status_code == status
    assert set(found.json()) == {"error", "reason"}
    assert found.json()["error"].endswith(".")


def test_who_answers_too_fast_waits(client: TestClient, services: Services, pair: str) -> None:
    services.rules.change(RoomSettings(actions_per_minute=2))
    statuses = [answer(client, "vote", 0, pair=pair, choice="left").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert answer(client, "vote", 0, pair=pair, choice="left").json()["reason"] == "busy"
    assert answer(client, "vote", 1, pair=pair, choice="left").status_code == 200


def test_markup_in_answers_goes_out_as_it_came_in(client: TestClient, work: StageWork, evaluation: str) -> None:
    work.vote(VotingSettings(evaluation=evaluation), HOST)
    seen: list[str] = []
    while len(seen) < ROWS - 1:
        seen.append(now(client)["instruction"])
        try:
            work.step(1)
        except DataError:
            break
    assert len(set(seen)) == ROWS - 1  # of one row both answers are the same
    assert any(HOSTILE in asked for asked in seen)
    assert "<" not in client.get("/room").text.split('id="texts">')[1].split("</script>")[0]


def test_the_host_goes_back_and_forth_and_no_further(client: TestClient, work: StageWork, pair: str) -> None:
    answer(client, "vote", pair=pair, choice="left")
    work.step(1)
    assert now(client)["pair"] != pair
    work.step(-1)
    first = now(client)
    assert (first["pair"], first["number"], first["open"]) == (pair, 1, True)
    assert client.get("/room/count").json()["answers"] == 1
    with pytest.raises(RunError, match="first pair"):
        work.step(-1)
    work.close()
    work.step(1)
    work.step(-1)
    assert now(client)["open"] is False
    for _ in range(ROWS - 2):
        work.step(1)
    with pytest.raises(DataError, match="Every pair"):
        work.step(1)
    assert now(client)["number"] == ROWS - 1  # the last one stays


def test_votes_still_count_when_a_pair_comes_on_stage_again(
    client: TestClient, work: StageWork, evaluation: str, pair: str
) -> None:
    answer(client, "vote", 0, pair=pair, choice="tie")
    work.clear()
    work.vote(VotingSettings(evaluation=evaluation), HOST)
    while now(client)["pair"] != pair:
        work.step(1)
    answer(client, "vote", 1, pair=pair, choice="tie")
    work.close()
    assert now(client)["tally"] == {"left": 0, "tie": 2, "right": 0}


def test_live_answers_are_written_ahead(
    client: TestClient, work: StageWork, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer()
    monkeypatch.setattr(services, "model_server", lambda: writer)
    run = tuned_run(services.store)
    work.vote(VotingSettings(contestants=(BASE, run), prompts="One?\nTwo?"), HOST)
    assert now(client)["kind"] == "vote"
    assert work._source is not None
    assert work._source.ahead is not None
    assert work._source.ahead.get() is not None
    asked = len(writer.asked)
    assert asked == 4
    work.step(1)
    assert len(writer.asked) == asked
    assert now(client)["number"] == 2
    with pytest.raises(DataError, match="Every pair"):
        work.step(1)
    writer.alike = True
    with pytest.raises(DataError, match="same answer"):
        work.vote(VotingSettings(contestants=(BASE, run), prompts="\n".join(map(str, range(20)))), HOST)
    assert now(client) == {"kind": "nothing"}


def test_a_curve_is_that_of_a_run(client: TestClient, work: StageWork, services: Services, evaluation: str) -> None:
    run = run_of(services.store)
    work.curve(run, "")
    assert now(client)["name"] == "A run"
    with pytest.raises(RunError, match="evaluation"):
        work.curve(evaluation, "")
    with pytest.raises(RunError):
        work.curve("nobody", "")
    with pytest.raises(RunError, match="no run to show"):
        work.curve("", "")
    assert now(client)["kind"] == "curve"


def test_guesses_are_counted_and_the_distribution_comes_with_the_token(
    client: TestClient, work: StageWork, services: Services
) -> None:
    scene = Guessing("In the", "", (), (0, 2), np.array([0.5, 0.25, 0.25]), [" a", " b", "<i>"], model="Tiny")
    services.audience.stage.show(scene)
    assert now(client)["options"] == [" a", "<i>"]
    assert answer(client, "guess", 0, id=scene.id, option=2).json() == {"option": 2}
    answer(client, "guess", 1, id=scene.id, option=0)
    assert answer(client, "guess", 1, id=scene.id, option=3).status_code == 400
    work.draw()
    shown = now(client)
    assert shown["chances"] == [0.5, 0.25, 0.25]
    assert shown["guesses"] == [1, 0, 1]
    late = answer(client, "guess", 2, id=scene.id, option=0)
    assert (late.status_code, late.json()["reason"]) == (409, "closed")
    work.draw()
    assert sum(now(client)["drawn"]) == 2


@pytest.mark.parametrize("prompt", ["", "  \n", "x" * 2001])
def test_a_prompt_must_fit_on_a_phone(work: StageWork, services: Services, prompt: str) -> None:
    with pytest.raises(PlaygroundError):
        work.guess(prompt, chat=False, run="", temperature=1.0)
    assert services.audience.stage.scene is None


def test_only_the_host_changes_the_stage(work: StageWork, evaluation: str) -> None:
    with pytest.raises(NotAllowed, match="Changing the stage is for the host only"):
        stage_view.show(work, FAR, ANN, "curve", *FIELDS)
    for doing in (StageWork.clear, StageWork.draw, StageWork.go_on):
        with pytest.raises(NotAllowed):
            stage_view.lead(work, doing, ANN, FAR)
    assert stage_view.choose(work._services, ANN, "", None, "", None, None, None, FAR) == gr.skip()
    fields = list(FIELDS)
    fields[7] = evaluation
    steps = stage_view.show(work, HERE, ANN, "vote", *fields)
    assert steps[0] == {}
    assert work.audience.stage.version > 0
    refused = stage_view.lead(work, StageWork.go_on, ANN, HERE)
    assert "no token to guess" in refused[0]["error"]


def test_the_host_is_offered_what_there_is_and_the_steps_of_what_is_shown(
    work: StageWork, services: Services, evaluation: str
) -> None:
    offered = list(stage_view.choose(services, ANN, "", None, "", None, None, None, HERE))
    assert len(offered) == 14
    assert offered[2]["value"] == evaluation
    assert offered[6]["interactive"] is False  # nothing can be taken off yet
    work.vote(VotingSettings(evaluation=evaluation), HOST)
    work.close()
    offered = list(stage_view.choose(services, ANN, "", None, "", None, None, None, HERE))
    _, clear, voting, back, close, reveal, *_ = offered[5:]
    states = (clear["interactive"], voting["visible"], back["interactive"], close["interactive"], reveal["interactive"])
    assert states == (True, True, False, False, True)


def test_the_address_and_its_code(client: TestClient, services: Services) -> None:
    services.listens_on = "127.0.0.1"
    found = client.get("/room/address", params={"seen": "http://127.0.0.1:7860/?host=SECRET"}).json()
    assert found == {"address": "http://127.0.0.1:7860/room", "reach": "machine"}
    assert client.get("/room/address", params={"seen": "javascript:x"}).status_code == 400
    image = client.get("/room/code", params={"of": found["address"]})
    assert image.headers["content-type"].startswith("image/svg+xml")
    assert image.text.startswith("<svg")
    assert client.get("/room/code", params={"of": "https://elsewhere.example"}).status_code == 400


def test_what_is_told_is_compressed_json(services: Services) -> None:
    body = services.audience.told().body
    assert json.loads(gzip.decompress(body)) == {"kind": "nothing"}


def test_every_text_that_the_phones_name_exists() -> None:
    folder = audience_routes.TEMPLATE.parent
    scripts = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.js"))
    named = set(re.findall(r'"(audience\.[\w./]+)"', scripts))
    reasons = {reason for _, reason in audience_routes.REFUSALS.values()} | {"unfit", "away"}
    named |= {f"audience.refused.{reason}" for reason in reasons}
    assert len(named) > 30
    assert named <= set(i18n.texts("en"))
