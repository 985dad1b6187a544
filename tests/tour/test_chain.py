"""A tour step by step: what begins the next stage, what ends it, and what it goes on from."""

from typing import Any

import pytest

from playground.errors import Busy, RunError
from playground.jobs import chain
from playground.runs.database import StoreUnavailable
from playground.runs.events import Phase, PhaseChange
from playground.runs.records import JobKind
from playground.runs.store import RunStore
from playground.tour import journey
from playground.tour.journey import Tour
from playground.tour.outcome import outcomes, report


class Queue:
    """A store whose jobs end as they are told to."""

    def __init__(self) -> None:
        self.store = RunStore()
        self.launched: list[tuple[JobKind, dict[str, Any]]] = []

    def launch(self, kind: JobKind, document: dict[str, Any]) -> str:
        self.launched.append((kind, document))
        return self.store.create(kind, document, method=kind, model="tiny", name="A stage", owner="ann")

    def end(self, tour: Tour, phase: Phase, reason: str = "") -> None:
        self.store.append(list(tour.jobs.values())[-1], [PhaseChange(Phase.PREPARING)])
        self.store.finish(list(tour.jobs.values())[-1], phase, reason)

    def advance(self, tour: Tour) -> Tour:
        return chain.advance(tour, self.store, self.launch)


@pytest.fixture
def queue() -> Queue:
    return Queue()


def test_a_stage_begins_when_the_one_before_is_done_and_builds_on_it(queue: Queue) -> None:
    tour = Tour("ann", "tiny")
    for stages in range(1, 7):
        tour = queue.advance(tour)
        assert len(tour.jobs) == stages
        assert queue.advance(tour) is tour, "its job goes on"
        queue.end(tour, Phase.DONE)
    assert queue.advance(tour).state == "done"
    assert [kind for kind, _ in queue.launched] == ["run"] * 4 + ["evaluation"] * 2
    dpo, compare, bleu = (document for _, document in queue.launched[3:])
    assert dpo["model"] == {"run": tour.jobs["sft"]}
    assert (compare["run"], compare["judge"]) == (tour.jobs["dpo"], tour.jobs["reward"])
    assert bleu["run"] == tour.jobs["sft"]


@pytest.mark.parametrize(
    ("phase", "state"),
    [(Phase.STOPPED, "stopped"), (Phase.FAILED, "failed"), (Phase.INTERRUPTED, "failed")],
)
def test_a_stage_that_does_not_end_well_ends_the_tour_in_a_sentence(queue: Queue, phase: Phase, state: str) -> None:
    tour = queue.advance(Tour("ann", "tiny"))
    queue.end(tour, Phase.DONE)
    tour = queue.advance(tour)
    queue.end(tour, phase, "The disk is full.")
    ended = queue.advance(tour)
    assert (ended.state, ended.reason) == (state, f"The stage reward ended as {phase}: The disk is full.")
    assert queue.advance(ended) is ended
    assert len(queue.launched) == 2

    going = chain.again(ended, queue.store)
    assert (going.state, going.reason, list(going.jobs)) == ("going", "", ["sft"])
    assert list(queue.advance(going).jobs) == ["sft", "reward"]


def test_a_stage_whose_run_was_deleted_is_taken_again_with_all_that_follow(queue: Queue) -> None:
    tour = Tour("ann", "tiny", jobs={"sft": "sft-nowhere", "reward": "reward-nowhere"})
    ended = queue.advance(tour)
    assert ended.state == "failed"
    assert "reward-nowhere" in ended.reason
    assert list(chain.again(ended, queue.store).jobs) == []
    assert [one.phase for one in outcomes(ended, queue.store)] == ["deleted", "deleted", "", "", "", ""]


def test_a_full_queue_ends_nothing(queue: Queue) -> None:
    def refuse(*_: object) -> str:
        raise Busy("You have 3 jobs.")

    tour = Tour("ann", "tiny")
    with pytest.raises(Busy):
        chain.advance(tour, queue.store, refuse)
    assert queue.advance(tour).jobs.keys() == {"sft"}


def test_a_store_that_cannot_be_read_just_now_ends_nothing(queue: Queue) -> None:
    def locked(*_: object) -> str:
        raise StoreUnavailable("Runs cannot be kept.")

    with pytest.raises(StoreUnavailable):
        chain.advance(Tour("ann", "tiny"), queue.store, locked)


def test_a_refusal_ends_it(queue: Queue) -> None:
    def refuse(*_: object) -> str:
        raise RunError("The app is closing.")

    ended = chain.advance(Tour("ann", "tiny"), queue.store, refuse)
    assert (ended.state, ended.reason) == ("failed", "The app is closing.")


def test_a_tour_is_kept_for_each_person_and_a_damaged_file_is_none() -> None:
    store = RunStore()
    anns = Tour("ann", "tiny", ("bleu.limit=3",), jobs={"sft": "sft-abc234"}, state="stopped", reason="Why.", begun=5.0)
    journey.save(anns, store)
    journey.save(Tour("", "tiny"), store)
    assert journey.saved("ann", store) == anns
    assert journey.saved("ben", store) is None
    (store.home / journey.FOLDER / "ann.json").write_text('{"owner": "ann"', encoding="utf-8")
    assert journey.saved("ann", store) is None


def test_figures_that_are_not_there_yet_are_null(queue: Queue) -> None:
    tour = queue.advance(Tour("ann", "tiny"))
    found = report(outcomes(tour, queue.store))
    assert [stage["phase"] for stage in found["stages"]] == ["queued", "", "", "", "", ""]
    assert found["seconds"] == 0
    names = ("bleu_base", "bleu_tuned", "reward_accuracy", "ppo_positive_before", "ppo_positive_after", "dpo_win_rate")
    assert [found[name] for name in names] == [None] * 6
