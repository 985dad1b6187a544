"""A reward model as judge: wins, ties and losses, their interval, and an evaluation with one."""

import threading
from pathlib import Path

import pytest
import torch

from playground.errors import DataError, ModelError, RunError
from playground.evaluation import job
from playground.evaluation.judge import WinRate, win_rate
from playground.evaluation.subject import check_judge, subject_of
from playground.models.heads import with_head
from playground.models.loading import load
from playground.rewards.scoring import load_reward_model
from playground.runs.store import RunStore
from tests.evaluation.finished_runs import data_file, finished_run
from tests.evaluation.test_job import Listener, settings


def reward_run(store: RunStore, model: Path, data: Path) -> str:
    """A reward model of which every weight was trained, as its run leaves it; made without training."""
    run = finished_run(store, model, data, left="nothing", method="reward", adapter={"kind": "none"})
    loaded = load(str(model), report=lambda _: None, stop=threading.Event())
    scorer = with_head(loaded.model, loaded.tokenizer, seed=3)
    scorer.save_pretrained(store.folder(run) / "model")
    loaded.tokenizer.save_pretrained(store.folder(run) / "model")
    return run


@pytest.mark.parametrize(
    ("found", "rate", "low", "high"),
    [
        # By Wilson's formula with z = 1.96, worked out apart from it; 8 of 10 is the textbook's.
        (WinRate(8, 0, 2), 0.8, 0.4902, 0.9433),
        (WinRate(0, 10, 0), 0.5, 0.2366, 0.7634),
        (WinRate(10, 0, 0), 1.0, 0.7225, 1.0),
        (WinRate(0, 0, 4), 0.0, 0.0, 0.4899),
        (WinRate(50, 20, 30), 0.6, 0.5020, 0.6906),
    ],
)
def test_ties_are_half_and_the_interval_is_wilsons(found: WinRate, rate: float, low: float, high: float) -> None:
    assert found.rate == rate
    assert found.interval == pytest.approx((low, high), abs=1e-4)


def test_equal_scores_are_ties() -> None:
    assert win_rate([1.0, 2.0, 0.5, -1.0], [2.0, 1.0, 0.5 + 1e-9, 3.0]) == WinRate(2, 1, 1)
    with pytest.raises(DataError, match="nothing to judge"):
        win_rate([], [])


def test_an_evaluation_with_a_judge_says_what_the_judge_says(small_models: dict[str, Path], tmp_path: Path) -> None:
    store, listener, data = RunStore(), Listener(tmp_path / "evaluation"), data_file(tmp_path)
    run = finished_run(store, small_models["llama"], data)
    # A judge on another model, with another tokenizer: it reads text.
    judged_by = reward_run(store, small_models["gpt2"], data)
    report = job.execute(settings(run, limit=6, judge=judged_by), listener.context).report
    verdict, [entry] = report["judge"], report["judges"]
    examples = listener.examples()
    model = load_reward_model(judged_by, report=lambda _: None, stop=threading.Event())
    for side in ("base", "tuned"):
        prompts = [
            f"### Instruction:\n{one['instruction']}\n\n"
            + (f"### Input:\n{one['input']}\n\n" if one["input"] else "")
            + "### Response:\n"
            for one in examples
        ]
        model_id = run if side == "tuned" else "base"
        scores = model.score(prompts, [one["answers"][model_id] for one in examples])
        assert [one["judges"][0][model_id] for one in examples] == pytest.approx(scores, abs=1e-5)
        assert verdict[side] == pytest.approx(sum(scores) / 6, abs=1e-5)
    assert verdict["wins"] + verdict["ties"] + verdict["losses"] == 6
    said = [one["judges"][0] for one in examples]
    assert verdict["wins"] == sum(one[run] > one["base"] + 1e-6 for one in said)
    assert (entry["kind"], entry["run"]) == ("reward_model", judged_by)
    assert [model["id"] for model in entry["models"]] == ["base", run]
    assert entry["models"][1].items() >= {name: verdict[name] for name in ("wins", "losses", "win_rate")}.items()
    assert verdict["interval"][0] <= verdict["win_rate"] <= verdict["interval"][1]


def test_only_reward_models_judge_and_they_are_not_evaluated(small_models: dict[str, Path], tmp_path: Path) -> None:
    store, data = RunStore(), data_file(tmp_path)
    run = finished_run(store, small_models["llama"], data)
    with pytest.raises(ModelError, match="was trained with sft and gives no scores"):
        check_judge(settings(run, judge=run))
    check_judge(settings(run))
    with torch.random.fork_rng():
        scorer = reward_run(store, small_models["llama"], data)
    check_judge(settings(run, judge=scorer))
    with pytest.raises(RunError, match="gives scores and writes no text"):
        subject_of(scorer, store)
