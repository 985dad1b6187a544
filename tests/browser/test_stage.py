"""A host and two phones: a curve, a vote that is changed and counted once, a token that is guessed and drawn."""

import gzip
import hashlib
import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from playground.runs import recordings
from playground.runs.events import Phase, PhaseChange, from_payload
from playground.runs.store import RunStore
from playground.voting.ballots import Ballots
from tests.browser.accessibility import violations
from tests.browser.conftest import Opener, Server
from tests.browser.test_shell import SETTLED
from tests.ui.evaluations import finished_evaluation
from tests.ui.test_votes import tuned_run

pytestmark = pytest.mark.browser

NARROW = 320
ROWS = 6


@pytest.fixture(scope="module")
def app(tiny_server: Server) -> Server:
    """With an evaluation, and as its newest run the recorded one."""
    store = RunStore(tiny_server.home)
    finished_evaluation(store, tuned_run(store), rows=ROWS, name="For the room")
    recorded_run(store)
    store.close()
    return tiny_server


def recorded_run(store: RunStore) -> str:
    """A real run that came with the playground, as if it had been made here."""
    recorded = json.loads(gzip.decompress(recordings.packed("reward")))
    document = {"method": "reward", "training": {"max_steps": recorded["run"]["steps"]}}
    run = store.create("run", document, method="reward", model="tiny", name="Learns to judge", owner="")
    store.append(run, [PhaseChange(Phase.PREPARING), PhaseChange(Phase.RUNNING)])
    events = [from_payload(one.pop("kind"), one.pop("time"), one) for one in recorded["events"] if one.pop("seq")]
    store.append(run, [event for event in events if event.kind == "metric"])
    store.finish(run, Phase.DONE)
    return run


def phone(
    open_page: Opener, path: str = "room", *, width: int = 390, dark: bool = False, locale: str = "en-US"
) -> Page:
    """Somebody's phone with the audience page."""
    context = open_page.browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", locale=locale
    )
    open_page.contexts.append(context)
    page = context.new_page()
    open_page.witness.watch(page)
    page.goto(open_page.url + path)
    expect(page.locator("h1")).to_be_visible()
    return page


def on_stage(host: Page, kind: str) -> None:
    host.locator("#stage-kind").get_by_text(kind, exact=True).click()
    host.locator("#stage-show").click()


def check(page: Page) -> None:
    """Fails where a screen reader or a narrow screen would."""
    page.wait_for_function(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


def test_a_room_looks_votes_and_guesses(open_page: Opener, app: Server) -> None:
    ann = phone(open_page)
    ben = phone(open_page, width=NARROW, dark=True, locale="ko-KR")
    expect(ann.locator("h1")).to_have_text("Nothing is on stage yet")
    host = open_page()
    host.locator("#tab-room-button").first.click()
    expect(host.locator("#stage-address")).to_contain_text("/room")
    expect(host.locator("#stage-screen")).to_contain_text("Only this computer can open this address")
    expect(host.locator("#stage-code")).to_have_js_property("complete", True)
    expect(host.locator(".ps-counts")).to_contain_text("2 phones")

    on_stage(host, "a run's curve")
    for page in (ann, ben):
        expect(page.locator("h1")).to_have_text("Learns to judge")
        expect(page.locator("polyline")).to_have_count(2)
    check(ben)
    expect(ann.locator(".facts")).to_contain_text("Reward modelDone")
    expect(ben.locator(".facts")).to_contain_text("완료")

    on_stage(host, "vote on answers")
    expect(ben.locator("#vote-left")).to_be_visible()
    check(ben)
    asked = ann.locator(".asked").inner_text()
    ann.locator("#vote-left").click()
    ben.keyboard.press("t")
    ann.locator("#vote-right").click()
    expect(ann.locator("#vote-right")).to_have_attribute("aria-pressed", "true")
    expect(ann.locator(".state")).to_contain_text("You can still change it")
    expect(host.locator(".ps-counts")).to_contain_text("2 answers")
    ann.reload()
    expect(ann.locator("#vote-right")).to_have_attribute("aria-pressed", "true")
    host.locator("#stage-close").click()
    expect(ann.locator(".tally")).to_contain_text("Votes: 2")
    expect(ann.locator(".tally .right")).to_contain_text("(yours)1 50%")
    expect(ann.locator(".name").first).to_be_empty()
    host.locator("#stage-reveal").click()
    expect(ben.locator(".name").filter(has_text="My run")).to_be_visible()
    check(ann)
    store = RunStore(app.home)
    votes = list(Ballots(store.database).votes_on(f"evaluation:{store.list('evaluation')[0].id}"))
    store.close()
    assert sorted(vote.verdict == "tie" for vote in votes) == [False, True]
    host.locator("#stage-next").click()
    expect(ann.locator(".asked")).not_to_have_text(asked)
    expect(ann.locator("#vote-right")).to_have_attribute("aria-pressed", "false")
    for _ in range(ROWS - 3):  # all pairs, one of which carries markup
        before = ann.locator(".asked").inner_text()
        host.locator("#stage-next").click()
        expect(ann.locator(".asked")).not_to_have_text(before)
    assert ann.evaluate("window.hurt") is None

    on_stage(host, "guess a token")
    for page in (ann, ben):
        expect(page.locator(".option")).to_have_count(6)
    ann.locator("#guess-1").click()
    expect(ann.locator(".state")).to_contain_text("Your guess: “")
    ben.keyboard.press("f")
    expect(ben.locator("#guess-5")).to_have_attribute("aria-pressed", "true")
    expect(host.locator(".ps-counts")).to_contain_text("2 answers")
    host.locator("#stage-draw").click()
    for page in (ann, ben):
        expect(page.locator("mark")).to_be_visible()
        expect(page.locator(".row")).to_have_count(6)
    check(ann)
    check(ben)
    expect(ann.locator(".state")).to_contain_text("of 2 people guessed it")
    drawn = ann.locator("mark").inner_text()
    host.locator("#stage-go-on").click()
    expect(ann.locator(".slot")).to_be_visible()
    expect(ann.locator(".asked")).to_contain_text(drawn.replace("␣", " ").strip())
    ann.locator("#language").click()
    expect(ann.locator("h1")).to_have_text("다음에 올 토큰은?")
    host.locator("#stage-clear").click()
    expect(ann.locator("h1")).to_have_text("아직 보여 드릴 것이 없습니다")

    hall = phone(open_page, "room?hall", width=1280)
    expect(hall.locator("#join")).to_contain_text("phones: 2")
    check(hall)


def told(left: str, right: str) -> dict[str, Any]:
    return {
        "kind": "vote", "number": 1, "pair": "p" * 32, "instruction": "Say hello.", "input": "", "left": left,
        "right": right, "open": True,
    }  # fmt: skip


def room_of(page: Page, answers: list[dict[str, Any] | None]) -> list[str]:
    """Lets the audience page see these states one after the other, the last for good; None is never answered.

    Gives what the page votes.
    """
    voted: list[str] = []

    def now(route: Route) -> None:
        state = answers.pop(0) if len(answers) > 1 else answers[0]
        if state is not None:
            etag = hashlib.sha256(json.dumps(state).encode()).hexdigest()
            route.fulfill(json=state, headers={"ETag": f'"{etag}"'})

    def vote(route: Route) -> None:
        voted.append(json.loads(route.request.post_data or "{}")["choice"])
        route.fulfill(json={"choice": voted[-1]})

    page.route("**/room/now", now)
    page.route("**/room/vote", vote)
    return voted


def test_a_pair_that_comes_again_the_other_way_round_keeps_the_answer_that_was_chosen(open_page: Opener) -> None:
    page = phone(open_page)
    states: list[dict[str, Any] | None] = [told("Hello.", "Good day.")]
    voted = room_of(page, states)
    left, right = (page.locator(f"#vote-{side}") for side in ("left", "right"))
    left.click()
    expect(left).to_have_attribute("aria-pressed", "true")
    assert voted == ["left"]
    states[:] = [told("Good day.", "Hello.")]
    expect(page.locator("#answer-right")).to_have_text("Hello.")
    expect(right).to_have_attribute("aria-pressed", "true")
    expect(left).to_have_attribute("aria-pressed", "false")
    states[:] = [told("Another answer.", "Good day.")]
    expect(page.locator("#answer-left")).to_have_text("Another answer.")
    expect(page.locator("[aria-pressed=true]")).to_have_count(0)


def test_a_poll_that_is_lost_on_the_way_is_asked_again(open_page: Opener) -> None:
    page = phone(open_page)
    page.clock.install()
    room_of(page, [None, told("Hello.", "Good day.")])
    page.reload()
    expect(page.locator("#language")).to_have_text("한국어")
    assert page.locator("#answer-left").count() == 0
    page.clock.fast_forward(12_000)
    expect(page.locator("#answer-left")).to_have_text("Hello.")
