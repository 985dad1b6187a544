"""The plan: every stage can be begun as it stands, and what it is measured by is measured."""

import re

import pytest

from playground.config import codec, presets
from playground.config.run import RunRef
from playground.errors import ConfigError
from playground.models import catalogue
from playground.runs.records import JobKind
from playground.tour.plan import CHANGES_VARIABLE, PLANS, Plan, plan_for
from tests.tour.short import SHORT

RUNS = {"sft": "sft-abc234", "reward": "reward-abc234", "ppo": "ppo-abc234", "dpo": "dpo-abc234"}
STORY: list[tuple[str, JobKind]] = [
    ("sft", "run"), ("reward", "run"), ("ppo", "run"), ("dpo", "run"), ("compare", "evaluation"),
    ("bleu", "evaluation"),
]  # fmt: skip

plans = pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.model)


@plans
def test_the_story_is_the_same_with_every_model(plan: Plan) -> None:
    assert [(stage.name, stage.kind) for stage in plan.stages] == STORY
    assert catalogue.find(plan.model) is not None
    for name, method in (("sft", "sft"), ("reward", "reward"), ("ppo", "ppo"), ("dpo", "dpo")):
        config = codec.decode(plan.stage(name).document(RUNS))
        assert config.method == method
        assert config.model == (RunRef(RUNS["sft"]) if name == "dpo" else plan.model)
        assert config.training.eval_steps, f"{name} has to be measured before and after"
    compared = plan.stage("compare").document(RUNS)
    assert (compared["run"], compared["judge"], compared["split"]) == (RUNS["dpo"], RUNS["reward"], "test")
    assert plan.stage("bleu").document(RUNS)["run"] == RUNS["sft"]


@plans
def test_reward_model_and_dpo_read_questions_in_the_same_words(plan: Plan) -> None:
    """A judge that was trained on another template would judge what it has never seen."""
    reward, dpo = (codec.decode(plan.stage(name).document(RUNS)) for name in ("reward", "dpo"))
    sft = codec.decode(plan.stage("sft").document(RUNS))
    assert reward.data == dpo.data
    assert dpo.data.template == sft.data.template


def test_a_change_goes_to_its_stage_and_only_there() -> None:
    plan = plan_for("tiny", SHORT)
    assert codec.decode(plan.stage("sft").document(RUNS)).training.max_steps == 2
    assert plan.stage("bleu").document(RUNS)["limit"] == 8
    assert codec.decode(plan_for("tiny").stage("sft").document(RUNS)) == presets.ready("tiny-sft")


def test_a_host_may_make_every_tour_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHANGES_VARIABLE, "sft.training.max_steps=5  bleu.limit=3")
    plan = plan_for("tiny", ["bleu.limit=4"])
    assert codec.decode(plan.stage("sft").document(RUNS)).training.max_steps == 5
    assert plan.stage("bleu").document(RUNS)["limit"] == 4


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        ("gpt2", [], "The tour goes with tiny or smollm2-135m-instruct; got 'gpt2'."),
        ("tiny", ["bleuu.limit=3"], "The tour has no stage 'bleuu'; did you mean bleu?"),
        ("tiny", ["training.max_steps"], "The tour takes STAGE.PATH=VALUE"),
        ("tiny", ["sft.training.max_step=3"], "training.max_step is not a setting; did you mean training.max_steps?"),
        ("tiny", ["bleu.limit=0"], "evaluation.limit must be at least 1; got 0."),
    ],
)
def test_what_cannot_be_is_told_before_anything_begins(model: str, changes: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        plan_for(model, changes)
