"""Where PPO leads: to the closed-form optimum of a problem of one token, and the bundled model to friendly reviews."""

import threading
from pathlib import Path
from typing import Any

import pytest

from playground.config import codec, presets
from playground.config.generation import GenerationSettings
from playground.config.run import RunConfig
from playground.data.splits import prepare
from playground.models.adapters import merge_adapter
from playground.models.generation import generate
from playground.models.loading import LoadedModel, load
from scripts.tiny.grammar import is_positive
from tests.training.ppo_runs import ppo_config
from tests.training.runs import Ran, execute, write_rows


def one_token(
    source: Path, beta: float, steps: int, *, model: str = "tiny", learning_rate: float = 3e-3, **ppo: Any
) -> RunConfig:
    """The model chooses the next word of a review, and friendly words are paid for."""
    return ppo_config(
        model, source, data={"split": [1.0, 0.0]}, max_steps=steps, batch_size=64, learning_rate=learning_rate,
        adapter={"rank": 8, "alpha": 16},
        ppo={
            "reward": {"kind": "sentiment"}, "rollouts": 64, "max_new_tokens": 1, "beta": beta, "update_epochs": 2,
            "whiten_advantages": False, **ppo,
        },
    )  # fmt: skip


def distances(ran: Ran) -> list[float]:
    """Total variation from π*, before the first step and after each."""
    return [told.data["distance"] for told in ran.snapshots("ppo.action")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_rows(tmp_path, [{"prompt": "and it was"}])


def test_a_policy_of_one_token_goes_towards_the_optimum(source: Path, tmp_path: Path) -> None:
    ran = execute(one_token(source, 0.5, 8), tmp_path / "run")
    found = distances(ran)
    assert len(found) == 9
    assert found[0] > 0.3
    assert found[-1] < 0.15
    action = ran.snapshots("ppo.action")[0].data
    assert action["compared"] == 1536
    assert action["mass"] == pytest.approx(1, abs=1e-5)
    assert action["policy"] == pytest.approx(action["reference"], abs=1e-5)


@pytest.mark.soak
@pytest.mark.parametrize("beta", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("ppo", [{}, {"kl": "k2_loss", "update_epochs": 1, "whiten_advantages": True}])
def test_it_arrives_for_every_price(beta: float, ppo: dict[str, Any], source: Path, tmp_path: Path) -> None:
    found = distances(execute(one_token(source, beta, 60, **ppo), tmp_path / "run"))
    assert found[-1] < 0.05 < found[0]


@pytest.mark.soak
def test_with_time_it_arrives_to_two_hundredths(source: Path, tmp_path: Path) -> None:
    found = distances(execute(one_token(source, 0.5, 120), tmp_path / "run"))
    assert found[-1] < 0.02


@pytest.mark.soak
@pytest.mark.usefixtures("real_home")
def test_the_real_model_goes_towards_the_optimum(tmp_path: Path) -> None:
    source = write_rows(tmp_path, [{"prompt": "I watched the film last night and it was"}])
    config = one_token(source, 0.3, 8, model="smollm2-135m-instruct", learning_rate=1e-3)
    found = distances(execute(config, tmp_path / "run"))
    assert found[-1] < 0.2
    assert found[0] > 0.35


def positive_share(loaded: LoadedModel, prompts: list[str]) -> float:
    """Of five reviews from each opening, how many the grammar that taught the model calls good."""
    asked = [prompt for prompt in prompts for _ in range(5)]
    ids = [list(loaded.tokenizer(prompt)["input_ids"]) for prompt in asked]
    settings = GenerationSettings(strategy="sampling", max_new_tokens=60, seed=5)
    found = generate(loaded.model, loaded.tokenizer, ids, settings, batch_size=len(ids))
    return sum(is_positive(prompt + answer.text) is True for prompt, answer in zip(asked, found, strict=True)) / len(
        ids
    )


@pytest.mark.soak
def test_the_bundled_model_learns_to_write_friendly_reviews(tmp_path: Path) -> None:
    config = codec.decode(presets.read("tiny-ppo"))
    loaded = load("tiny", dtype="float32", device="cpu", report=lambda _: None, stop=threading.Event())
    prompts = [record.fields["prompt"] for record in prepare(config.data).test]
    assert 0.35 < positive_share(loaded, prompts) < 0.65
    ran = execute(config, tmp_path)
    merge_adapter(loaded.model, tmp_path / "adapter")
    assert positive_share(loaded, prompts) >= 0.9
    # To turn a coin into a certainty costs ln 2 = 0.69 nats; what is far above has changed more than the mood.
    assert ran.values("objective/kl")[-1] < 2
