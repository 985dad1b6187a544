"""The schema file stands in step with the settings classes and accepts what they accept."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as examples

from playground.config import codec, presets, schema
from playground.config.evaluation import EvaluationSettings
from playground.config.run import RunConfig
from playground.errors import ConfigError
from tests.config.test_codec import RUNS

VALIDATOR = jsonschema.Draft202012Validator(schema.schema())


def test_the_file_is_in_step() -> None:
    assert schema.PATH.read_text(encoding="utf-8") == schema.dumps(), "run: python -m playground.config.schema"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize(
    "path",
    [
        "method",
        "model",
        "data.source",
        "data.template",
        "data.split",
        "data.seed",
        "adapter.rank",
        "training.max_steps",
        "training.batch_size",
        "training.learning_rate",
        "training.save_steps",
    ],
)
def test_the_paths_that_checks_rely_on_are_described(path: str) -> None:
    place: dict[str, Any] = schema.schema()
    for part in path.split("."):
        place = place["properties"][part]
    assert place["description"]
    assert "default" in place


@examples(max_examples=30)
@given(RUNS)
def test_every_run_is_valid_under_the_schema(config: RunConfig) -> None:
    VALIDATOR.validate(json.loads(codec.dumps(config)))


@pytest.mark.parametrize(
    "document",
    [
        {"method": "dance"},
        {"model": ""},
        {"model": {"run": "a", "b": 1}},
        {"data": {"seed": -1}},
        {"data": {"columns": {"a": 1}}},
        {"adapter": {"alpha": 0}},
        {"adapter": {"kind": "dora"}},
        {"training": {"max_steps": 0}},
        {"training": {"save_steps": None}},
        {"training": {"max_stepz": 1}},
        {"extra": 1},
    ],
)
def test_what_the_codec_refuses_the_schema_refuses_too(document: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(ConfigError):
        codec.decode(document)


def test_a_setting_without_default_is_required() -> None:
    found = schema.section_schema(EvaluationSettings)
    assert found["required"] == ["run"]
    assert "default" not in found["properties"]["run"]
    assert found["properties"]["generation"]["properties"]["top_p"]["maximum"] == 1


@pytest.mark.parametrize("name", presets.ready_names())
def test_ready_configs_are_valid_under_the_schema(name: str) -> None:
    VALIDATOR.validate(presets.read(name))
