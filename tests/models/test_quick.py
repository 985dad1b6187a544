"""A model whose large layers go by oneDNN against the same model as PyTorch computes it."""

import copy
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from playground.models import quick


@pytest.fixture
def pair(small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> tuple[torch.nn.Module, torch.nn.Module]:
    """One model twice, the second one quickened down to its smallest layer."""
    monkeypatch.setattr(quick, "SMALLEST", 1)
    monkeypatch.setattr(quick, "_made_by_amd", lambda: True)
    plain, quickened = (AutoModelForCausalLM.from_pretrained(small_models["llama"]) for _ in range(2))
    quick.quicken(quickened)
    return plain, quickened


IDS = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 6, 5]])


def test_it_says_the_same_and_learns_the_same(pair: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    plain, quickened = pair
    assert all("forward" in vars(layer) for layer in quickened.modules() if type(layer) is torch.nn.Linear)
    for learns in (False, True):
        for model in pair:
            model.requires_grad_(False)
            model.get_input_embeddings().weight.requires_grad_(True)  # type: ignore[operator]
            if learns:
                model.requires_grad_(True)
            model.zero_grad()
        with torch.no_grad():
            torch.testing.assert_close(quickened(IDS).logits, plain(IDS).logits)
        for model in pair:
            model(input_ids=IDS, labels=IDS).loss.backward()
        for one, other in zip(plain.parameters(), quickened.parameters(), strict=True):
            torch.testing.assert_close(other.grad, one.grad)


def test_a_copy_stands_on_its_own_weights(pair: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    _, quickened = pair
    with torch.no_grad():
        before = quickened(IDS).logits
        twin = copy.deepcopy(quickened)
        for weight in quickened.parameters():
            weight.zero_()
        assert torch.equal(twin(IDS).logits, before)


def test_nothing_is_changed_on_other_processors(small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "SMALLEST", 1)
    monkeypatch.setattr(quick, "_made_by_amd", lambda: False)
    model = AutoModelForCausalLM.from_pretrained(small_models["llama"])
    quick.quicken(model)
    assert not any("forward" in vars(layer) for layer in model.modules())
