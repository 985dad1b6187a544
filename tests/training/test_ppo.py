"""Whole PPO runs on small models: what moves and what must not, and what is told."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from playground.config import codec, presets
from playground.config.methods.ppo import PPOSettings
from playground.config.rewards import PatternReward
from playground.config.run import RunConfig, TrainingSettings
from playground.runs import checkpoints
from playground.runs.events import Snapshot
from playground.training.methods.ppo import snapshots as ppo_snapshots
from playground.training.methods.ppo import trainer
from playground.training.methods.ppo.actor import Actor
from tests.rewards import test_classifier
from tests.training.ppo_runs import learner_of, moved_actor, ppo_config
from tests.training.runs import Ran, execute, weights_of, write_rows

LARGEST = 16_000

classifier = test_classifier.classifier


class Witness:
    """Keeps the actor of a run, and every weight of it as it was before the first step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.actor: Actor | None = None
        self.before: dict[str, torch.Tensor] = {}
        witness = self

        class Watched(Actor):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                witness.actor = self
                witness.before = weights_of(self.model) | {
                    f"value_head.{name}": weight for name, weight in weights_of(self.value_head).items()
                }

        monkeypatch.setattr(trainer, "Actor", Watched)


@pytest.fixture(scope="module")
def config(small_models: dict[str, Path], prompts: Path) -> RunConfig:
    """With everything turned on."""
    ppo = {
        "reward": {
            "kind": "sum",
            "terms": [
                {"weight": 2.0, "reward": {"kind": "length", "unit": "characters", "shape": "slope", "slope": 0.1}},
                {"weight": -1.0, "reward": {"kind": "pattern", "pattern": "e", "counts": "times"}},
            ],
        },
        "beta_target": 0.5, "beta_horizon": 100, "missing_eos_penalty": 1.5, "entropy_coefficient": 0.01,
        "prompt_min_tokens": 2, "prompt_max_tokens": 4,
    }  # fmt: skip
    return ppo_config(
        small_models["llama"], prompts, ppo=ppo, max_steps=4, eval_steps=2, sample_steps=2, sample_tokens=4,
        gradient_accumulation=2, batch_size=2, save_steps=2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def ran(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of it."""
    return execute(config, tmp_path_factory.mktemp("ran"))


def test_everything_trained_moves_and_nothing_frozen_does(
    small_models: dict[str, Path], prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(monkeypatch)
    execute(ppo_config(small_models["llama"], prompts), tmp_path)
    actor = witness.actor
    assert actor is not None
    trained = actor.trained()
    after = weights_of(actor.model) | {
        f"value_head.{name}": weight for name, weight in actor.value_head.named_parameters()
    }
    for name, weight in witness.before.items():
        assert torch.equal(after[name], weight) != (name in trained), name
    saved = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert len(saved) == sum("lora_" in name for name in trained)
    assert isinstance(actor.model, PeftModel)


@pytest.mark.parametrize("family", ["gpt2", "opt"])
def test_every_weight_can_be_trained_beside_a_copy_that_stays(
    family: str, small_models: dict[str, Path], prompts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(monkeypatch)
    config = ppo_config(small_models[family], prompts, adapter={"kind": "none", "targets": None}, learning_rate=1e-3)
    ran = execute(config, tmp_path)
    actor = witness.actor
    assert actor is not None
    after = weights_of(actor.model)
    moved = [name for name, weight in weights_of(actor.model).items() if not torch.equal(weight, witness.before[name])]
    # Positions that no text reaches are the only ones without a gradient.
    assert set(after) - set(moved) <= {name for name in after if "bias" in name or "embed" in name or "wpe" in name}
    with actor.reference() as reference:
        kept = weights_of(reference.model)
    assert all(torch.equal(weight, witness.before[name]) for name, weight in kept.items())
    assert ran.values("objective/kl")[0] == pytest.approx(0, abs=1e-5)
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_the_courses_run_learns_from_a_classifier(
    small_models: dict[str, Path], classifier: Path, prompts: Path, tmp_path: Path
) -> None:
    """As it stands, but for what has to be downloaded and the hours it takes."""
    smaller = [
        f"model={small_models['gpt2']}", f"data.source={prompts}", f"ppo.reward.model={classifier}",
        "training.max_steps=2", "training.batch_size=3", "training.eval_steps=0", "training.sample_steps=0",
        "ppo.rollouts=6", "training.learning_rate=1e-3",
    ]  # fmt: skip
    ran = execute(codec.decode(codec.with_overrides(presets.read("ppo-imdb"), smaller)), tmp_path)
    assert len(set(ran.values("objective/scores"))) == 2
    assert ran.values("beta")[0] == 0.2
    assert ran.values("kl_target") == [6, 6]
    assert ran.values("objective/kl")[0] == pytest.approx(0, abs=1e-5)
    assert ran.values("objective/kl")[1] != 0


def test_it_starts_at_the_reference_with_every_ratio_at_one(ran: Ran) -> None:
    assert abs(ran.values("objective/kl")[0]) <= 1e-5
    assert ran.values("objective/kl")[-1] != 0
    assert ran.values("beta")[0] == 0.05
    # Six answers against a horizon of 100: at a divergence of 0 the most that β may fall by.
    assert ran.values("beta")[1] == pytest.approx(0.05 * (1 - 0.2 * 6 / 100))


def test_every_update_is_told_by_the_names_that_people_know(ran: Ran) -> None:
    for name in (
        "loss", "objective/kl", "objective/scores", "objective/rlhf_reward", "objective/non_score_reward",
        "objective/entropy", "policy/approxkl_avg", "policy/clipfrac_avg", "policy/entropy_avg", "loss/policy_avg",
        "loss/value_avg", "val/ratio", "val/ratio_var", "val/clipfrac_avg", "val/var_explained", "val/num_eos_tokens",
        "length", "ended", "reward/length", "reward/pattern", "time/rollout", "time/score", "time/update",
        "learning_rate", "grad_norm", "beta", "kl_target", "tokens_per_second", "eta_seconds", "memory_gb",
        "num_tokens",
    ):  # fmt: skip
        assert [step for step, _ in ran.curve(name)] == [1, 2, 3, 4], name
    assert [step for step, _ in ran.curve("eval_objective/scores")] == [0, 2, 4]
    assert [step for step, _ in ran.curve("eval_objective/positive")] == [0, 2, 4]
    assert all(0 <= share <= 1 for share in ran.values("eval_objective/positive"))
    assert ran.outcome.steps == 4
    assert ran.values("learning_rate") == pytest.approx([1e-2, 0.75e-2, 0.5e-2, 0.25e-2])
    assert {sample.step for sample in ran.samples()} == {0, 2, 4}


def test_the_score_is_the_weighted_sum_less_the_penalty_of_those_that_did_not_end(ran: Ran) -> None:
    for at in range(4):
        value = {name: ran.values(name)[at] for name in (
            "objective/scores", "objective/raw_scores", "reward/length", "reward/pattern", "ended", "objective/kl",
            "objective/rlhf_reward", "objective/non_score_reward", "beta",
        )}  # fmt: skip
        raw = 2 * value["reward/length"] - value["reward/pattern"]
        assert value["objective/raw_scores"] == pytest.approx(raw, abs=1e-5)
        assert value["objective/scores"] == pytest.approx(raw - 1.5 * (1 - value["ended"]), abs=1e-5)
        assert value["objective/non_score_reward"] == pytest.approx(-value["beta"] * value["objective/kl"], abs=1e-6)
        assert value["objective/rlhf_reward"] == pytest.approx(
            value["objective/scores"] + value["objective/non_score_reward"], abs=1e-5
        )


def test_what_the_figures_need_is_there_small_and_adds_up(ran: Ran) -> None:
    for event in ran.events:
        if isinstance(event, Snapshot):
            assert len(json.dumps(dict(event.data), allow_nan=False)) < LARGEST
    tables, clips = ran.snapshots("ppo.rollouts"), ran.snapshots("ppo.clip")
    assert [event.step for event in tables] == [event.step for event in clips] == [1, 2, 3, 4]
    for table, scores in zip(tables, ran.values("objective/scores"), strict=True):
        rows = table.data["rows"]
        assert len(rows) == 6
        assert sum(row["score"] for row in rows) / 6 == pytest.approx(scores, abs=1e-3)
        assert rows[0]["score"] == max(row["score"] for row in rows)
        for row in rows:
            assert len(row["tokens"]) == len(row["advantage"]) == len(row["log_ratio"]) == len(row["value"])
            # Rewards of tokens are the price of the divergence, and on the last one the score.
            total = row["score"] - table.data["beta"] * row["kl"]
            assert sum(row["token_reward"]) == pytest.approx(total, rel=2e-3, abs=2e-3)
    dots, histogram = clips[-1].data["dots"], clips[-1].data["histogram"]
    assert len(dots["ratio"]) == len(dots["token"]) == sum(histogram["counts"])
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1
    assert len(clips[-1].data["epoch_kl"]) == 4
    assert clips[-1].data["minibatches"] == 8


def test_what_the_first_prompts_have_to_offer_is_told_once_prompt_by_prompt(
    ran: Ran, config: RunConfig, tmp_path: Path
) -> None:
    def looked(answers: int) -> Ran:
        document = codec.with_overrides(codec.encode(config), [f"ppo.reference_answers={answers}"])
        return execute(codec.decode(document), tmp_path / str(answers))

    runs = {answers: looked(answers) for answers in (100, 17, 0)}
    assert not runs[0].snapshots("ppo.reference")
    # The first update's prompts, cut to lengths of their own, without those that are the same: there are three.
    for answers, sizes in ((100, [33] * 3), (17, [8, 8])):
        (told,) = runs[answers].snapshots("ppo.reference")
        assert told.step == 0
        assert [len(group) for group in told.data["scores"]] == sizes
        assert all(len(set(group)) > 1 for group in told.data["scores"])
    # Looking changes nothing in how the run goes.
    for name in ("objective/scores", "objective/kl", "loss"):
        assert all(one.values(name) == ran.values(name) for one in runs.values())


def test_of_a_long_answer_the_beginning_and_the_scored_end_are_shown(
    ran: Ran, config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ppo_snapshots, "SHOWN_TOKENS", 6 * 5)
    cut = execute(config, tmp_path)
    whole = [row for table in ran.snapshots("ppo.rollouts") for row in table.data["rows"]]
    short = [row for table in cut.snapshots("ppo.rollouts") for row in table.data["rows"]]
    assert {row["tokens_left_out"] for row in whole} == {0}
    assert {row["tokens_left_out"] for row in short} == {3}
    for one, other in zip(whole, short, strict=True):
        left_out, end = other["tokens_left_out"], other["tokens_at_end"]
        assert end == bool(left_out)
        for name in ("tokens", "advantage", "log_ratio", "value", "token_reward", "returns"):
            assert other[name] == (one[name][:4] + one[name][-1:] if left_out else one[name])
            assert len(other[name]) == len(one[name]) - left_out


def test_checkpoints_are_whole(ran: Ran) -> None:
    assert [found.step for found in checkpoints.sealed(ran.folder)] == [4, 2]
    assert all(checkpoints.is_whole(found) for found in checkpoints.sealed(ran.folder))


def test_no_reward_moves_nothing(small_models: dict[str, Path], prompts: Path, tmp_path: Path) -> None:
    nothing = {"kind": "pattern", "pattern": "never to be found, as it is too long"}
    ran = execute(ppo_config(small_models["llama"], prompts, ppo={"reward": nothing}), tmp_path)
    assert max(map(abs, ran.values("objective/kl"))) < 1e-3


@pytest.mark.parametrize("kl", ["k1_reward", "k2_loss"])
def test_a_high_price_holds_the_policy_at_the_reference(
    kl: str, small_models: dict[str, Path], prompts: Path, tmp_path: Path
) -> None:
    def gone(beta: float) -> float:
        ppo = {"kl": kl, "beta": beta, "rollouts": 48, "rollout_batch": 48, "update_epochs": 1}
        config = ppo_config(small_models["llama"], prompts, ppo=ppo, batch_size=24, max_steps=15, learning_rate=3e-3)
        return execute(config, tmp_path / f"{beta}").values("objective/kl")[-1]

    free, held = gone(0.0), gone(10.0)
    assert free > 0.2
    assert abs(held) < 0.4 * free


def test_the_price_of_divergence_pulls_a_policy_back(small_models: dict[str, Path], tmp_path: Path) -> None:
    def way_back(kl: Any) -> list[float]:
        actor, found = moved_actor(small_models["llama"], far=0.03)
        settings = PPOSettings(
            reward=PatternReward(pattern="never to be found"), kl=kl, beta=1.0, max_new_tokens=1, rollouts=512,
            rollout_batch=512, whiten_advantages=False, value_coefficient=0.0, update_epochs=1,
        )  # fmt: skip
        training = TrainingSettings(batch_size=512, learning_rate=2e-3)
        learner = learner_of(actor, found, settings, training, tmp_path)
        prompt = [found.tokenizer("The film")["input_ids"]] * settings.rollouts
        steps = [learner.step(number, prompt, interrupt=_nothing, alive=_nothing) for number in range(1, 7)]
        return [float(step.experience.readings.log_ratio.square().mean()) for step in steps]

    in_reward, in_loss, nearly = way_back("k1_reward"), way_back("k2_loss"), way_back("k3_loss")
    assert in_reward[0] > 0.5
    assert in_reward[-1] < 0.5 * in_reward[0]
    assert nearly[-1] < 0.5 * nearly[0]
    # While the policy is the one that drew, k1 in the reward and k2 in the loss have the very same gradient.
    assert in_loss == pytest.approx(in_reward, rel=1e-2)


def test_no_gradients_lie_between_one_update_and_the_next(small_models: dict[str, Path], tmp_path: Path) -> None:
    """They would hold apart the memory that the next rollout needs."""
    actor, found = moved_actor(small_models["llama"])
    settings = PPOSettings(reward=PatternReward(pattern="film"), max_new_tokens=4, rollouts=2, update_epochs=2)
    learner = learner_of(actor, found, settings, TrainingSettings(batch_size=1, learning_rate=1e-2), tmp_path)
    prompts = [found.tokenizer("The film")["input_ids"]] * 2
    before = weights_of(actor.model)
    step = learner.step(1, prompts, interrupt=_nothing, alive=_nothing)
    assert len(step.updated.minibatches) == 4
    assert any(not weight.equal(before[name]) for name, weight in weights_of(actor.model).items())
    assert all(weight.grad is None for weight in actor.trained().values())


def test_the_value_function_learns_what_is_to_come(tmp_path: Path) -> None:
    """A model that knows about films, held near its reference; where a review goes on, its beginning tells how."""
    reviews = [
        {"prompt": f"{who} has made {film}, and it was {how}. The"}
        for who in ("Britta", "Bruno", "Anna")
        for film in ("The Long Tide", "The Wandering Bear")
        for how in ("charming", "dull", "a gift", "a bore")
    ]
    ppo = {"rollouts": 32, "beta": 1.0, "reward": {"kind": "sentiment"}}
    source = write_rows(tmp_path, reviews)
    ran = execute(
        ppo_config("tiny", source, ppo=ppo, batch_size=16, max_steps=10, learning_rate=1e-3), tmp_path / "run"
    )
    explained = ran.values("val/var_explained")
    assert explained[0] == pytest.approx(0, abs=1e-3)
    assert sum(explained[-4:]) / 4 > 0.2


def _nothing() -> None:
    """Nobody interrupts."""
