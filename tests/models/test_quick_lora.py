"""A model whose adapter is computed with its layers, against the same model as peft computes it."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import AutoModelForCausalLM

from playground.core.frozen_linear import packed_linear
from playground.models import quick_lora
from playground.models.quick_lora import folded, quicken_adapter

IDS = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 6, 5]])


def adapted(folder: Path, **options: Any) -> PeftModel:
    """A model with an adapter that says something."""
    gpt2 = {"fan_in_fan_out": True} if folder.name == "gpt2" else {}
    given = {"r": 2, "lora_alpha": 6, "target_modules": "all-linear", "task_type": "CAUSAL_LM", **gpt2}
    config = LoraConfig(**given, **options)
    found = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config)
    generator = torch.Generator().manual_seed(0)
    for weight in found.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.2, generator=generator)
    assert isinstance(found, PeftModel)
    return found


def gradients(model: PeftModel, **options: Any) -> dict[str, Tensor]:
    """Of all that learns."""
    model.zero_grad()
    torch.manual_seed(0)
    model(input_ids=IDS, labels=IDS, **options).loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


def same(one: PeftModel, other: PeftModel) -> None:
    """They say the same and learn the same."""
    with torch.no_grad():
        torch.testing.assert_close(one(IDS).logits, other(IDS).logits)
    found, expected = gradients(one), gradients(other)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient)


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_it_says_the_same_and_learns_the_same(small_models: dict[str, Path], family: str) -> None:
    plain, joint = adapted(small_models[family]), adapted(small_models[family])
    quicken_adapter(joint)
    same(joint, plain)


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("llama", {"lora_dropout": 0.3}),
        ("llama", {"use_dora": True}),
        ("opt", {"lora_bias": True}),
        ("llama", {"use_rslora": True}),
    ],
)
def test_what_is_special_says_and_learns_the_same(
    small_models: dict[str, Path], family: str, options: dict[str, Any]
) -> None:
    plain, joint = (adapted(small_models[family], **options).train() for _ in range(2))
    quicken_adapter(joint)
    with torch.no_grad():
        for model in (plain, joint):
            torch.manual_seed(0)
            model.told = model(IDS).logits
    torch.testing.assert_close(joint.told, plain.told)
    found = gradients(joint)
    for name, gradient in gradients(plain).items():
        torch.testing.assert_close(found[name], gradient)
    same(joint.eval(), plain.eval())


def test_an_adapter_that_is_switched_off_merged_or_beside_others(small_models: dict[str, Path]) -> None:
    plain, joint = adapted(small_models["llama"]), adapted(small_models["llama"])
    quicken_adapter(joint)
    with torch.no_grad():
        with plain.disable_adapter(), joint.disable_adapter():
            without = plain(IDS).logits
            assert torch.equal(joint(IDS).logits, without)
        for model in (plain, joint):
            model.merge_adapter()
        assert torch.equal(joint(IDS).logits, plain(IDS).logits)
        for model in (plain, joint):
            model.unmerge_adapter()
        torch.testing.assert_close(joint(IDS).logits, plain(IDS).logits)
        for model in (plain, joint):
            torch.manual_seed(1)
            model.add_adapter("other", LoraConfig(r=3, target_modules=["q_proj"], init_lora_weights=False))
            model.set_adapter("other")
        assert not torch.allclose(plain(IDS).logits, without)
        torch.testing.assert_close(joint(IDS).logits, plain(IDS).logits)
        names = ["default", "other"]
        mixed = [model.eval()(IDS, adapter_names=names).logits for model in (joint, plain)]
        torch.testing.assert_close(*mixed)


def test_half_precision_beside_an_adapter_in_float32(small_models: dict[str, Path]) -> None:
    plain, joint = adapted(small_models["llama"]), adapted(small_models["llama"])
    quicken_adapter(joint)
    for model in (plain, joint):
        for weight in model.parameters():
            if not weight.requires_grad:
                weight.data = weight.data.bfloat16()
    with torch.no_grad():
        assert torch.equal(joint(IDS).logits, plain(IDS).logits)
    for model in (plain.float(), joint.float()):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            model.told = model(IDS).logits
    assert torch.equal(joint.told, plain.told)


def test_a_copy_stands_on_its_own_weights(small_models: dict[str, Path]) -> None:
    joint = adapted(small_models["llama"])
    quicken_adapter(joint)
    with torch.no_grad():
        before = joint(IDS).logits
        twin = copy.deepcopy(joint)
        for weight in joint.parameters():
            weight.zero_()
        assert torch.equal(twin(IDS).logits, before)


@pytest.mark.parametrize("family", ["llama", "opt"])
def test_folding_the_adapter_in_changes_nothing_that_stays(
    small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setattr(quick_lora, "prefers_onednn", lambda: True)
    joint = adapted(small_models[family])
    quicken_adapter(joint)
    before = {name: weight.detach().clone() for name, weight in joint.named_parameters()}
    products = []

    def counted(*given: Any) -> Tensor:
        products.append(1)
        return packed_linear(*given)

    monkeypatch.setattr(quick_lora, "packed_linear", counted)
    with torch.no_grad():
        plain = joint(IDS).logits
        with folded(joint, rows=2):
            for ids in (IDS, IDS[:1], IDS.repeat(8, 3)):
                answer = joint(ids).logits[: len(IDS), : IDS.shape[1]]
                torch.testing.assert_close(answer, plain[: len(answer)], atol=1e-4, rtol=1e-4)
            with joint.disable_adapter():
                assert (joint(IDS).logits - plain).abs().max() > 0.1
        assert products
        assert torch.equal(joint(IDS).logits, plain)
    assert all(torch.equal(weight, before[name]) for name, weight in joint.named_parameters())
    same(joint, adapted(small_models[family]))


def test_only_one_plain_adapter_is_folded_in(small_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    joint = adapted(small_models["llama"], use_dora=True)
    quicken_adapter(joint)
    with torch.no_grad():
        plain = joint(IDS).logits
        monkeypatch.setattr(quick_lora, "prefers_onednn", lambda: True)
        with folded(joint, rows=2), joint.disable_adapter():
            without = joint(IDS).logits
        with joint.disable_adapter():
            assert torch.equal(joint(IDS).logits, without)
        with folded(joint, rows=2):
            assert torch.equal(joint(IDS).logits, plain)
