"""A small classifier made on the spot: its logits are the rewards, whatever the batch; bad models are told."""

import json
import os
import pickle
import shutil
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForSequenceClassification

from playground.config.rewards import ClassifierReward
from playground.errors import Cancelled, ConfigError, ModelError, ModelUnavailable
from playground.rewards.registry import make_reward
from playground.rewards.reward import Surroundings
from tests.small_models import tokenizer_of

TEXTS = ["The film was a joy", "", "the plot was dull and far too long", "word " * 100]
PROMPTS = ["I saw it: "] * len(TEXTS)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, two layers, 64 places for tokens."""
    folder = tmp_path_factory.mktemp("classifier")
    tokenizer = tokenizer_of("opt")
    torch.manual_seed(0)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=64, pad_token_id=tokenizer.pad_token_id, initializer_range=0.5,
            id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1},
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def by_hand(folder: Path, text: str, length: int = 64) -> torch.Tensor:
    """Logits of one text, alone and without padding, from the model as transformers reads it."""
    model = BertForSequenceClassification.from_pretrained(folder)
    ids = tokenizer_of("opt")(text)["input_ids"][-length + 1 :]
    start = tokenizer_of("opt").bos_token_id
    ids = ids if ids[:1] == [start] else [start, *ids]
    model.train(False)
    with torch.no_grad():
        found: torch.Tensor = model(torch.tensor([ids])).logits[0]
    return found


@pytest.mark.parametrize("batch", [1, 3, 32])
def test_the_reward_is_the_logit_of_the_class_whatever_the_batch(classifier: Path, batch: int) -> None:
    reward = make_reward(ClassifierReward(model=str(classifier), batch_size=batch))
    found = reward(PROMPTS, TEXTS)
    expected = [float(by_hand(classifier, prompt + text)[1]) for prompt, text in zip(PROMPTS, TEXTS, strict=True)]
    assert found == pytest.approx(expected, abs=1e-4)
    assert len({round(value, 4) for value in found}) == len(TEXTS)


def test_the_probability_is_its_softmax_and_completions_can_be_read_alone(classifier: Path) -> None:
    settings = ClassifierReward(model=str(classifier), value="probability", label="negative", reads="completion")
    found = make_reward(settings)(PROMPTS[:1], TEXTS[:1])
    assert found == pytest.approx([float(by_hand(classifier, TEXTS[0]).softmax(-1)[0])], abs=1e-5)


@pytest.mark.parametrize(("label", "place"), [("POSITIVE", 1), ("0", 0), ("", 1)])
def test_a_class_goes_by_name_or_number(classifier: Path, label: str, place: int) -> None:
    found = make_reward(ClassifierReward(model=str(classifier), label=label, reads="completion"))(
        PROMPTS[:1], TEXTS[:1]
    )
    assert found == pytest.approx([float(by_hand(classifier, TEXTS[0])[place])], abs=1e-4)


def test_an_unknown_class_is_told_with_those_there_are(classifier: Path) -> None:
    with pytest.raises(ConfigError, match=r"must be a class of .*: NEGATIVE, POSITIVE; got 'JOY'"):
        make_reward(ClassifierReward(model=str(classifier), label="JOY"))


def test_it_is_loaded_once_and_again_when_it_changed(classifier: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(classifier, tmp_path / "copy")
    settings = ClassifierReward(model=str(folder), reads="completion")
    before = make_reward(settings)(PROMPTS[:1], TEXTS[:1])
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"] = weights["classifier.bias"] + 1
    from safetensors.torch import save_file

    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    os.utime(folder / "model.safetensors", ns=(1, 1))
    assert make_reward(settings)(PROMPTS[:1], TEXTS[:1]) == pytest.approx([before[0] + 1], abs=1e-5)


def test_a_stop_is_noticed_between_batches(classifier: Path) -> None:
    stop = threading.Event()
    reward = make_reward(ClassifierReward(model=str(classifier)), Surroundings(stop=stop))
    stop.set()
    with pytest.raises(Cancelled):
        reward(PROMPTS, TEXTS)


def test_what_cannot_be_fetched_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelUnavailable, match="lvwerra/distilbert-imdb is not on this machine"):
        make_reward(ClassifierReward())


def test_a_language_model_is_no_classifier(small_models: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match="is LlamaForCausalLM, which sorts no texts"):
        make_reward(ClassifierReward(model=str(small_models["llama"])))


def test_a_head_is_never_made_up(classifier: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = shutil.copytree(classifier, tmp_path / "headless")
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"2 of its tensors would be made up, the first of them classifier\.bias"):
        make_reward(ClassifierReward(model=str(folder)))


class Boom:
    """Writes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.place,)


def test_a_pickle_runs_no_code(classifier: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(classifier, tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"x": Boom(tmp_path / "hurt")}, protocol=2))
    with pytest.raises(ModelError, match="cannot be read"):
        make_reward(ClassifierReward(model=str(folder)))
    assert not (tmp_path / "hurt").exists()


def test_code_of_a_repository_is_not_run(classifier: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(classifier, tmp_path / "coded")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoModelForSequenceClassification": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="needs code from its repository"):
        make_reward(ClassifierReward(model=str(folder)))
