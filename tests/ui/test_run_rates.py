"""Learning rates: tried on one model, they do not go along to another one unseen."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from playground.config import codec
from playground.config.presets import ready
from playground.config.run import RunConfig, RunRef
from playground.ui import run_rates, run_values
from playground.ui.services import Services
from playground.ui.tabs import train
from tests.ui.people import request

REAL = "smollm2-135m-instruct"
PATHS = ("training.learning_rate", "training.max_steps", "adapter.kind", "adapter.rank", "data.template")
ANN, HERE = {"key": "the secret key of ann"}, request("127.0.0.1")


def at_rate(config: RunConfig, rate: float, **changes: Any) -> RunConfig:
    return replace(config, training=replace(config.training, learning_rate=rate), **changes)


def form(config: RunConfig) -> Sequence[Any]:
    return run_values.form_values(PATHS, config)


@pytest.mark.parametrize(
    ("name", "model", "rate", "expected"),
    [
        ("tiny-sft", REAL, 0.005, 5e-4),  # a ready run of that model
        ("sft-instructions", "tiny", 5e-4, 0.005),
        ("tiny-dpo", "gpt2", 0.005, 2e-4),  # the method's preset
        ("tiny-sft", "tiny", 0.005, None),
        ("sft-instructions", REAL, 1e-3, None),  # the rate of another of its runs
        ("tiny-sft", REAL, 0.0042, None),  # typed by a person
        ("tiny-kto", "gpt2", 1e-3, None),  # nothing was tried
    ],
)
def test_a_rate_goes_with_the_model_it_was_tried_on(name: str, model: str, rate: float, expected: float | None) -> None:
    config = at_rate(ready(name), rate, model=model)
    assert run_rates.fitting(config, model) == expected


def test_a_soft_prompt_has_rates_of_its_own() -> None:
    config = replace(ready("tiny-prompt-tuning"), model=REAL)
    assert run_rates.fitting(config, REAL) == 0.03


def test_a_rate_far_above_what_was_tried_is_told(own_home: Path) -> None:
    services = Services()
    config = at_rate(ready("sft-instructions"), 0.0041)
    told = train.describe(services, PATHS, HERE, ANN, *form(config))
    assert told["rate"] == {"rate": 0.0041, "usual": 0.001, "times": 4}
    fine = at_rate(config, 0.004)
    assert train.describe(services, PATHS, HERE, ANN, *form(fine))["rate"] is None
    services.close()


def test_a_run_on_a_run_takes_the_rate_of_the_model_below(own_home: Path) -> None:
    services = Services()
    below = services.store.create(
        "run", codec.encode(ready("sft-instructions")), method="sft", model=REAL, name="", owner=""
    )
    config = replace(ready("tiny-dpo"), model=RunRef(below))
    assert run_rates.root_of(services.store, config.model) == REAL
    assert train.fit_rate(services, PATHS, *form(config)) == 5e-4
    assert train.fit_rate(services, PATHS, *form(at_rate(config, 0.0033))) == gr.skip()
    gone = replace(config, model=RunRef("sft-gone99"))
    assert run_rates.root_of(services.store, gone.model) == ""
    services.close()


def test_another_method_on_the_same_model_takes_that_models_rate(own_home: Path) -> None:
    services = Services()
    # Not a ready run as it is, so that the method's ready run does not take the whole form.
    config = at_rate(ready("tiny-dpo"), 0.005, model=REAL, name="mine")
    method, *rest = form(config)
    shown_now = train.change_method(services, PATHS, "ppo", *rest)
    assert method == "dpo"
    assert shown_now[run_values.FIRST] == 3e-4
    services.close()
