"""What is told of a folder without reading a weight."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from playground.errors import ModelError
from playground.models.fetch import resolve
from playground.models.folder import check_folder, weights_of


def test_names_and_places_are_told_without_torch() -> None:
    code = "import sys, playground.models.fetch, playground.models.memory, playground.models.lineage; "
    code += "sys.exit(bool({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_whole_folder_is_taken_as_it_is(small_models: dict[str, Path]) -> None:
    for folder in small_models.values():
        assert resolve(str(folder), report=lambda _: None, stop=threading.Event()) == folder
        assert weights_of(folder).kind == "safetensors"


def test_safetensors_come_before_pickles(tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "model.safetensors"):
        (tmp_path / name).touch()
    assert weights_of(tmp_path).files == (tmp_path / "model.safetensors",)
    (tmp_path / "model.safetensors").unlink()
    assert weights_of(tmp_path).kind == "pickle"


def test_a_set_of_weight_files_must_be_whole(small_models: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(small_models["llama"] / "config.json", tmp_path)
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "model-00001-of-00002.safetensors").touch()
    with pytest.raises(ModelError, match=r"lacks 1 of its 2 weight files, .* model-00002-of-00002\.safetensors"):
        check_folder(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").touch()
    assert len(weights_of(check_folder(tmp_path)).files) == 2


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "is empty; a model needs"),
        ({"notes.txt": ""}, r"has no config\.json, so it is not a model's folder; it has notes\.txt"),
        ({"adapter_config.json": '{"base_model_name_or_path": "gpt2"}'}, "holds an adapter for gpt2"),
        ({"config.json": "{}"}, r"has no weights: model\.safetensors or"),
        ({"config.json": "{}", "m.gguf": ""}, r"m\.gguf is of a kind that is not read here"),
        ({"config.json": "{"}, r"config\.json is not valid JSON"),
        ({"config.json": "[]"}, "must hold a JSON object; it holds list"),
        ({"config.json": "{}", "model.safetensors.index.json": "{}"}, "names no weight files"),
    ],
)
def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ModelError, match=sentence):
        resolve(str(tmp_path), report=lambda _: None, stop=threading.Event())


def test_places_that_are_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no folder"):
        check_folder(tmp_path / "nowhere")
    (tmp_path / "model.gguf").touch()
    with pytest.raises(ModelError, match="is a file; give the folder"):
        check_folder(tmp_path / "model.gguf")
