"""A language model as judge in an evaluation: from an endpoint on loopback, and a small model that knows nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from playground.config.judging import JudgeSettings
from playground.data.records import Record
from playground.errors import Cancelled, ConfigError, ModelError
from playground.evaluation.answers import Answered, Answers, ReferenceLoss
from playground.evaluation.language_judge import LanguageJudge
from playground.evaluation.subject import check_judge
from playground.judging import endpoint
from tests.evaluation.test_job import Listener, settings
from tests.judging.server import KEY, Reply, api, said

ROWS = 4


def answered() -> Answered:
    """The run's answers have their row's number, the base's are empty."""
    records = [
        Record(10 + row, "instruction", {"instruction": f"Write {row}.", "input": "", "output": str(row)})
        for row in range(ROWS)
    ]
    losses = [ReferenceLoss(1.0, 1)] * ROWS
    return Answered(
        records,
        [
            Answers("base", "Tiny", "Tiny", [""] * ROWS, [1] * ROWS, losses),
            Answers("sft-a", "Mine", "Tiny", [f"number {row}" for row in range(ROWS)], [1] * ROWS, losses),
        ],
    )


def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: Any, **changed: Any) -> Any:
    listener = Listener(tmp_path / "job")
    with api(answer) as found:
        monkeypatch.setenv(endpoint.URL_VARIABLE, found.url)
        monkeypatch.setenv(endpoint.MODEL_VARIABLE, "judge-1")
        monkeypatch.setenv(endpoint.KEY_VARIABLE, KEY)
        verdict = LanguageJudge(JudgeSettings(model="endpoint", **changed))(answered(), listener.context)
    told = json.dumps([verdict.report, *verdict.rows])
    assert KEY not in told
    assert found.url not in told
    return verdict


def test_scores_have_a_mean_and_what_cannot_be_read_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        asked = body["messages"][0]["content"]
        if "number 3" in asked:
            return said("I would rather not say.")
        return said("Score: 80" if "number" in asked else "20")

    report, rows = judged(monkeypatch, tmp_path, answer, score_prompt="{instruction} {answer}")
    assert (report["kind"], report["name"], report["replies"], report["unreadable"]) == (
        "language_score", "judge-1", 8, 1,
    )  # fmt: skip
    assert report["raw"] == [{"id": "sft-a", "row": 13, "reply": "I would rather not say."}]
    base, mine = report["models"]
    assert base == {"id": "base", "judged": 4, "mean": 20, "interval": [20, 20]}
    assert (mine["judged"], mine["mean"], mine["interval"], mine["wins"]) == (3, 80, [80, 80], 3)
    assert mine["may_be_noise"] is False
    assert rows[0] == {"base": 20.0, "sft-a": 80.0}
    assert rows[3] == {"base": 20.0, "sft-a": None}


def test_pairs_are_won_in_both_orders_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        first, _, second = body["messages"][0]["content"].partition("|")
        if "1" in first + second:
            return said("A")  # whatever stands first
        if "2" in first + second:
            return said("Well …")
        return said("A" if "number" in first else "B")

    report, rows = judged(monkeypatch, tmp_path, answer, way="pair", pair_prompt="{first}|{second}")
    base, mine = report["models"]
    assert base == {"id": "base"}
    assert (mine["judged"], mine["wins"], mine["ties"], mine["losses"], mine["turned"]) == (3, 2, 1, 0, 1)
    assert (report["replies"], report["unreadable"]) == (4, 1)
    assert report["raw"][0] == {"id": "sft-a", "row": 12, "reply": "Well … | Well …"}
    assert [row["sft-a"] for row in rows] == ["win", "tie", None, "win"]


def test_a_judge_of_whom_nothing_can_be_read_is_a_result_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report, _ = judged(monkeypatch, tmp_path, lambda _: said("?"))
    assert report["unreadable"] == report["replies"] == 8
    assert report["models"][1] == {"id": "sft-a", "judged": 0, "mean": None, "interval": None}
    report, _ = judged(monkeypatch, tmp_path, lambda _: said("?"), way="pair")
    assert report["models"][1] == {"id": "sft-a", "judged": 0, "turned": 0}


def test_a_small_model_judges_and_the_job_hears_how_far_it_is(small_models: dict[str, Path], tmp_path: Path) -> None:
    listener = Listener(tmp_path / "job")
    judge = LanguageJudge(JudgeSettings(model=str(small_models["llama"]), max_new_tokens=3))
    report, rows = judge(answered(), listener.context)
    assert report["replies"] == 8
    assert report["unreadable"] == sum(score is None for row in rows for score in row.values())
    listener.context.stop.set()
    with pytest.raises(Cancelled):
        judge(answered(), listener.context)


def test_a_judge_that_cannot_be_had_is_told_before_anything_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(endpoint.URL_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match="PLAYGROUND_JUDGE_URL"):
        check_judge(settings("sft-a", judging=JudgeSettings(model="endpoint")))
    with pytest.raises(ModelError, match="no run 'gone'"):
        check_judge(settings("sft-a", judging=JudgeSettings(model="run:gone")))
