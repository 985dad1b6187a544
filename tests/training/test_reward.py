"""Reward models on small models: the loss, what is learnt, what is saved, and the same scores once it is loaded."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from playground.config import codec
from playground.config.codec import decode
from playground.config.run import RunConfig, RunRef
from playground.core.losses import reward_loss
from playground.errors import Cancelled, DataError, ModelError
from playground.export.card import scoring
from playground.models.heads import HEAD, with_head
from playground.models.lineage import lineage_of
from playground.models.loading import load
from playground.rewards.scoring import RewardModel, check_shared_tokens, load_reward_model, share_tokens
from playground.runs.events import Snapshot
from playground.runs.home import runs_folder
from playground.training.ground import Ground
from playground.training.methods.reward import WatchedRewardTrainer
from tests.small_models import FAMILIES
from tests.training.runs import Ran, execute, weights_of, without_dropout, write_rows
from tests.training.runs import make_config as tune
from tests.training.test_resume import Crash, History, crash_at

PAIRS = [
    {
        "instruction": f"Describe the {noun}.",
        "chosen": f"The {noun} goes to the {place}{mark}",
        "rejected": f"The {noun} was dull and far too long{mark}{mark}",
        "edge": len(place) / 4,
    }
    for noun in ("film", "capital", "user", "Paris")
    for place in ("park", "plot", "request")
    for mark in (".", "!")
]
"""24 pairs; 75 % of them are 18."""


def make_config(
    model: Path | str | dict[str, str], source: Path, *, adapter: Any = None, reward: Any = None, **training: Any
) -> RunConfig:
    quick = {"max_steps": 6, "batch_size": 4, "learning_rate": 1e-2, "eval_steps": 0}
    return decode(
        {
            "method": "reward",
            "model": model if isinstance(model, dict) else str(model),
            "data": {"source": str(source), "template": "instruction-response", "split": [0.75, 0.25]},
            "adapter": {"rank": 4, "alpha": 8, "dropout": 0.0} | (adapter or {}),
            "training": quick | training,
            "reward": reward or {},
        }
    )


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(PAIRS))
    return path


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The next run's model, its weights before the first step, and what each evaluation scored."""
    found: dict[str, Any] = {"scored": []}
    make, evaluate = Ground.trainable, WatchedRewardTrainer.evaluate

    def remember(*args: Any) -> Any:
        found["model"] = make(*args)
        found["before"] = weights_of(found["model"])
        return found["model"]

    def keep(trainer: Any, *args: Any, **kwargs: Any) -> Any:
        metrics = evaluate(trainer, *args, **kwargs)
        found["scored"].append([torch.cat(side) for side in zip(*trainer.scored, strict=True)])
        return metrics

    monkeypatch.setattr(Ground, "trainable", remember)
    monkeypatch.setattr(WatchedRewardTrainer, "evaluate", keep)
    return found


def run_in_home(config: RunConfig, run: str) -> Ran:
    """A run where runs are looked for."""
    folder = runs_folder() / run
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(codec.dumps(config))
    return execute(config, folder)


def load_it(run: str) -> RewardModel:
    return load_reward_model(run, report=lambda _: None, stop=threading.Event())


def text_of(pair: dict[str, Any], side: str, end: str) -> str:
    return f"### Instruction:\n{pair['instruction']}\n\n### Response:\n{pair[side]}{end}"


def by_hand(model: Any, tokenizer: Any, text: str) -> torch.Tensor:
    """The score of a text, without padding, batches or the playground: read before the end where that is padding."""
    ids = tokenizer(text)["input_ids"]
    last = max(place for place, token in enumerate(ids) if token != tokenizer.pad_token_id)
    hidden = model.base_model(torch.tensor([ids])).last_hidden_state
    score: torch.Tensor = model.score(hidden)[0, last, 0]
    return score


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_loss_is_that_of_bradley_and_terry(
    family: str, small_models: dict[str, Path], pairs: Path, tmp_path: Path
) -> None:
    folder = without_dropout(small_models[family], tmp_path / "model")
    # 18 pairs in one batch, so that the first point is of all of them.
    options = {"center_rewards_coefficient": 0.3, "margin_column": "edge"}
    config = make_config(folder, pairs, reward=options, batch_size=18, max_steps=1, seed=5)
    ran = execute(config, tmp_path / "run")

    loaded = load(str(folder), report=lambda _: None, stop=threading.Event())
    scorer, tokenizer = with_head(loaded.model, loaded.tokenizer, seed=5), loaded.tokenizer
    with torch.no_grad():
        sides = [
            torch.stack([by_hand(scorer, tokenizer, text_of(pair, side, tokenizer.eos_token)) for pair in PAIRS[:18]])
            for side in ("chosen", "rejected")
        ]
    margins = torch.tensor([float(str(pair["edge"])) for pair in PAIRS[:18]])
    wanted = reward_loss(*sides, margin=margins, centre=0.3)
    assert ran.values("loss")[0] == pytest.approx(wanted.total.item(), abs=1e-5)
    assert ran.values("margin")[0] == pytest.approx(wanted.margin.mean().item(), abs=1e-5)
    assert ran.values("accuracy")[0] == pytest.approx(wanted.accuracy.item(), abs=1e-6)
    assert ran.values("chosen_reward")[0] == pytest.approx(sides[0].mean().item(), abs=1e-5)
    assert ran.values("rejected_reward")[0] == pytest.approx(sides[1].mean().item(), abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["lora", "none"])
def test_a_saved_reward_model_gives_the_scores_of_the_end_of_training(
    family: str, kind: str, small_models: dict[str, Path], pairs: Path, held: dict[str, Any]
) -> None:
    config = make_config(small_models[family], pairs, adapter={"kind": kind}, eval_steps=3)
    ran = run_in_home(config, "reward")
    moved = {
        name for name, weight in weights_of(held["model"]).items() if not torch.equal(weight, held["before"][name])
    }
    if kind == "lora":
        # The adapter and the head's copy that is trained; the trunk and the head's first state stay.
        assert moved == {name for name in held["before"] if "lora_" in name or f"{HEAD}.modules_to_save" in name}
    else:
        assert any(HEAD in name for name in moved)
        assert any("embed" in name or "wte" in name for name in moved)
    reward = load_it("reward")
    chosen, rejected = held["scored"][-1]
    for side, scores in (("chosen", chosen), ("rejected", rejected)):
        prompts = [reward.rendered(str(pair["instruction"])) for pair in PAIRS[18:]]
        answers = [str(pair[side]) for pair in PAIRS[18:]]
        assert reward.score(prompts, answers, batch_size=4) == pytest.approx(scores.tolist(), abs=1e-5)
    assert [step for step, _ in ran.curve("eval_loss")] == [0, 3, 6]
    wanted = reward_loss(chosen, rejected)
    assert ran.values("eval_loss")[-1] == pytest.approx(wanted.total.item(), abs=1e-5)
    assert ran.values("eval_accuracy")[-1] == pytest.approx(wanted.accuracy.item())
    assert ran.values("eval_margin")[-1] == pytest.approx(wanted.margin.mean().item(), abs=1e-5)


def test_half_precision_is_the_same_when_loaded_and_trains_its_head_in_full(
    small_models: dict[str, Path], pairs: Path, held: dict[str, Any]
) -> None:
    run_in_home(make_config(small_models["llama"], pairs, eval_steps=3, precision="bfloat16"), "reward")
    formats = {name.split(".")[-3]: weight.dtype for name, weight in held["before"].items() if "score" in name}
    assert set(formats.values()) == {torch.float32}
    assert torch.bfloat16 in {weight.dtype for weight in held["before"].values()}
    reward = load_it("reward")
    prompts = [reward.rendered(str(pair["instruction"])) for pair in PAIRS[18:]]
    scores = reward.score(prompts, [str(pair["chosen"]) for pair in PAIRS[18:]], batch_size=4)
    # A batch of other rows rounds otherwise, to three digits.
    assert scores == pytest.approx(held["scored"][-1][0].tolist(), abs=0.02, rel=0.02)
    found = reward.running(prompts[0], "The user goes to the park.")
    alone = reward.score([prompts[0]], ["The user goes to the park."])[0]
    assert found.scores[-1] == pytest.approx(alone, abs=1e-4)


def test_a_reward_model_on_an_earlier_run_stands_on_its_merged_weights(
    small_models: dict[str, Path], pairs: Path, tmp_path: Path, held: dict[str, Any]
) -> None:
    tuned = tune(small_models["gpt2"], write_rows(tmp_path), max_steps=2, learning_rate=0.1)
    run_in_home(tuned, "tuned")
    run_in_home(make_config({"run": "tuned"}, pairs, eval_steps=6), "reward")
    reward = load_it("reward")
    prompts = [reward.rendered(str(pair["instruction"])) for pair in PAIRS[18:]]
    scores = reward.score(prompts, [str(pair["chosen"]) for pair in PAIRS[18:]])
    assert scores == pytest.approx(held["scored"][-1][0].tolist(), abs=1e-4)
    layer = "transformer.h.0.attn.c_attn"
    untuned = AutoModelForCausalLM.from_pretrained(small_models["gpt2"]).get_parameter(f"{layer}.weight")
    assert not torch.equal(reward.scorer.get_parameter(f"{layer}.base_layer.weight"), untuned)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, small_models: dict[str, Path]) -> Ran:
    """A finished reward run on each kind's first family, in a home of its own."""
    folder = tmp_path_factory.mktemp("trained")
    path = folder / "pairs.json"
    path.write_text(json.dumps(PAIRS))
    config = make_config(small_models["llama"], path, eval_steps=3, max_steps=30)
    (folder / "home" / "runs" / "reward").mkdir(parents=True)
    (folder / "home" / "runs" / "reward" / "config.json").write_text(codec.dumps(config))
    return execute(config, folder / "home" / "runs" / "reward")


@pytest.fixture
def home(trained: Ran, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """The module's run as one of this home."""
    monkeypatch.setenv("PLAYGROUND_HOME", str(trained.folder.parents[1]))
    return trained


def test_scores_depend_on_nothing_beside_them(home: Ran) -> None:
    reward = load_it("reward")
    prompts = [reward.rendered(str(pair["instruction"])) for pair in PAIRS]
    answers = ["The film " * length + "goes." for length in range(len(PAIRS))]
    alone = [reward.score([prompt], [answer])[0] for prompt, answer in zip(prompts, answers, strict=True)]
    assert reward.score(prompts, answers, batch_size=24) == pytest.approx(alone, abs=1e-5)
    assert len({round(score, 3) for score in alone}) > 3
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        reward.score(prompts, answers, stop=stop)


def test_it_has_learnt_and_says_how_it_ranks(home: Ran) -> None:
    assert home.values("eval_accuracy")[-1] == 1.0
    scores = home.snapshots("reward.scores")
    assert [event.step for event in scores] == [*range(0, 31, 3)]
    last = scores[-1].data
    assert (last["pairs"], last["right"]) == (6, 6)
    assert sum(count for _, _, count in last["bins"]) == 6
    margins = [one - other for one, other in zip(last["chosen"], last["rejected"], strict=True)]
    assert home.values("eval_margin")[-1] == pytest.approx(sum(margins) / 6, abs=1e-3)
    worst = next(event.data["pairs"] for event in reversed(home.events) if isinstance(event, Snapshot))
    gaps = [pair["scores"][0] - pair["scores"][1] for pair in worst]
    assert gaps == sorted(gaps)
    assert gaps[0] == pytest.approx(min(margins), abs=1e-3)
    assert worst[0]["chosen"] == PAIRS[worst[0]["row"]]["chosen"]


@pytest.mark.parametrize("answer", ["The user goes to the park.", "", "Ünïcode 한국어 🎬!", "long " * 300])
def test_the_running_score_ends_in_the_score(home: Ran, answer: str) -> None:
    reward = load_it("reward")
    prompt = reward.rendered("Describe the film.")
    found = reward.running(prompt, answer)
    assert found.scores[-1] == pytest.approx(reward.score([prompt], [answer])[0], abs=1e-5)
    assert len(found.tokens) == len(found.scores)
    assert found.cut == (answer.startswith("long "))
    if not found.cut:
        assert "".join(found.tokens[found.answer :]).strip() == answer.strip()
        assert "".join(found.tokens).endswith(prompt + answer)


def test_what_the_card_says_gives_the_same_score(home: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    reward = load_it("reward")
    prompt = reward.rendered("What is the capital?")
    exec(scoring(str(home.folder / "adapter"), str(reward.config.model), prompt=prompt), {})  # noqa: S102, it is ours
    assert float(capsys.readouterr().out.split()[-1]) == pytest.approx(reward.score([prompt], ["Paris."])[0], abs=1e-4)


def test_a_reward_model_writes_nothing_and_a_writer_scores_nothing(
    home: Ran, small_models: dict[str, Path], pairs: Path
) -> None:
    with pytest.raises(ModelError, match="is a reward model: it gives scores and writes no text"):
        lineage_of(RunRef("reward"))
    with pytest.raises(ModelError, match="writes no text"):
        execute(make_config({"run": "reward"}, pairs), home.folder.parent / "next")
    other = home.folder.parent / "sft"
    other.mkdir(exist_ok=True)
    (other / "config.json").write_text(codec.dumps(decode({"method": "sft", "name": "Talks"})))
    with pytest.raises(ModelError, match="Talks was trained with sft and gives no scores"):
        load_it("sft")


def test_ids_are_shared_only_by_the_same_tokenizer(home: Ran, small_models: dict[str, Path]) -> None:
    reward = load_it("reward")
    same, other = (AutoTokenizer.from_pretrained(small_models[family]) for family in ("llama", "gpt2"))
    assert share_tokens(reward.tokenizer, same)
    with pytest.raises(ModelError, match="made for another tokenizer than that of GPT"):
        check_shared_tokens(reward, other, "GPT")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_head_sits_on_the_same_trunk_and_comes_from_the_seed(family: str, small_models: dict[str, Path]) -> None:
    causal = AutoModelForCausalLM.from_pretrained(small_models[family])
    tokenizer = AutoTokenizer.from_pretrained(small_models[family])
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    one, again, other = (with_head(causal, tokenizer, seed) for seed in (1, 1, 2))
    heads = [made.get_parameter("score.weight") for made in (one, again, other)]
    assert one.base_model is causal.base_model
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    # transformers' own way to such a model gives the same scores on the same trunk and head.
    theirs = AutoModelForSequenceClassification.from_pretrained(
        small_models[family], num_labels=1, pad_token_id=tokenizer.pad_token_id
    )
    theirs.score = one.score
    ids = torch.tensor([tokenizer("The plot was dull.")["input_ids"]] * 2)
    with torch.no_grad():
        assert torch.equal(one.train(False)(ids).logits, theirs.train(False)(ids).logits)


@pytest.mark.parametrize("targets", [["lm_head"], ["score"], ["query"]])
def test_targets_are_looked_for_in_the_trunk(
    targets: list[str], small_models: dict[str, Path], pairs: Path, tmp_path: Path
) -> None:
    config = make_config(small_models["llama"], pairs, adapter={"targets": targets})
    with pytest.raises(ModelError, match=f"The model has no module {targets[0]}; .*q_proj"):
        execute(config, tmp_path / "run")


def test_data_is_refused_before_the_model_is_loaded(tmp_path: Path, pairs: Path) -> None:
    def run(source: Path, **reward: Any) -> None:
        execute(make_config("/nowhere", source, reward=reward), tmp_path / "run")

    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps([{"instruction": "Say it.", "output": "It."}] * 4))
    with pytest.raises(DataError, match=r"reward needs chosen and rejected answers .* instruction and output"):
        run(plain)
    with pytest.raises(DataError, match=r"margin_column names 'gap', which is no column of .*edge"):
        run(pairs, margin_column="gap")
    with pytest.raises(DataError, match="margin of row 0 must be a number; chosen holds 'The film"):
        run(pairs, margin_column="chosen")
    same = tmp_path / "same.json"
    same.write_text(json.dumps([{"prompt": "A?", "chosen": "B.", "rejected": "B."}, {"prompt": "A?", "chosen": "B."}]))
    with pytest.raises(DataError, match="None of the 2 rows"):
        run(same)


@pytest.mark.parametrize("kind", ["lora", "none"])
def test_a_run_that_crashed_goes_on_to_the_last_bit(
    kind: str, small_models: dict[str, Path], pairs: Path, tmp_path: Path
) -> None:
    adapter = {"kind": kind, "dropout": 0.2}
    busy = {"gradient_accumulation": 2, "batch_size": 3, "eval_steps": 2, "max_steps": 8, "schedule": "cosine"}
    config = make_config(small_models["gpt2"], pairs, adapter=adapter, save_steps=3, **busy)
    whole, broken = History(tmp_path / "whole"), History(tmp_path / "broken")
    whole.attempt(config, 1)
    with pytest.raises(Crash):
        broken.attempt(config, 1, crash_at(5))
    broken.attempt(config, 2)
    names = ("loss", "accuracy", "margin", "chosen_reward", "eval_loss", "eval_margin", "eval_rejected_reward")
    for name in (*names, "grad_norm", "num_tokens"):
        assert broken.curve(name) == whole.curve(name), name
    ours, theirs = broken.weights(), whole.weights()
    assert any("score" in name for name in ours)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_swapping_the_sides_flips_the_margin(small_models: dict[str, Path], pairs: Path, tmp_path: Path) -> None:
    swapped = tmp_path / "swapped.json"
    swapped.write_text(json.dumps([pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]} for pair in PAIRS]))
    folder = without_dropout(small_models["opt"], tmp_path / "model")
    one, other = (
        execute(make_config(folder, source, max_steps=1, batch_size=18), tmp_path / source.stem).values("margin")[0]
        for source in (pairs, swapped)
    )
    assert other == pytest.approx(-one, abs=1e-6)
    assert abs(one) > 1e-5
