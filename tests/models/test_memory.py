"""Estimates against weights counted by hand, against what loading really takes, and limits of containers."""

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from playground.config.run import AdapterSettings, TrainingSettings
from playground.errors import ModelError
from playground.models import memory
from playground.models.adapters import attach_lora
from playground.models.catalogue import CATALOGUE, find
from playground.models.folder import read_config
from playground.models.loading import load
from playground.models.memory import (
    Drawn,
    MemoryEstimate,
    adapted_weights,
    estimate_generation,
    estimate_loading,
    estimate_training,
    gigabytes,
    lora_weights,
    parameters_of,
    tensors_of,
)
from tests.small_models import FAMILIES

GIGABYTE = 1_000_000_000


@pytest.mark.parametrize("family", FAMILIES)
def test_headers_tell_what_loading_finds(small_models: dict[str, Path], family: str) -> None:
    model = load(str(small_models[family]), report=lambda _: None, stop=threading.Event()).model
    assert parameters_of(small_models[family]) == model.num_parameters()
    shapes = {tensor.name: tensor.shape for tensor in tensors_of(small_models[family])}
    stored = {name: tuple(value.shape) for name, value in model.state_dict().items() if name in shapes}
    assert {name: shapes[name] for name in stored} == stored
    adapted = attach_lora(model, AdapterSettings(rank=4), seed=0)
    trained = sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)
    assert lora_weights(small_models[family], AdapterSettings(rank=4)) == trained


def test_pickles_are_told_by_their_size(small_models: dict[str, Path], tmp_path: Path) -> None:
    model = load(str(small_models["llama"]), report=lambda _: None, stop=threading.Event()).model
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    model.config.save_pretrained(tmp_path)
    assert parameters_of(tmp_path) == pytest.approx(model.num_parameters(), rel=0.1)


def test_an_estimate_speaks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MemoryEstimate(600_000_000, 21 * GIGABYTE, "cpu").sentence == "needs about 0.6 GB of 21 GB free"
    tight = MemoryEstimate(3 * GIGABYTE, GIGABYTE, "cuda")
    assert not tight.fits
    assert tight.sentence == "needs about 3.0 GB of 1.0 GB free on cuda"
    assert [gigabytes(count) for count in (2e7, 9.96e8, 1.26e10)] == ["0.02 GB", "1.0 GB", "13 GB"]


def test_a_catalogue_entry_is_estimated_before_it_is_fetched() -> None:
    qwen = find("qwen3-0.6b")
    assert qwen is not None
    assert estimate_loading(qwen).bytes == 596_049_920 * 4 + memory.LOADING_OVERHEAD
    assert estimate_loading(qwen, "bfloat16").bytes == 596_049_920 * 2 + memory.LOADING_OVERHEAD
    assert all(estimate_loading(entry).bytes > 4 * entry.parameters for entry in CATALOGUE)


def test_training_grows_with_what_it_should(small_models: dict[str, Path]) -> None:
    folder, adapter, training = small_models["llama"], AdapterSettings(), TrainingSettings(max_length=128)

    def needed(adapter: AdapterSettings = adapter, **changes: object) -> int:
        return estimate_training(folder, adapter, replace(training, **changes)).bytes  # type: ignore[arg-type]

    # Width 32, MLP 64, two layers, all in float32.
    vocabulary = next(found.shape[0] for found in tensors_of(folder) if "embed_tokens" in found.name)
    per_token = 2 * (8 * 32 + 3 * 64) * 4 + 12 * vocabulary
    assert needed(batch_size=8) - needed(batch_size=4) == 4 * 128 * per_token
    assert needed(max_length=10_000) == needed(max_length=512)
    # A pair is two texts, and a reward model gives one score and no next token.
    plain = needed(batch_size=4) - 4 * 128 * per_token
    for method, each in (("dpo", 2 * per_token), ("reward", 2 * (per_token - 12 * vocabulary))):
        paired = estimate_training(folder, adapter, replace(training, batch_size=4), method=method).bytes
        assert paired == plain + 4 * 128 * each
    every = AdapterSettings(kind="none")
    held = [estimate_training(folder, every, training, method=method).bytes for method in ("sft", "kto")]
    assert held[1] - held[0] == 4 * parameters_of(folder)  # the reference is a copy where every weight moves
    assert needed(gradient_checkpointing=True) < needed()
    more = 48 * 2 * ((32 + 32) + (32 + 16))  # weights of rank 64 over those of rank 16
    assert needed(AdapterSettings(rank=64)) - needed() == 12 * more
    gathering = needed(AdapterSettings(rank=64), gradient_accumulation=2) - needed(gradient_accumulation=2)
    assert gathering == 16 * more
    trained = parameters_of(folder)
    assert needed(AdapterSettings(kind="none"), optimizer="sgd") == needed(AdapterSettings(kind="none")) - 8 * trained


def test_answers_that_are_drawn_take_their_cache_and_the_adapted_weights_once_more(
    small_models: dict[str, Path],
) -> None:
    folder, training = small_models["llama"], TrainingSettings(max_length=128, batch_size=1)
    adapter = AdapterSettings(targets=("all-linear",))

    def needed(rows: int) -> int:
        return estimate_training(folder, adapter, training, method="ppo", drawn=Drawn(rows, 100)).bytes

    cache = [estimate_generation(read_config(folder), rows, 100, "float32").bytes for rows in (800, 900)]
    assert needed(900) - needed(800) == cache[1] - cache[0] > 0
    # Two layers of width 32, MLP 64, two of four heads for keys and values.
    adapted = 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64)
    assert adapted_weights(folder, adapter) == adapted
    assert lora_weights(folder, adapter) == adapter.rank * 2 * (2 * 64 + 2 * 48 + 3 * 96)
    assert needed(1) == estimate_training(folder, adapter, training, method="ppo").bytes


def test_a_container_has_less_than_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CONTAINER", tmp_path)
    assert memory.available() == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    (tmp_path / "memory.max").write_text("3000000000\n")
    (tmp_path / "memory.current").write_text("2500000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 200000000\nactive_file 100000000\n")
    assert memory.available() == 800_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() > 800_000_000


def test_a_missing_device_is_an_error() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="no device cuda"):
            memory.available("cuda")


@pytest.mark.real
def test_loading_the_real_model_takes_what_was_said(real_model: Path) -> None:
    estimate = estimate_loading(real_model)
    assert estimate.bytes == 134_515_008 * 4 + memory.LOADING_OVERHEAD
    assert lora_weights(real_model, AdapterSettings()) == 30 * 16 * ((576 + 576) + (576 + 192))


@pytest.mark.parametrize("family", FAMILIES)
def test_answering_is_told_by_what_a_model_remembers(small_models: dict[str, Path], family: str) -> None:
    model = load(str(small_models[family]), report=lambda _: None, stop=threading.Event()).model
    output = model(input_ids=torch.ones(3, 20, dtype=torch.long), use_cache=True)
    layers = output.past_key_values.layers
    remembered = sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)
    told = estimate_generation(model.config.to_dict(), 3, 20, "float32").bytes
    assert told == remembered * (len(layers) + 1) // len(layers) + 3 * memory.LOGIT_BYTES * output.logits.shape[-1]


def test_what_was_promised_is_not_there_to_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_container_free", lambda: 10 * GIGABYTE)
    free, left = memory.available(), [4 * GIGABYTE]
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
    with memory.promised(lambda: left[0]), memory.promised(lambda: -5):
        assert memory.available() == free - 4 * GIGABYTE
        left[0] = 100 * GIGABYTE
        assert memory.available() == 0
    assert memory.available() == free
