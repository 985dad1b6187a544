"""How strongly an adapter acts, and how large it is, against the plain formulas."""

import threading
from pathlib import Path

import pytest
import torch
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM

from playground.config.strength import check_strength
from playground.errors import ConfigError, ModelError
from playground.models.generation import next_logits
from playground.models.loading import load
from playground.models.shelf import Shelf, Side
from playground.models.strength import adapted_layers, at_strength, product_norm, update_sizes
from tests.models.served import make_run

IDS = [5, 60, 7, 80, 9]


def shelf_of(base: Path, *runs: str) -> Shelf:
    for seed, run in enumerate(runs):
        make_run(run, str(base), base, seed=seed)
    return Shelf(load(str(base), dtype="float32", device="cpu", report=lambda _: None, stop=threading.Event()))


@pytest.fixture
def shelf(small_models: dict[str, Path]) -> Shelf:
    return shelf_of(small_models["llama"], "one", "two")


def tuned(shelf: Shelf, run: str) -> Side:
    return shelf.tuned(run, threading.Event())


def logits(side: Side) -> torch.Tensor:
    return next_logits(side.model, IDS, adapter=side.adapter)


def test_none_of_it_is_the_base_and_all_of_it_the_run_to_the_last_bit(shelf: Shelf) -> None:
    side = tuned(shelf, "one")
    base, trained = logits(shelf.base()), logits(side)
    assert not torch.equal(base, trained)
    with at_strength(side, 0):
        assert torch.equal(logits(side), base)
    with at_strength(side, 1):
        assert torch.equal(logits(side), trained)
    assert torch.equal(logits(side), trained)


@pytest.mark.parametrize("strength", [0.3, 1.5])
def test_in_between_and_beyond_the_update_is_scaled(
    shelf: Shelf, small_models: dict[str, Path], strength: float
) -> None:
    side = tuned(shelf, "one")
    by_hand = AutoModelForCausalLM.from_pretrained(small_models["llama"])
    weights = dict(by_hand.named_modules())
    with torch.no_grad():
        for path, layer in adapted_layers(side):
            up, down = (getattr(layer, name)[side.adapter].weight for name in ("lora_B", "lora_A"))
            module = weights[path.removeprefix("base_model.model.")]
            module.weight += strength * layer.scaling[str(side.adapter)] * up @ down
    with at_strength(side, strength):
        torch.testing.assert_close(logits(side), next_logits(by_hand, IDS), atol=1e-4, rtol=1e-4)


def test_everything_is_as_it_was_after_an_error_and_other_adapters_never_change(shelf: Shelf) -> None:
    one, two = tuned(shelf, "one"), tuned(shelf, "two")
    before, other = logits(one), logits(two)
    seen: list[torch.Tensor] = []

    def break_off() -> None:
        with at_strength(one, 0.5):
            seen.extend((logits(one), logits(two)))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        break_off()
    assert not torch.equal(seen[0], before)
    assert torch.equal(seen[1], other)
    assert torch.equal(logits(one), before)


def test_a_run_without_a_plain_adapter_has_its_own_strength_alone(small_models: dict[str, Path]) -> None:
    base = small_models["llama"]
    make_run("whole", str(base), base, seed=1, kind="model")
    side = tuned(shelf_of(base), "whole")
    with at_strength(side, 1):
        logits(side)
    with pytest.raises(ModelError, match="no plain LoRA adapter"), at_strength(side, 0.5):
        pass
    with pytest.raises(ModelError, match="no plain LoRA adapter"):
        update_sizes(side)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_sizes_are_those_of_the_whole_product(small_models: dict[str, Path], family: str) -> None:
    side = tuned(shelf_of(small_models[family], "one"), "one")
    layers = {path: module for path, module in side.model.named_modules() if isinstance(module, LoraLayer)}
    sizes = update_sizes(side)
    assert [size.module for size in sizes] == list(layers)
    for size in sizes:
        layer = layers[size.module]
        delta = layer.get_delta_weight(str(side.adapter))
        assert size.norm == pytest.approx(float(torch.linalg.matrix_norm(delta)), rel=1e-5)
        weight = layer.get_base_layer().weight
        assert size.weight_norm == pytest.approx(float(torch.linalg.matrix_norm(weight)), rel=1e-5)
        assert size.module.endswith(size.kind)
        assert size.layer is not None
        assert f".{size.layer}." in size.module


def test_a_product_by_hand() -> None:
    up, down = torch.tensor([[3.0], [4.0]]), torch.tensor([[1.0, 0.0, 2.0]])
    assert product_norm(up, down) == pytest.approx(5 * 5**0.5)
    assert product_norm(0 * up, down) == 0


@pytest.mark.parametrize("strength", [-0.1, 1.6, float("nan"), "1", None, True])
def test_a_strength_is_a_number_within_reach(strength: object) -> None:
    with pytest.raises(ConfigError, match=r"from 0 to 1\.5"):
        check_strength(strength)
    assert check_strength(1) == 1.0
