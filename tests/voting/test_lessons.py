"""From votes to a lesson: what is learnt from, with which settings, and who is preferred before and after."""

import json
from pathlib import Path
from typing import Any

import pytest

from playground.config import codec
from playground.core.intervals import wilson
from playground.errors import DataError, ModelError, RunError
from playground.jobs import chain
from playground.runs.events import Phase, PhaseChange
from playground.runs.store import RunStore
from playground.voting import lessons, planning
from playground.voting.ballots import Pair, Verdict, Vote
from playground.voting.lessons import Lesson, Step
from playground.voting.planning import Asking
from playground.voting.preferences import preferences
from playground.voting.win_rates import win_rate

TEMPLATE = json.dumps({"template": "instruction-response", "custom_template": ""})
ASKING = Asking("sft-abc234", "test", {"strategy": "greedy"})


def pair(row: int, first: str = "model:tiny", second: str = "run:x") -> Pair:
    return Pair(
        source="evaluation:e", row=row, first=first, second=second, instruction=f"Question {row}?", input="",
        reference="", template=TEMPLATE, first_answer=f"{first} {row}", second_answer=f"{second} {row}",
    )  # fmt: skip


def votes(*given: tuple[Pair, str]) -> list[Vote]:
    """Each letter is one person's vote: f, s or t."""
    verdicts: dict[str, Verdict] = {"f": "first", "s": "second", "t": "tie"}
    return [
        Vote(one, verdicts[letter], f"person {person}")
        for one, letters in given
        for person, letter in enumerate(letters)
    ]


def test_the_majority_decides_each_pair_and_ties_are_left_out() -> None:
    found = preferences(votes((pair(0), "ffs"), (pair(1), "fs"), (pair(2), "ttt"), (pair(3), "st"), (pair(4), "sstf")))
    assert [(row["instruction"], row["chosen"]) for row in found.rows] == [
        ("Question 0?", "model:tiny 0"), ("Question 3?", "run:x 3"), ("Question 4?", "run:x 4"),
    ]  # fmt: skip
    assert found.tied == 2
    assert "person" not in json.dumps(found.rows)


def test_no_question_is_both_learnt_and_held_out() -> None:
    three = [("model:tiny", "run:x"), ("model:tiny", "run:y"), ("run:x", "run:y")]
    # The pairs of a question are voted on at different times.
    found = preferences(votes(*((pair(row, *two), "f") for two in three for row in range(10))))
    assert found.questions == (3,) * 10
    assert found.held_out(0.2) == 6
    held_out = {row["instruction"] for row in found.rows[-6:]}
    assert not held_out & {row["instruction"] for row in found.rows[:-6]}
    assert preferences(votes((pair(0), "f"), (pair(0, "run:x", "run:y"), "f"))).held_out(0.2) == 0


@pytest.mark.parametrize(
    ("given", "says", "missing"),
    [
        (
            [(pair(0), "f"), (pair(1), "s"), (pair(2), "t")],
            r"at least 8 pairs .* on 2 \(1 more is a tie\). Vote on 6",
            6,
        ),
        ([], "they do on 0. Vote on 8 more", 8),
        ([(pair(0, f"run:{a}", f"run:{a}z"), "f") for a in "abcdefgh"], "All preferences are on one question", 1),
    ],
)
def test_too_few_votes_are_refused_with_how_many_are_needed(given: Any, says: str, missing: int) -> None:
    found = preferences(votes(*given))
    assert planning.missing(found) == missing
    with pytest.raises(DataError, match=says):
        planning.check_enough(found)


def test_settings_fit_the_model_and_how_much_there_is_to_learn() -> None:
    found = preferences(votes(*((pair(row), "f") for row in range(20))))
    planning.check_enough(found)
    document = planning.training("dpo", "model:tiny", found, "upload:x/votes.jsonl")
    config = codec.decode(document)
    assert (config.method, config.model, config.data.source) == ("dpo", "tiny", "upload:x/votes.jsonl")
    assert config.data.split == pytest.approx((0.8, 0.2))
    assert config.data.template == "instruction-response"
    assert (config.training.max_steps, config.training.batch_size) == (24, 8)  # 12 passes over 16 rows
    many = preferences(votes(*((pair(row), "f") for row in range(1000))))
    longest = codec.decode(planning.training("reward", "model:tiny", many, "upload:x/votes.jsonl"))
    assert (longest.method, longest.training.max_steps) == ("reward", 80)
    # Modules are named for the models that are known; others have their own.
    other = codec.decode(planning.training("dpo", "model:openai-community/gpt2", found, "upload:x/votes.jsonl"))
    assert other.adapter.targets is None
    with pytest.raises(ModelError, match="There is no run 'gone'"):
        planning.training("dpo", "run:gone", found, "upload:x/votes.jsonl")


def test_what_comes_after_the_run_names_it() -> None:
    found = preferences(votes(*((pair(row), "f") for row in range(10))))
    train, answers = planning.steps("dpo", "model:tiny", "sft-abc234", found, "upload:x/v.jsonl", ASKING)
    assert (train.name, train.kind, answers.kind) == ("train", "run", "evaluation")
    document = answers.document({"train": "dpo-new234"})
    assert (document["run"], document["questions"], document["limit"]) == ("dpo-new234", "sft-abc234", planning.ASKED)
    _, judged = planning.steps("reward", "model:tiny", "sft-abc234", found, "upload:x/v.jsonl", ASKING)
    document = judged.document({"train": "reward-new234"})
    assert (document["run"], document["judge"]) == ("sft-abc234", "reward-new234")


def test_a_win_rate_counts_a_tie_as_half_and_people_on_one_pair_as_what_they_tell() -> None:
    found = win_rate("run:x", votes((pair(0), "ss"), (pair(1), "ff"), (pair(2), "st"), (pair(3), "ss")))
    assert found is not None
    assert (found.wins, found.ties, found.losses, found.pairs, found.voters) == (5, 1, 2, 4, 2)
    assert found.rate == pytest.approx(5.5 / 8)
    wide, narrow = found.interval, wilson(found.rate, 8)
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
    assert win_rate("model:tiny", votes((pair(0), "f"))) == win_rate("run:x", votes((pair(0), "s")))
    assert win_rate("run:elsewhere", votes((pair(0), "f"))) is None


def lesson(**changes: Any) -> Lesson:
    stages = (Step("train", "run", {"method": "dpo"}), Step("answers", "evaluation", {"limit": 4}, {"run": "train"}))
    given = {
        "id": lessons.new_id(), "owner": "ann", "source": "evaluation:e", "method": "dpo", "pupil": "model:tiny",
        "stages": stages, "votes": {"votes": 8}, "before": None, "fresh": True, **changes,
    }  # fmt: skip
    return Lesson(**given)


def test_a_lesson_is_kept_and_goes_on_from_what_is_done(own_home: Path) -> None:
    store = RunStore()
    kept = lesson()

    def launch(kind: Any, document: dict[str, Any]) -> str:
        return store.create(kind, document, method="dpo", model="tiny", name="A stage", owner="ann")

    kept = chain.advance(kept, store, launch)
    store.append(kept.jobs["train"], [PhaseChange(Phase.PREPARING)])
    store.finish(kept.jobs["train"], Phase.DONE)
    kept = chain.advance(kept, store, launch)
    assert store.get(kept.jobs["answers"]).document == {"limit": 4, "run": kept.jobs["train"]}
    assert kept.next_source == ""
    store.finish(kept.jobs["answers"], Phase.INTERRUPTED)
    kept = chain.advance(kept, store, launch)
    assert kept.state == "failed"
    lessons.save(kept, store)
    assert lessons.saved(kept.id, store) == kept
    again = chain.again(lessons.saved(kept.id, store), store)
    assert (again.state, list(again.jobs)) == ("going", ["train"])
    newer = lesson(begun=kept.begun + 1, state="done", jobs={"train": "dpo-x", "answers": "evaluation-y"})
    assert newer.next_source == "evaluation:evaluation-y"
    lessons.save(newer, store)
    assert [one.id for one in lessons.listed(store)] == [newer.id, kept.id]
    (own_home / lessons.FOLDER / f"{newer.id}.json").write_text('{"id"', encoding="utf-8")
    assert [one.id for one in lessons.listed(store)] == [kept.id]
    for gone in (newer.id, "../runs", "lesson-gone"):
        with pytest.raises(RunError, match="There is no lesson"):
            lessons.saved(gone, store)
    store.close()
