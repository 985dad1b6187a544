"""The tour from the command line: short ones whole, one that fails, one that is stopped, and the real one as a soak."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from playground.cli import main
from playground.runs.store import RunStore
from playground.tour import journey
from tests.tour.short import SHORT
from tests.waiting import wait_until

STAGES = ["sft", "reward", "ppo", "dpo", "compare", "bleu"]
HEADLINES = {
    "bleu_base", "bleu_tuned", "reward_accuracy", "ppo_positive_before", "ppo_positive_after", "dpo_win_rate",
}  # fmt: skip


def arguments(*more: str) -> list[str]:
    return [*(part for change in (*SHORT, *more) for part in ("--set", change))]


def last_json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


def test_a_short_tour_is_real_and_one_that_failed_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    # The rows of the judge's evaluation are asked for where there are none.
    assert main(["tour", *arguments("compare.split=validation")]) == 1
    captured = capsys.readouterr()
    assert "validation share of run" in captured.out
    assert "next     python -m playground tour --continue" in captured.out
    assert "4/6  DPO: the model of the first stage learns from the pairs themselves" in captured.err
    store = RunStore()
    failed = journey.saved("", store)
    assert failed is not None
    assert list(failed.jobs) == STAGES[:5]

    mended = [change for change in failed.changes if change != "compare.split=validation"]
    journey.save(dataclasses.replace(failed, changes=tuple(mended)), store)
    assert main(["tour", "--continue", "--json"]) == 0
    captured = capsys.readouterr()
    found = last_json(captured.out)
    assert len(captured.out.splitlines()) == 1
    assert set(found) == {"seconds", "stages", "state", "error", *HEADLINES}
    assert [stage["name"] for stage in found["stages"]] == STAGES
    assert [stage["phase"] for stage in found["stages"]] == ["done"] * 6
    assert [stage["run"] for stage in found["stages"]][:4] == list(failed.jobs.values())[:4]
    assert {record.id for record in store.list(limit=-1)} >= {stage["run"] for stage in found["stages"]}
    assert found["seconds"] == pytest.approx(sum(stage["seconds"] for stage in found["stages"]), abs=0.4)
    for name in ("reward_accuracy", "ppo_positive_before", "ppo_positive_after", "dpo_win_rate"):
        assert 0 <= found[name] <= 1
    assert found["stages"][0]["before"] > found["stages"][0]["after"] > 0, "two steps of SFT lower the loss"
    assert found["stages"][3]["before"] == 0, "the model is its own reference"

    assert main(["tour", "--continue"]) == 2
    assert "The last tour is done" in capsys.readouterr().err


def test_what_cannot_be_begins_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tour", "--model", "gpt2"]) == 2
    assert "The tour goes with tiny or" in capsys.readouterr().err
    assert main(["tour", "--continue", "--json"]) == 2
    assert "There is no tour to go on with" in last_json(capsys.readouterr().out)["error"]
    assert RunStore().list() == []


@pytest.mark.soak
def test_ctrl_c_ends_it_with_what_is_there() -> None:
    changes = arguments("sft.training.max_steps=100000")
    process = subprocess.Popen(
        [sys.executable, "-m", "playground", "tour", "--json", *changes], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        store = RunStore()
        wait_until(lambda: any(record.steps for record in store.list("run")), timeout=240)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, err
    found = last_json(out)
    assert (found["state"], found["stages"][0]["phase"]) == ("stopped", "stopped")
    assert found["error"].startswith("The stage sft ended as stopped")
    assert [stage["run"] for stage in found["stages"]][1:] == [""] * 5
    assert (store.folder(found["stages"][0]["run"]) / "adapter").is_dir(), "what it learnt is saved"


@pytest.mark.soak
def test_the_tour_on_the_bundled_model_tells_its_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tour", "--json"]) == 0
    found = last_json(capsys.readouterr().out)
    assert found["bleu_base"] < 5
    assert found["bleu_tuned"] > 50
    assert found["reward_accuracy"] >= 0.95
    assert found["ppo_positive_after"] >= found["ppo_positive_before"] + 0.15
    assert found["dpo_win_rate"] >= 0.7
