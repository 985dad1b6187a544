"""Prompt tuning and p-tuning: what learns, what it learns from, and that a run goes on where it was cut off."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.config.run import AdapterSettings
from playground.errors import ConfigError
from playground.models.memory import adapter_weights
from playground.models.soft_prompts import attach_prompt, prompt_of
from playground.runs.events import Snapshot
from playground.training.prompt_watch import nearest
from tests.training.runs import ROWS, execute, make_config, weights_of, without_dropout
from tests.training.test_resume import History, same, stop_at
from tests.training.test_sft import ids_of

PROMPT = {"kind": "prompt_tuning", "num_virtual_tokens": 5, "prompt_tuning_init_text": "Write a response that"}
P_TUNING = {"kind": "p_tuning", "num_virtual_tokens": 5, "encoder_hidden_size": 16}
LSTM = P_TUNING | {"encoder": "lstm"}
KINDS = pytest.mark.parametrize("adapter", [PROMPT, P_TUNING, LSTM], ids=["prompt", "mlp", "lstm"])


@KINDS
def test_the_prompt_learns_and_nothing_else(
    adapter: dict[str, Any], small_models: dict[str, Path], rows: Path, tmp_path: Path, trained: dict[str, Any]
) -> None:
    ran = execute(
        make_config(small_models["llama"], rows, adapter=adapter, learning_rate=0.05, sample_steps=5, sample_tokens=4),
        tmp_path / "run",
    )
    after = weights_of(trained["model"])
    moved = {name for name in after if not torch.equal(after[name], trained["before"][name])}
    assert moved == {name for name in after if name.startswith("prompt_encoder")}
    learnt = sum(after[name].numel() for name in moved)
    assert adapter_weights(small_models["llama"], AdapterSettings(**adapter)) == learnt
    assert f"{learnt:,} of " in ran.logs()
    assert ran.values("loss")[-1] < ran.values("loss")[0]
    saved = load_file(tmp_path / "run" / "adapter" / "adapter_model.safetensors")
    assert saved.keys() == {"prompt_embeddings"}, "what the network wrote is kept, not the network"
    assert torch.allclose(saved["prompt_embeddings"], prompt_of(trained["model"]), atol=1e-6)
    assert len(ran.samples()) == 9
    looks = [event for event in ran.events if isinstance(event, Snapshot)]
    assert [look.step for look in looks] == [0, 5, 10]
    assert all(len(look.data["tokens"]) == len(look.data["norms"]) == 5 for look in looks)
    if adapter is PROMPT:
        assert [near[0] for near in looks[0].data["cosines"]] == [1.0] * 5, "it starts as words of the vocabulary"
    assert looks[-1].data["cosines"] != looks[0].data["cosines"]


@pytest.mark.parametrize("family", ["llama", "opt"])
def test_the_first_loss_is_that_of_a_plain_loop(
    family: str, small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    """The virtual tokens are read and never predicted; a batch of rows of different lengths, padded on the right."""
    folder = without_dropout(small_models[family], tmp_path / "model")
    ran = execute(
        make_config(folder, rows, data={"split": [1.0, 0.0]}, adapter=PROMPT, batch_size=24), tmp_path / "run"
    )
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    text = tokenizer("Write a response that", add_special_tokens=False)["input_ids"]
    lead = (text * 5)[:5]
    total, count = 0.0, 0
    for row in ROWS:
        prompt_ids, answer = ids_of(row, tokenizer)
        first = len(lead) + len(prompt_ids)
        with torch.no_grad():
            # Words as a soft prompt are the words themselves.
            logits = model(torch.tensor([lead + prompt_ids + answer])).logits[0]
        total += functional.cross_entropy(logits[first - 1 : -1], torch.tensor(answer), reduction="sum").item()
        count += len(answer)
    assert ran.values("loss")[0] == pytest.approx(total / count, rel=1e-4)


@pytest.mark.parametrize("adapter", [PROMPT, P_TUNING], ids=["prompt", "mlp"])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    adapter: dict[str, Any], small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    config = make_config(
        small_models["gpt2"], rows, adapter=adapter, max_steps=6, batch_size=2, eval_steps=2, sample_steps=3
    )
    whole, resumed = History(tmp_path / "whole"), History(tmp_path / "resumed")
    whole.attempt(config, 1)
    resumed.attempt(config, 1, stop_at(3))
    assert resumed.outcome.stopped
    resumed.attempt(config, 2)
    same(whole, resumed)


def test_nearest_tokens_are_those_of_the_largest_cosine() -> None:
    words = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    cosines, ids = nearest(torch.tensor([[0.0, 5.0], [2.0, 0.0]]), words, 2)
    assert ids.tolist() == [[1, 2], [0, 2]]
    assert torch.allclose(cosines, torch.tensor([[1.0, 0.8], [1.0, 0.6]]))


def test_without_a_text_it_starts_from_tokens_of_the_vocabulary(small_models: dict[str, Path]) -> None:
    model = AutoModelForCausalLM.from_pretrained(small_models["opt"])
    tokenizer = AutoTokenizer.from_pretrained(small_models["opt"])
    words = model.get_input_embeddings().weight.detach().clone()  # type: ignore[operator]
    one, other = (
        prompt_of(attach_prompt(model, tokenizer, AdapterSettings(kind="prompt_tuning"), seed)) for seed in (1, 2)
    )
    assert one.shape == (16, words.shape[1])
    assert all((words == row).all(dim=1).any() for row in one)
    assert not torch.equal(one, other)


def test_the_adapter_loads_in_plain_peft_and_names_no_path(
    small_models: dict[str, Path], rows: Path, tmp_path: Path
) -> None:
    execute(make_config(small_models["gpt2"], rows, adapter=PROMPT, max_steps=2), tmp_path / "run")
    folder = tmp_path / "run" / "adapter"
    assert str(tmp_path) not in (folder / "adapter_config.json").read_text()
    base = AutoModelForCausalLM.from_pretrained(small_models["gpt2"])
    assert prompt_of(PeftModel.from_pretrained(base, str(folder))).shape[0] == 5


@pytest.mark.parametrize("method", ["dpo", "ppo", "reward"])
def test_methods_that_cannot_use_it_are_refused_before_there_is_a_run(method: str) -> None:
    from playground.config import codec

    with pytest.raises(ConfigError, match=rf"adapter.kind p_tuning works with method sft; {method}"):
        codec.decode({"method": method, "adapter": {"kind": "p_tuning"}})
