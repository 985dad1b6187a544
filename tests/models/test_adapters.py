"""Where adapters go by default, what a wrong name is told, and that a new adapter changes nothing yet."""

import threading
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from playground.config.run import AdapterSettings
from playground.errors import ModelError
from playground.models.adapters import (
    ALL_LINEAR,
    attach_lora,
    check_targets,
    default_targets,
    merge_adapter,
    target_choices,
)
from playground.models.loading import load
from tests.small_models import FAMILIES


def small(small_models: dict[str, Path], family: str, dtype: str = "auto") -> PreTrainedModel:
    return load(str(small_models[family]), dtype=dtype, report=lambda _: None, stop=threading.Event()).model


def ids() -> torch.Tensor:
    return torch.arange(5, 25)[None]


@pytest.mark.parametrize(
    ("family", "targets", "trainable"),
    [
        # Per layer: q 32→32 and v 32→16 of 2 key-value heads; rank 4.
        ("llama", ("q_proj", "v_proj"), 2 * 4 * (32 + 32 + 32 + 16)),
        # Per layer: c_attn 32→96, c_proj of attention 32→32 and of the MLP 128→32.
        ("gpt2", ("c_attn", "c_proj"), 2 * 4 * (32 + 96 + 32 + 32 + 128 + 32)),
        ("opt", ("q_proj", "v_proj"), 2 * 4 * (32 + 32 + 32 + 32)),
    ],
)
def test_default_targets_and_their_weights(
    small_models: dict[str, Path], family: str, targets: tuple[str, ...], trainable: int
) -> None:
    model = small(small_models, family)
    assert default_targets(model) == targets
    adapted = attach_lora(model, AdapterSettings(rank=4), seed=0)
    trained = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
    assert sum(parameter.numel() for parameter in trained) == trainable


def test_choices_count_modules_and_weights(small_models: dict[str, Path]) -> None:
    choices = {choice.name: choice for choice in target_choices(small(small_models, "gpt2"))}
    assert list(choices) == ["c_attn", "c_proj", "c_fc"]
    assert choices["c_proj"].modules == 4
    assert choices["c_attn"].trainable(4) == 2 * 4 * (32 + 96)
    assert choices["c_proj"].trainable(4) == 2 * 4 * (32 + 32 + 128 + 32)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_adapter_changes_nothing_and_leaves_random_numbers_alone(
    small_models: dict[str, Path], family: str
) -> None:
    model = small(small_models, family)
    with torch.no_grad():
        before = model(ids()).logits
        torch.manual_seed(7)
        expected = torch.rand(3)
        torch.manual_seed(7)
        adapted = attach_lora(model, AdapterSettings(), seed=1)
        assert torch.equal(torch.rand(3), expected)
        assert torch.equal(adapted.eval()(ids()).logits, before)


def test_the_seed_alone_decides_the_start(small_models: dict[str, Path]) -> None:
    starts = []
    for seed in (1, 1, 2):
        adapted = attach_lora(small(small_models, "llama"), AdapterSettings(), seed)
        starts.append(torch.cat([found.flatten() for name, found in adapted.named_parameters() if "lora_A" in name]))
        torch.rand(11)
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])


def test_adapters_of_half_precision_models_stay_in_float32(small_models: dict[str, Path]) -> None:
    adapted = attach_lora(small(small_models, "llama", "bfloat16"), AdapterSettings(), seed=0)
    assert {found.dtype for name, found in adapted.named_parameters() if "lora" in name} == {torch.float32}


@pytest.mark.parametrize("family", FAMILIES)
def test_merging_gives_what_the_adapter_gave(small_models: dict[str, Path], family: str, tmp_path: Path) -> None:
    adapted = attach_lora(small(small_models, family), AdapterSettings(rank=2), seed=0).eval()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.2, generator=torch.Generator().manual_seed(3))
        expected = adapted(ids()).logits
        adapted.save_pretrained(str(tmp_path), save_embedding_layers=False)
        model = small(small_models, family)
        untouched = model(ids()).logits
        merged = merge_adapter(model, tmp_path)
        torch.testing.assert_close(merged(ids()).logits, expected, atol=1e-4, rtol=1e-4)
        assert not torch.allclose(expected, untouched, atol=1e-2)
    assert type(merged) is type(small(small_models, family))


def test_wrong_targets_are_told_with_the_models_own_names(small_models: dict[str, Path]) -> None:
    model = small(small_models, "llama")
    check_targets(model, ("q_proj", "self_attn.o_proj"))
    check_targets(model, (ALL_LINEAR,))
    with pytest.raises(ModelError, match="no module q_prj; did you mean q_proj\\? It has q_proj, k_proj, v_proj"):
        check_targets(model, ("v_proj", "q_prj"))
    with pytest.raises(ModelError, match="no module norm"):
        check_targets(model, ("norm",))
    with pytest.raises(ModelError, match=r"adapter\.targets is empty"):
        check_targets(model, ())


def test_all_linear_leaves_the_output_embedding_out(small_models: dict[str, Path]) -> None:
    adapted = attach_lora(small(small_models, "llama"), AdapterSettings(rank=2, targets=(ALL_LINEAR,)), seed=0)
    adapted_modules = {
        name.split(".lora_A")[0].rsplit(".", 1)[-1] for name, _ in adapted.named_parameters() if "lora_A" in name
    }
    assert adapted_modules == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_a_folder_without_an_adapter(small_models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no adapter"):
        merge_adapter(small(small_models, "llama"), tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"')
    with pytest.raises(ModelError, match="does not fit LlamaForCausalLM"):
        merge_adapter(small(small_models, "llama"), tmp_path)
