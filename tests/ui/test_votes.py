"""The Votes view: blind to the page, fair to everybody, and nobody votes for somebody else."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from playground.config import codec
from playground.config.voting import BASE, VotingSettings
from playground.data import uploads
from playground.errors import DataError, NotAllowed, RunError
from playground.models.generation import Answer
from playground.runs.store import RunStore
from playground.ui import votes_view, voting_form
from playground.ui.generation_form import NAMES
from playground.ui.services import Services
from playground.ui.tabs import data as data_tab
from playground.ui.voting_booth import OPEN, OPEN_INSTANT, VotingBooth
from tests.ui.evaluations import finished_evaluation, run_of
from tests.ui.people import ANN, ANNS, BEN, FAR, HERE

ROWS = 8
GENERATION = tuple(codec.encode_section(VotingSettings(evaluation="x"))["generation"][name] for name in NAMES)


@pytest.fixture
def services() -> Iterator[Services]:
    made = Services(None)
    yield made
    made.store.close()


@pytest.fixture
def evaluation(services: Services) -> str:
    """Of somebody's run; two models, of which one row has the same answer twice."""
    return finished_evaluation(services.store, tuned_run(services.store), rows=ROWS)


@pytest.fixture
def booth(services: Services) -> VotingBooth:
    return VotingBooth(services)


def tuned_run(store: RunStore, owner: str = "") -> str:
    """A run whose document can be read as a run's."""
    run = run_of(store, owner)
    document = json.dumps({"method": "sft", "model": "tiny", "data": {"template": "instruction-response"}})
    with store.database.writing() as connection:
        connection.execute("UPDATE runs SET document = ?, steps = 5, name = 'My run' WHERE id = ?", (document, run))
    return run


def event(**told: object) -> gr.EventData:
    return cast("gr.EventData", SimpleNamespace(_data=told))


def begin(booth: VotingBooth, person: Any, evaluation: str, request: Any = FAR) -> Any:
    kept, problem = votes_view.start(booth, request, person, "evaluation", evaluation, [], "", "", *GENERATION)
    assert problem == {}
    return kept


def step(booth: VotingBooth, person: Any, kept: Any, request: Any = FAR, **vote: object) -> dict[str, Any]:
    return list(votes_view.proceed(booth, event(**vote), request, person, kept))[-1]


def test_the_page_is_told_nothing_of_who_answered(booth: VotingBooth, evaluation: str, services: Services) -> None:
    run = services.store.get(evaluation).model
    for number in range(6):
        person = {"key": f"the-key-of-person-{number}-is-long", "host": ""}
        state = step(booth, person, begin(booth, person, evaluation))
        assert set(state) == {"state", "source", "ballots", "voted", "total", "alike", "drawing"}
        assert (state["total"], state["alike"]) == (ROWS - 1, 1)
        assert len(state["ballots"]) == OPEN_INSTANT
        told = json.dumps(state)
        assert not any(name in told for name in (run, "My run", "tiny", "base", "tuned", '"first"', '"second"'))
        assert all(
            set(ballot) == {"ballot", "instruction", "input", "reference", "left", "right"}
            for ballot in state["ballots"]
        )


def test_votes_go_on_to_the_end_and_survive_a_reload(booth: VotingBooth, evaluation: str, services: Services) -> None:
    kept = begin(booth, ANN, evaluation)
    state = step(booth, ANN, kept)
    asked = set()
    while state["ballots"]:
        ballot = state["ballots"][0]
        asked.add(ballot["instruction"])
        state = step(booth, ANN, kept, ballot=ballot["ballot"], choice="left")
    assert len(asked) == state["voted"] == state["total"] == ROWS - 1
    assert not state["drawing"]
    assert step(VotingBooth(services), ANN, kept) == state
    # Another person begins anew, with the same pairs.
    other = step(booth, BEN, begin(booth, BEN, evaluation))
    assert (other["voted"], other["total"]) == (0, ROWS - 1)


def test_a_raw_request_cannot_vote_for_somebody_else(booth: VotingBooth, evaluation: str, services: Services) -> None:
    kept = begin(booth, ANN, evaluation)
    ballot = step(booth, ANN, kept)["ballots"][0]["ballot"]
    for request in (FAR, HERE):  # not even the host
        answer = step(booth, BEN, kept, request, ballot=ballot, choice="left")
        assert (answer["state"], answer["ballot"]) == ("error", ballot)
        assert "someone else's" in answer["message"]
    assert "no such ballot" in step(booth, ANN, kept, ballot="made-up", choice="left")["message"]
    assert "one of left, right, tie" in step(booth, ANN, kept, ballot=ballot, choice="first")["message"]
    nobody = step(booth, None, kept, ballot=ballot, choice="left")
    assert "no owner key" in nobody["message"]
    assert booth.ballots.votes_on(f"evaluation:{evaluation}") == []


def test_a_vote_can_be_changed_and_the_last_one_counts(booth: VotingBooth, evaluation: str) -> None:
    kept = begin(booth, ANN, evaluation)
    ballot = step(booth, ANN, kept)["ballots"][0]["ballot"]
    for choice in ("left", "right", "tie"):
        assert step(booth, ANN, kept, ballot=ballot, choice=choice)["voted"] == 1
    table = votes_view.standings(booth, event(everybody=True), FAR, ANN, kept)
    assert table["table"]["votes"] == 1
    mine = table["mine"][0]
    assert (mine["ballot"], mine["choice"]) == (ballot, "tie")
    assert sorted(mine["names"]) == ["My run", "Tiny"]


def test_the_table_is_everybodys_or_ones_own(booth: VotingBooth, evaluation: str) -> None:
    for person, votes in ((ANN, 3), (BEN, 2)):
        kept = begin(booth, person, evaluation)
        for _ in range(votes):
            ballot = step(booth, person, kept)["ballots"][0]["ballot"]
            step(booth, person, kept, ballot=ballot, choice="left")
    everybody = votes_view.standings(booth, event(everybody=True), FAR, ANN, kept)
    own = votes_view.standings(booth, event(), FAR, ANN, kept)
    assert (everybody["table"]["votes"], everybody["table"]["voters"]) == (5, 2)
    assert (own["table"]["votes"], own["table"]["voters"], len(own["mine"])) == (3, 1, 3)


def test_votes_become_data_that_the_data_tab_opens(booth: VotingBooth, evaluation: str, services: Services) -> None:
    kept = begin(booth, ANN, evaluation)
    for choice in ("left", "right", "tie", "left"):
        ballot = step(booth, ANN, kept)["ballots"][0]["ballot"]
        step(booth, ANN, kept, ballot=ballot, choice=choice)
    opened, *_ = votes_view.make_data(booth, event(), FAR, ANN, kept, None)
    assert opened["to"] == "data"
    assert opened["data"]["template"] == "instruction-response"  # that of the run that answered
    source = opened["data"]["source"]
    assert source.endswith("votes-3-pairs.jsonl")
    written = uploads.find(source)
    assert written is not None
    rows = [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()]
    assert [set(row) for row in rows] == [{"instruction", "input", "chosen", "rejected"}] * 3
    last = list(data_tab.reopen(services.shelf, ANN, opened, FAR))[-1]
    assert last[1]["state"] == "ready"
    with pytest.raises(DataError, match="ties teach nothing"):
        votes_view.make_data(booth, event(), FAR, BEN, kept, None)
    with pytest.raises(RunError, match="press Start"):
        votes_view.make_data(booth, event(), FAR, BEN, None, None)


@pytest.mark.parametrize(
    ("answers", "evaluation", "contestants", "prompts", "says"),
    [
        ("evaluation", None, [], "", "no finished evaluation yet"),
        ("evaluation", "gone", [], "", "There is no run 'gone'"),
        ("live", None, [BASE], "Hello", "At least two models"),
        ("live", None, [BASE, "own"], " \n ", "nothing to ask"),
        ("live", None, [BASE, "hers"], "Hello", "belongs to someone else"),
        ("live", None, [BASE, "gone"], "Hello", "There is no run 'gone'"),
    ],
)
def test_a_refusal_is_said_beside_the_button(
    booth: VotingBooth, services: Services, answers: str, evaluation: Any, contestants: Any, prompts: str, says: str
) -> None:
    made = {"own": tuned_run(services.store, ANNS), "hers": tuned_run(services.store, "somebody else")}
    contestants = [made.get(name, name) for name in contestants]
    _, problem = votes_view.start(booth, FAR, ANN, answers, evaluation, contestants, "", prompts, *GENERATION)
    assert says in problem["error"]


def test_a_kept_choice_gives_no_rights(booth: VotingBooth, services: Services) -> None:
    """What a browser keeps is checked at every request, as whoever sends it may have written it."""
    hers = tuned_run(services.store, "somebody else")
    kept = codec.encode_section(VotingSettings(contestants=(BASE, hers), prompts="Hello"))
    assert "belongs to someone else" in step(booth, ANN, kept)["message"]
    with pytest.raises(NotAllowed):
        votes_view.make_data(booth, event(), FAR, ANN, kept, None)
    assert step(booth, ANN, {"evaluation": 5}) == {}


class Writer:
    """A model server whose models say their names, or all the same."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.alike = False

    def answer(self, *_: object, run: str | None = None, **__: object) -> Answer:
        self.asked.append(run)
        return Answer([1], "the same" if self.alike else f"I am {run}.", ended=True)


def test_the_loaded_model_writes_ahead_and_each_answer_once(
    booth: VotingBooth, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer()
    monkeypatch.setattr(services, "model_server", lambda: writer)
    runs = [tuned_run(services.store, ANNS) for _ in range(2)]
    kept, problem = votes_view.start(
        booth, FAR, ANN, "live", None, [BASE, *runs], "", "Hello\nHello\nWho are you?", *GENERATION
    )
    assert problem == {}
    states = list(votes_view.proceed(booth, event(), FAR, ANN, kept))
    assert [len(state["ballots"]) for state in states] == [0, 1, OPEN]
    assert [state["drawing"] for state in states] == [True, True, False]
    assert states[-1]["total"] == 2 * 3  # two prompts, three models
    state = states[-1]
    while state["ballots"]:
        state = step(booth, ANN, kept, ballot=state["ballots"][0]["ballot"], choice="right")
    assert state["voted"] == 6
    assert len(writer.asked) == 2 * 3
    assert set(writer.asked) == {None, *runs}
    # What one asked for oneself is not for others.
    assert votes_view.standings(booth, event(everybody=True), FAR, ANN, kept)["table"]["votes"] == 6


def test_models_that_always_say_the_same_are_told(
    booth: VotingBooth, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer()
    writer.alike = True
    monkeypatch.setattr(services, "model_server", lambda: writer)
    run = tuned_run(services.store, ANNS)
    prompts = "\n".join(f"Question {number}" for number in range(40))
    kept, _ = votes_view.start(booth, FAR, ANN, "live", None, [BASE, run], "", prompts, *GENERATION)
    assert "same answer to 12 questions in a row" in step(booth, ANN, kept)["message"]


def test_a_link_opens_an_evaluation_and_nothing_else(booth: VotingBooth, evaluation: str, services: Services) -> None:
    kept, chosen, problem = votes_view.follow(booth, event(evaluation=evaluation), FAR, ANN)
    assert (kept["evaluation"], chosen, problem) == (evaluation, evaluation, {})
    run = services.store.get(evaluation).model
    for wrong in ("", "../../x", run):
        assert "error" in votes_view.follow(booth, event(evaluation=wrong), FAR, ANN)[2]


def test_the_lists_offer_ones_own_runs_and_all_evaluations(services: Services, evaluation: str) -> None:
    own = tuned_run(services.store, ANNS)
    evaluations, contestants, questions = voting_form.offer(services, ANN, "", None, None, None, FAR)
    assert evaluations["value"] == evaluation
    assert [value for _, value in contestants["choices"]] == [BASE, own]
    assert contestants["value"] == [BASE, own]
    assert [value for _, value in questions["choices"]] == ["", own]
