"""The run form and a run's JSON say the same, both ways."""

import asyncio
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.config import codec
from playground.config.methods import METHODS
from playground.config.methods.ppo import PPOSettings
from playground.config.presets import PRESETS, preset, ready, ready_names
from playground.config.rewards import (
    KeywordReward,
    LengthReward,
    PatternReward,
    RewardConfig,
    SentimentReward,
    Term,
    WeightedSum,
)
from playground.config.run import AdapterSettings, DataSettings, RunConfig, RunRef, TrainingSettings
from playground.config.settings import settings_of
from playground.errors import ConfigError
from playground.ui import run_form, run_sources, run_starts, run_values


@pytest.fixture(scope="module")
def paths() -> tuple[str, ...]:
    """The fields' paths, in the form's order. Built inside an event loop, as in `conftest.page`."""

    async def build() -> tuple[str, ...]:
        with gr.Blocks():
            return tuple(run_form.build_form().fields)

    return asyncio.run(build())


@pytest.mark.parametrize("name", ready_names())
def test_a_ready_run_shown_as_it_is_is_named(paths: tuple[str, ...], name: str) -> None:
    values = run_values.form_values(paths, replace(ready(name), name="mine"))
    assert run_starts.starting_point(paths, values) == f"ready:{name}"
    place = run_values.FIRST + paths.index("training.seed")
    values[place] += 1
    assert run_starts.starting_point(paths, values) is None


def values_of(paths: tuple[str, ...], config: RunConfig) -> list[Any]:
    return run_values.form_values(paths, config)


def test_every_setting_has_a_field(paths: tuple[str, ...]) -> None:
    encoded = codec.encode(RunConfig())
    settings = {f"{section}.{key}" for section in ("data", "adapter", "training", "sft") for key in encoded[section]}
    assert settings - set(paths) == {"data.source"}


def test_every_setting_of_a_method_has_a_field(paths: tuple[str, ...]) -> None:
    known = {".".join(path.split(".")[:2]) for path in paths}
    for cls in METHODS.values():
        assert {found.path for found in settings_of(cls)} <= known


REWARDS = (
    KeywordReward(keywords=("warm", "bright"), counts="times"),
    WeightedSum((Term(1.0, SentimentReward(score="positive")), Term(-0.5, LengthReward(target=7)))),
    WeightedSum((Term(2.0, PatternReward(pattern=r"a{2,3}")),)),
)


@pytest.mark.parametrize("reward", REWARDS, ids=["one", "a sum", "one with a weight"])
def test_a_reward_survives_the_form(paths: tuple[str, ...], reward: RewardConfig) -> None:
    config = replace(ready("tiny-ppo"), options=PPOSettings(reward=reward, beta=0.3, beta_target=6.0))
    assert codec.decode(run_values.document(paths, values_of(paths, config))) == config


def test_a_run_without_a_reward_is_refused(paths: tuple[str, ...]) -> None:
    values = values_of(paths, ready("tiny-ppo"))
    values[run_values.FIRST + paths.index("ppo.reward.0")] = []
    with pytest.raises(ConfigError, match="No reward is chosen"):
        run_values.document(paths, values)


def test_a_method_is_not_asked_for_the_reward_of_another(paths: tuple[str, ...]) -> None:
    values = values_of(paths, RunConfig())
    values[run_values.FIRST + paths.index("ppo.reward.0")] = []
    assert "ppo" not in run_values.document(paths, values)


@pytest.mark.parametrize("chosen", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_survives_the_form(paths: tuple[str, ...], chosen: Any) -> None:
    config = chosen.over(codec.decode({"method": chosen.methods[0], "name": "mine"}))
    assert codec.decode(run_values.document(paths, values_of(paths, config))) == config


@pytest.mark.parametrize("name", ready_names())
def test_a_ready_config_fills_the_whole_form(paths: tuple[str, ...], name: str) -> None:
    values = values_of(paths, RunConfig(name="mine"))
    filled = [old if new == gr.skip() else new for old, new in zip(values, start(name, paths, values), strict=True)]
    assert codec.decode(run_values.document(paths, filled)) == replace(ready(name), name="mine")
    assert start(name, paths, filled) == [gr.skip()] * len(filled)


def start(name: str, paths: tuple[str, ...], values: list[Any]) -> list[Any]:
    return run_starts.start_from(f"{run_starts.READY_PREFIX}{name}", paths, values)


def test_a_preset_leaves_model_data_and_name_and_sends_only_what_changes(paths: tuple[str, ...]) -> None:
    config = ready("tiny-sft")
    values = values_of(paths, config)
    sent = run_starts.start_from("course", paths, values)
    filled = [old if new == gr.skip() else new for old, new in zip(values, sent, strict=True)]
    assert codec.decode(run_values.document(paths, filled)) == preset("course").over(config)
    assert sent[: run_values.FIRST] == [gr.skip()] * run_values.FIRST
    assert sent.count(gr.skip()) > len(sent) / 2


def test_the_form_begins_as_the_run_on_the_bundled_model(paths: tuple[str, ...]) -> None:
    async def build() -> list[Any]:
        with gr.Blocks():
            return [component.value for component in run_form.build_form().inputs()]

    config = codec.decode(run_values.document(paths, asyncio.run(build())))
    assert config == replace(ready("tiny-sft"), name="")


@given(
    rank=st.integers(1, 1024),
    targets=st.none() | st.lists(st.sampled_from(["q_proj", "v_proj", "c_attn"]), min_size=1, max_size=3).map(tuple),
    steps=st.none() | st.integers(1, 10**6),
    rate=st.floats(1e-8, 10, exclude_min=True),
    split=st.sampled_from([(0.85, 0.1, 0.05), (0.8, 0.2), (1.0, 0.0), (0.7, 0.2, 0.1)]),
    seed=st.none() | st.integers(0, 2**32 - 1),
    run=st.none() | st.just("sft-abc234"),
)
def test_any_config_survives_the_form(
    paths: tuple[str, ...],
    rank: int,
    targets: tuple[str, ...] | None,
    steps: int | None,
    rate: float,
    split: tuple[float, ...],
    seed: int | None,
    run: str | None,
) -> None:
    config = RunConfig(
        model=RunRef(run) if run else "smollm2-135m-instruct",
        data=DataSettings(split=split, seed=seed),
        adapter=AdapterSettings(rank=rank, targets=targets),
        training=TrainingSettings(max_steps=steps, learning_rate=rate),
    )
    assert codec.decode(run_values.document(paths, values_of(paths, config))) == config


@pytest.mark.parametrize(
    ("written", "shares"),
    [
        ("85 / 10 / 5", [0.85, 0.1, 0.05]),
        ("0.8, 0.2", [0.8, 0.2]),
        ("80% 20%", [0.8, 0.2]),
        ("100", [1.0]),
    ],
)
def test_shares_can_be_written_in_several_ways(paths: tuple[str, ...], written: str, shares: list[float]) -> None:
    values = values_of(paths, RunConfig())
    values[run_values.FIRST + paths.index("data.split")] = written
    assert run_values.document(paths, values)["data"]["split"] == pytest.approx(shares)


def test_shares_that_are_no_numbers_are_an_error(paths: tuple[str, ...]) -> None:
    values = values_of(paths, RunConfig())
    values[run_values.FIRST + paths.index("data.split")] = "most of it"
    with pytest.raises(ConfigError, match=r"data\.split is written as shares.*'most of it'"):
        run_values.document(paths, values)


def test_what_everyone_may_train_on() -> None:
    assert run_sources.source_is_for_everyone("instructions")
    assert run_sources.source_is_for_everyone("upload:0123456789abcdef/rows.json")
    assert not run_sources.source_is_for_everyone("/etc/passwd")
    assert not run_sources.source_is_for_everyone("rows.json")
    assert not run_sources.source_is_for_everyone("someone/data")
