"""Loading small models of three families, runs on top of them, and everything that cannot be loaded."""

import json
import os
import pickle
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

from playground.config.run import AdapterSettings, RunRef
from playground.errors import Cancelled, ModelError, OutOfMemory
from playground.models import memory
from playground.models.adapters import attach_lora
from playground.models.devices import choose_device, choose_dtype
from playground.models.lineage import lineage_of, title_of
from playground.models.loading import LoadedModel, load
from playground.runs.events import Progress
from playground.runs.home import runs_folder
from tests.small_models import FAMILIES


def load_it(ref: str | RunRef, **chosen: str) -> LoadedModel:
    return load(ref, report=lambda _: None, stop=threading.Event(), **chosen)


@pytest.fixture
def llama(small_models: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the small Llama that a test may damage."""
    return Path(shutil.copytree(small_models["llama"], tmp_path / "llama"))


def random_adapter(folder: Path, target: Path, seed: int) -> None:
    """An adapter as training would leave it: none of its weights zero."""
    adapted = attach_lora(load_it(str(folder)).model, AdapterSettings(rank=4), seed)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    adapted.save_pretrained(str(target), save_embedding_layers=False)


def make_run(name: str, model: str | dict[str, str]) -> Path:
    folder = runs_folder() / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"method": "sft", "model": model, "name": f"Named {name}"}))
    return folder


def logits_of(loaded: LoadedModel) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = loaded.model(torch.arange(5, 15)[None]).logits
    return logits


@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_model_of_each_family(small_models: dict[str, Path], family: str) -> None:
    heard: list[Progress] = []
    loaded = load(str(small_models[family]), report=heard.append, stop=threading.Event())
    info = loaded.info
    assert (info.title, info.dtype, info.device, info.context_length) == (family, "float32", "cpu", 512)
    assert info.chat_template
    assert info.vocabulary == len(loaded.tokenizer) == logits_of(loaded).shape[-1]
    assert info.memory_bytes >= info.parameters * 4
    assert not loaded.model.training
    reads = [one for one in heard if one.stage == "read"]
    assert [one.done for one in reads] == list(range(1, len(reads) + 1))
    assert reads[-1].done == reads[-1].total


def test_no_sampling_habit_is_inherited(llama: Path) -> None:
    habits = {"do_sample": True, "top_k": 20, "temperature": 0.6, "repetition_penalty": 1.1, "eos_token_id": [2, 4]}
    (llama / "generation_config.json").write_text(json.dumps(habits))
    kept = load_it(str(llama)).model.generation_config
    assert kept is not None
    assert kept.to_diff_dict().keys() - {"transformers_version"} == {"bos_token_id", "eos_token_id", "pad_token_id"}
    assert kept.eos_token_id == [2, 4]


def test_padding_falls_back_to_the_end_of_sequence(small_models: dict[str, Path]) -> None:
    loaded = load_it(str(small_models["gpt2"]))
    assert loaded.tokenizer.pad_token == loaded.tokenizer.eos_token is not None
    assert loaded.model.generation_config is not None
    assert loaded.model.generation_config.pad_token_id == loaded.tokenizer.eos_token_id


def test_number_formats_and_devices(small_models: dict[str, Path]) -> None:
    half = load_it(str(small_models["llama"]), dtype="bfloat16", device="cpu")
    full = load_it(str(small_models["llama"]))
    assert half.info.dtype == "bfloat16"
    assert half.info.memory_bytes < 0.6 * full.info.memory_bytes
    assert choose_dtype("auto", torch.device("cpu")) is torch.float32
    with pytest.raises(ModelError, match="dtype must be auto"):
        choose_dtype("int3", torch.device("cpu"))
    with pytest.raises(ModelError, match="device must be auto"):
        choose_device("tpu?")
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="This machine has no device cuda"):
            load_it(str(small_models["llama"]), device="cuda")


def test_weights_in_memory_are_not_the_file(llama: Path) -> None:
    before = (llama / "model.safetensors").read_bytes()
    loaded = load_it(str(llama))
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            parameter.add_(1)
    assert (llama / "model.safetensors").read_bytes() == before


def test_stop_is_noticed_while_weights_are_read(small_models: dict[str, Path]) -> None:
    stop = threading.Event()
    heard: list[Progress] = []

    def report(progress: Progress) -> None:
        heard.append(progress)
        if progress.stage == "read" and progress.done == 3:
            stop.set()

    with pytest.raises(Cancelled):
        load(str(small_models["llama"]), report=report, stop=stop)
    assert heard[-1].done == 3
    load_it(str(small_models["llama"]))


def test_a_run_is_its_base_with_the_adapter_merged(small_models: dict[str, Path]) -> None:
    base = small_models["llama"]
    random_adapter(base, make_run("one", str(base)) / "adapter", seed=1)
    merged = load_it(RunRef("one"))
    assert isinstance(merged.model, LlamaForCausalLM)
    assert merged.info.title == "Named one"
    delta = load_file(runs_folder() / "one" / "adapter" / "adapter_model.safetensors")
    name = "model.layers.1.self_attn.v_proj.weight"
    prefix = "base_model.model.model.layers.1.self_attn.v_proj"
    update = delta[f"{prefix}.lora_B.weight"] @ delta[f"{prefix}.lora_A.weight"] * (32 / 4)
    before = load_it(str(base)).model.get_parameter(name)
    after = merged.model.get_parameter(name)
    torch.testing.assert_close(after, before + update, atol=1e-6, rtol=0)
    assert update.abs().max() > 0.01


def test_a_chain_of_runs_is_merged_in_order_and_once_rounded(small_models: dict[str, Path]) -> None:
    base = small_models["llama"]
    random_adapter(base, make_run("one", str(base)) / "adapter", seed=1)
    random_adapter(base, make_run("two", {"run": "one"}) / "adapter", seed=2)
    assert lineage_of(RunRef("two")).runs == ("one", "two")
    chain = load_it(RunRef("two"))
    apart = [load_it(str(base)), load_it(RunRef("one"))]
    name = "model.layers.0.self_attn.q_proj.weight"
    first, second, both = (found.model.state_dict()[name] for found in (*apart, chain))
    assert not torch.allclose(second, first)
    assert not torch.allclose(both, second)
    half = load_it(RunRef("two"), dtype="bfloat16")
    assert torch.equal(half.model.state_dict()[name], both.to(torch.bfloat16))


def test_a_run_that_trained_every_weight_stands_by_itself(small_models: dict[str, Path]) -> None:
    folder = make_run("whole", "model-that-is-gone")
    shutil.copytree(small_models["opt"], folder / "model")
    random_adapter(small_models["opt"], make_run("above", {"run": "whole"}) / "adapter", seed=3)
    assert load_it(RunRef("whole")).info.architecture == "OPTForCausalLM"
    assert not torch.allclose(logits_of(load_it(RunRef("above"))), logits_of(load_it(RunRef("whole"))))


def test_runs_that_cannot_be_loaded(small_models: dict[str, Path]) -> None:
    make_run("bare", "gpt2")
    make_run("loop-a", {"run": "loop-b"})
    make_run("loop-b", {"run": "loop-a"})
    for name in ("loop-a", "loop-b"):
        random_adapter(small_models["llama"], runs_folder() / name / "adapter", seed=4)
    random_adapter(small_models["llama"], make_run("misfit", str(small_models["opt"])) / "adapter", seed=5)
    for run, sentence in {
        "gone": "There is no run 'gone' here",
        "../one": "There is no run",
        "": "There is no run",
        "bare": "Run bare left no weights",
        "loop-a": "Run loop-a stands on itself",
        "misfit": "The adapter in misfit does not fit OPTForCausalLM",
    }.items():
        with pytest.raises(ModelError, match=sentence):
            load_it(RunRef(run))


def test_titles_hide_the_disk(small_models: dict[str, Path]) -> None:
    assert title_of("gpt2") == "GPT-2"
    assert title_of(str(small_models["llama"])) == "llama"
    assert title_of("somebody/model") == "somebody/model"


def encoder(folder: Path) -> None:
    settings: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertForMaskedLM(BertConfig(vocab_size=512, intermediate_size=16, **settings)).save_pretrained(folder)


def sequence_to_sequence(folder: Path) -> None:
    config = T5Config(vocab_size=512, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    T5ForConditionalGeneration(config).save_pretrained(folder)


def rewrite_config(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return change


def without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def damaged_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def cut_off(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def garbage(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\0" * 5000)


def without_some_weights(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layers.1.mlp" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def of_another_shape(folder: Path) -> None:
    rewrite_config(hidden_size=64)(folder)


class Malicious:
    """Would make a folder when unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder / "owned"),)


def dangerous_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Malicious(folder)}, folder / "pytorch_model.bin")


def bare_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Malicious(folder), protocol=2))


def other_tokenizer(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:100].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    rewrite_config(vocab_size=100)(folder)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (encoder, "llama is a BertForMaskedLM, an encoder that reads text but does not write it"),
        (sequence_to_sequence, "llama is a T5ForConditionalGeneration, a sequence-to-sequence model"),
        (rewrite_config(architectures=["LlamaForSequenceClassification"]), "which does not write text"),
        (rewrite_config(model_type="odd", auto_map={"AutoConfig": "x.Y"}), "needs code from its repository"),
        (rewrite_config(model_type="odd"), "of a kind that transformers does not know: model_type 'odd'"),
        (rewrite_config(num_hidden_layers="two"), "config.json of llama cannot be used: .* expected int, got str"),
        (without_tokenizer, "llama has no tokenizer"),
        (damaged_tokenizer, "The tokenizer of llama cannot be read"),
        (cut_off, "is not a whole safetensors file"),
        (garbage, "is not a whole safetensors file"),
        (without_some_weights, "3 tensors are missing, the first of them model.layers.1.mlp.down_proj.weight"),
        (of_another_shape, "The weights of llama cannot be read"),
        (dangerous_pickle, "a pickle that holds more than tensors"),
        (bare_pickle, "a pickle that holds more than tensors"),
        (other_tokenizer, "The tokenizer of llama has .* tokens, but the model knows 100"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_cannot_be_loaded_says_why(llama: Path, spoil: Callable[[Path], None], sentence: str) -> None:
    spoil(llama)
    with pytest.raises(ModelError, match=sentence):
        load_it(str(llama))
    assert not (llama / "owned").exists()


def test_a_pickle_of_tensors_is_read(llama: Path) -> None:
    before = logits_of(load_it(str(llama)))
    torch.save(load_file(llama / "model.safetensors"), llama / "pytorch_model.bin")
    (llama / "model.safetensors").unlink()
    assert torch.equal(logits_of(load_it(str(llama))), before)


def test_a_model_that_does_not_fit_is_refused_before_it_is_read(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda _device="cpu": 1_000_000)
    with pytest.raises(OutOfMemory, match=r"llama needs about 0\.2 GB of 0\.00 GB free; choose a smaller model"):
        load_it(str(llama))


def test_rotary_frequencies_keep_their_precision(small_models: dict[str, Path]) -> None:
    loaded = load_it(str(small_models["llama"]), dtype="bfloat16", device="cpu")
    plain = LlamaForCausalLM.from_pretrained(small_models["llama"], dtype=torch.bfloat16)
    ids = torch.arange(5, 405).unsqueeze(0)
    with torch.no_grad():
        assert torch.equal(loaded.model(ids).logits, plain(ids).logits)
