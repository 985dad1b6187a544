import random
from dataclasses import replace

import numpy as np
import pytest

from playground.errors import Busy, PlaygroundError
from playground.room import stage as staging
from playground.room.scenes import Curve, Guessing, Posed, Voting, choose_options
from playground.room.stage import Closed, NotOnStage, Stage
from playground.voting.ballots import Pair, Verdict

Written = list[tuple[str, str, Verdict, bool]]
PAIR = Pair("evaluation:e", 3, "model:a", "run:b", "Ask.", "", "", "{}", "first's answer", "second's answer")
TEXTS = [" a", " b", " c", " d", " e", " f", "<b>"]
PROBABILITIES = np.array([0.05, 0.3, 0.25, 0.2, 0.1, 0.0, 0.1])


def posed(*, swapped: bool = False, row: int = 3) -> Posed:
    return Posed(replace(PAIR, row=row), swapped, ("model A", "run B"))


def voting(*, swapped: bool = False) -> tuple[Stage, Written]:
    stage = Stage()
    stage.show(Voting())
    stage.pose(posed(swapped=swapped))
    return stage, []


def cast(stage: Stage, written: Written, owner: str, choice: object, pair: str = PAIR.key) -> None:
    stage.vote(pair, owner, choice, lambda pair, owner, verdict, swapped: written.append(
        (pair.key, owner, verdict, swapped)))  # fmt: skip


def guessing() -> Guessing:
    options = choose_options(PROBABILITIES, random.Random(0))
    return Guessing("The cat", " sat", (9,), options, PROBABILITIES, TEXTS)


@pytest.mark.parametrize(
    ("swapped", "left", "right"), [(False, "first", "second"), (True, "second", "first")], ids=["as is", "swapped"]
)
def test_a_vote_is_for_a_model_whatever_side_it_stands_on(swapped: bool, left: str, right: str) -> None:
    stage, written = voting(swapped=swapped)
    for owner, choice in (("ann", "left"), ("ben", "right"), ("cat", "tie"), ("dan", "right")):
        cast(stage, written, owner, choice)
    assert [verdict for _, _, verdict, _ in written] == [left, right, "tie", right]
    assert {order for _, _, _, order in written} == {swapped}
    assert isinstance(stage.scene, Voting)
    assert stage.scene.posed[0].tally() == {"left": 1, "tie": 1, "right": 2}
    assert stage.answers() == 4


def test_a_person_votes_once_and_may_change_it_until_the_vote_is_closed() -> None:
    stage, written = voting()
    cast(stage, written, "ann", "left")
    cast(stage, written, "ann", "right")
    assert stage.answers() == 1
    closed = stage.change(Voting, lambda now: now.with_current(replace(now.posed[0], closed=True)))
    with pytest.raises(Closed, match="closed the vote"):
        cast(stage, written, "ann", "left")
    assert closed.posed[0].tally() == {"left": 0, "tie": 0, "right": 1}
    assert len(written) == 2


def test_a_late_vote_is_not_counted_for_the_next_pair() -> None:
    stage, written = voting()
    stage.pose(posed(row=4))
    with pytest.raises(NotOnStage, match="not on stage any more"):
        cast(stage, written, "ann", "left")
    stage.show(Curve("run"))
    with pytest.raises(NotOnStage, match="no pair of answers"):
        cast(stage, written, "ann", "left")
    assert not written


def test_a_vote_that_could_not_be_kept_does_not_count() -> None:
    stage, _ = voting()

    def full(*_: object) -> None:
        raise PlaygroundError("The disk is full.")

    with pytest.raises(PlaygroundError, match="disk is full"):
        stage.vote(PAIR.key, "ann", "left", full)
    assert stage.answers() == 0


@pytest.mark.parametrize("choice", ["both", "", None, 1, ["left"], {"left": 1}])
def test_what_is_no_choice_is_refused_in_a_sentence(choice: object) -> None:
    stage, written = voting()
    with pytest.raises(PlaygroundError, match="A vote is one of left, right, tie"):
        cast(stage, written, "ann", choice)
    assert not written


def test_nothing_says_whose_an_answer_is_before_it_is_revealed() -> None:
    one = posed(swapped=True)
    one = replace(one, votes={"ann": "first"})
    before, closed = one.shown(), replace(one, closed=True).shown()
    assert "model A" not in str(before) + str(closed)
    assert "run:b" not in str(before) + str(closed)
    assert "tally" not in before
    assert closed["tally"] == {"left": 0, "tie": 0, "right": 1}
    assert (before["left"], before["right"]) == ("second's answer", "first's answer")
    assert replace(one, closed=True, revealed=True).shown()["names"] == ["run B", "model A"]


def test_the_options_are_the_likeliest_tokens_that_can_come() -> None:
    assert set(choose_options(PROBABILITIES, random.Random(1))) == {1, 2, 3, 4, 6}
    greedy = np.array([0.0, 1.0, 0.0])
    assert choose_options(greedy, random.Random(1)) == (1,)
    orders = {choose_options(PROBABILITIES, random.Random(seed)) for seed in range(20)}
    assert len(orders) > 10


def test_chances_are_those_of_the_model_and_sum_to_one() -> None:
    chances = guessing().chances()
    assert sum(chances) == pytest.approx(1)
    assert chances[-1] == pytest.approx(0.05)  # of token 0, the only one that is not an option but can come


def test_tokens_are_drawn_as_often_as_the_model_says() -> None:
    scene, chance = guessing(), random.Random(3)
    counts = np.zeros(len(TEXTS))
    for _ in range(4000):
        counts[scene.drawn(chance).draws[0]] += 1
    assert counts[5] == 0  # cannot come
    # Of n draws a share p comes within 4 standard errors, sqrt(p(1-p)/n) ≤ 0.0073 here.
    assert np.abs(counts / 4000 - PROBABILITIES).max() < 4 * 0.0073


def test_the_sum_of_rounded_probabilities_may_end_below_the_number_drawn() -> None:
    class Last(random.Random):
        def random(self) -> float:
            return 1 - 2**-53

    scene = replace(guessing(), probabilities=np.array([0.5, 0.5 - 1e-9, 0.0]), options=(0, 1))
    assert scene.drawn(Last()).draws == (1,)


def test_a_guess_counts_once_and_only_before_the_token_is_drawn() -> None:
    stage, scene = Stage(), guessing()
    stage.show(scene)
    stage.guess(scene.id, "ann", 0)
    stage.guess(scene.id, "ann", 5)
    stage.guess(scene.id, "ben", 1)
    hidden = scene.shown()
    assert not {"chances", "guesses", "won", "first"} & set(hidden)
    drawn = stage.change(Guessing, lambda now: replace(now, draws=(0,)))
    with pytest.raises(Closed, match="drawn already"):
        stage.guess(scene.id, "cat", 0)
    shown = drawn.shown()
    assert shown["guesses"] == [0, 1, 0, 0, 0, 1]
    assert shown["won"] == 5  # token 0 is another one than those that could be named
    assert shown["first"] == " a"
    assert shown["chance"] == pytest.approx(0.05)


@pytest.mark.parametrize("option", [-1, 6, True, "0", None, 1.0, [0]])
def test_what_is_no_option_is_refused(option: object) -> None:
    stage, scene = Stage(), guessing()
    stage.show(scene)
    with pytest.raises(PlaygroundError, match="whole number from 0 to 5"):
        stage.guess(scene.id, "ann", option)
    with pytest.raises(NotOnStage):
        stage.guess("another", "ann", 0)


def test_a_room_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "MOST_PEOPLE", 2)
    stage, written = voting()
    for owner in ("ann", "ben"):
        cast(stage, written, owner, "tie")
    with pytest.raises(Busy):
        cast(stage, written, "cat", "tie")
    cast(stage, written, "ann", "left")
    assert stage.answers() == 2
