"""The rules of the room: kept, changed, and what they allow."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from playground.config import codec
from playground.config.codec import decode_section
from playground.config.evaluation import EvaluationSettings
from playground.config.room import RoomSettings
from playground.errors import ConfigError, NotAllowed
from playground.room import caps
from playground.room.rules import FILE, JOBS_VARIABLE, Rules
from playground.tour.plan import PLANS, UNKNOWN_RUN

TINY = {"model": "tiny", "data": {"source": "lumen-instructions"}}
ROWS = 1294
"""Of the training share of the tiny model's instructions."""


def no_rows() -> int:
    raise AssertionError("The rows need not be counted.")


def refusal(document: Mapping[str, Any], **rules: Any) -> str:
    with pytest.raises(NotAllowed) as told:
        caps.check_run(RoomSettings(**rules), codec.decode({**TINY, **document}), lambda: ROWS)
    return str(told.value)


def test_what_the_host_sets_is_there_after_a_restart(own_home: Path) -> None:
    rules = Rules()
    assert rules.settings == RoomSettings()
    rules.change(RoomSettings(max_steps=7, allow_models=False))
    assert rules.settings.max_steps == 7
    assert Rules().settings == RoomSettings(max_steps=7, allow_models=False)
    assert json.loads((own_home / FILE).read_text())["max_steps"] == 7


def test_the_environment_holds_until_the_host_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOBS_VARIABLE, "5")
    rules = Rules()
    assert rules.settings.jobs_per_person == 5
    rules.change(RoomSettings(jobs_per_person=2))
    assert rules.settings.jobs_per_person == 2
    monkeypatch.setenv(JOBS_VARIABLE, "many")
    with pytest.raises(ConfigError, match="must be a whole number above 0; got 'many'"):
        Rules().check()


@pytest.mark.parametrize("damaged", ["{", "[]", '{"max_steps": 0}', '{"largest": 1}'])
def test_rules_that_cannot_be_read_keep_nobody_out(
    own_home: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    own_home.mkdir()
    (own_home / FILE).write_text(damaged)
    with caplog.at_level(logging.WARNING):
        assert Rules().settings == RoomSettings()
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("name", ["max_steps", "jobs_per_person", "actions_per_minute", "max_model_size"])
def test_a_rule_that_allows_nothing_is_none(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"room\.{name} must be at least 1; got 0"):
        decode_section(RoomSettings, {name: 0})


def test_a_run_within_the_rules_passes() -> None:
    config = codec.decode({**TINY, "training": {"max_steps": 10, "batch_size": 8, "gradient_accumulation": 2}})
    caps.check_run(RoomSettings(max_steps=10, max_step_rows=16, max_model_size=3, max_new_tokens=48), config, no_rows)


def test_everything_that_is_too_large_is_told_at_once() -> None:
    training = {"max_steps": 11, "batch_size": 8, "gradient_accumulation": 3, "sample_tokens": 50, "max_length": 2048}
    told = refusal({"training": training}, max_steps=10, max_step_rows=16, max_model_size=2, max_new_tokens=49)
    assert told.splitlines() == [
        "training.batch_size × gradient_accumulation asks for 24 rows a step, and participants may have 16.",
        "training.max_length asks for 2,048 tokens a row, and participants may have 1,024.",
        "Tiny has 3 million parameters, and participants may use models of up to 2 million.",
        "training.sample_tokens asks for 50 tokens an answer, and participants may have 49.",
        "training.max_steps asks for 11 steps, and participants may have 10.",
        "Ask for less, or ask the host to allow more in the Room tab.",
    ]


def test_steps_that_follow_from_the_rows_are_counted() -> None:
    """ceil(1.5 epochs × ceil(1,294 rows / 8)) = ceil(1.5 × 162) = 243."""
    training = {"max_steps": None, "epochs": 1.5, "batch_size": 8}
    assert "asks for 243 steps, and participants may have 242" in refusal({"training": training}, max_steps=242)
    caps.check_run(RoomSettings(max_steps=243), codec.decode({**TINY, "training": training}), lambda: ROWS)


def test_rollouts_are_the_rows_of_ppo() -> None:
    ppo = {"method": "ppo", "data": {"source": "lumen-openings"}, "training": {"max_steps": 1, "batch_size": 4}}
    told = refusal({**ppo, "ppo": {"rollouts": 65, "max_new_tokens": 300}})
    assert "ppo.rollouts asks for 65 rows a step, and participants may have 64." in told
    assert "ppo.max_new_tokens asks for 300 tokens an answer, and participants may have 256." in told


def test_where_runs_are_closed_nothing_starts() -> None:
    assert "The host has closed training and evaluating" in refusal({}, allow_runs=False)
    asked = EvaluationSettings("a-run", limit=1)
    with pytest.raises(NotAllowed, match="The host has closed"):
        caps.check_evaluation(RoomSettings(allow_runs=False), asked, ["tiny"], no_rows)


def test_an_evaluation_counts_its_rows_only_without_a_limit() -> None:
    rules = RoomSettings(max_evaluation_rows=20)
    caps.check_evaluation(rules, EvaluationSettings("a-run", limit=20), ["tiny"], no_rows)
    with pytest.raises(NotAllowed, match="asks for 21 rows, and participants may have 20"):
        caps.check_evaluation(rules, EvaluationSettings("a-run"), ["tiny"], lambda: 21)
    with pytest.raises(NotAllowed, match=r"Qwen3 0\.6B has 597 million parameters"):
        caps.check_evaluation(rules, EvaluationSettings("a-run", limit=1), ["tiny", "qwen3-0.6b"], no_rows)


def test_a_model_is_loaded_where_the_host_lets_it_and_it_is_small() -> None:
    caps.check_model(RoomSettings(), "smollm2-135m-instruct")
    with pytest.raises(NotAllowed, match=r"OPT 350M has 332 million parameters, .* up to 200 million"):
        caps.check_model(RoomSettings(), "opt-350m")
    with pytest.raises(NotAllowed, match="The host has closed loading models"):
        caps.check_model(RoomSettings(allow_models=False), "tiny")


def test_participants_may_take_the_tours_as_the_rules_come() -> None:
    """The largest evaluation without a limit answers the 204 held-out rows of the tiny model's instructions."""
    for plan in PLANS:
        runs = {stage.name: UNKNOWN_RUN for stage in plan.stages}
        for stage in plan.stages:
            document = stage.document(runs)
            if stage.kind == "evaluation":
                asked = codec.decode_section(EvaluationSettings, document)
                caps.check_evaluation(RoomSettings(), asked, [plan.model], lambda: 204)
            else:
                config = codec.decode({**document, "model": plan.model})
                caps.check_run(RoomSettings(), config, no_rows)
