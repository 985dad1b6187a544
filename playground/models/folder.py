"""A model's folder, told from what is written in it, without torch and without reading a weight."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playground.errors import ModelError

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"

SINGLE_FILES: dict[Literal["safetensors", "pickle"], str] = {
    "safetensors": "model.safetensors",
    "pickle": "pytorch_model.bin",
}
"""Names under which transformers keeps weights, in the order in which they are preferred."""


@dataclass(frozen=True)
class Weights:
    """The files that hold a model's weights."""

    kind: Literal["safetensors", "pickle"]
    files: tuple[Path, ...]


def read_config(folder: Path) -> dict[str, Any]:
    """The model's `config.json`.

    Raises:
        ModelError: it is missing or not a JSON object.
    """
    return _read_json(folder / CONFIG)


def weights_of(folder: Path) -> Weights:
    """The weight files of a folder, safetensors before pickles; a set in several files must be whole.

    Raises:
        ModelError: there are none, or one is missing from the set.
    """
    for kind, name in SINGLE_FILES.items():
        index = folder / f"{name}.index.json"
        if (folder / name).is_file():
            return Weights(kind, (folder / name,))
        if index.is_file():
            return Weights(kind, _shards(index))
    raise ModelError(_without_weights(folder))


def check_folder(folder: Path) -> Path:
    """The folder, if it holds a model that `from_pretrained` can be given.

    Raises:
        ModelError: it does not; says what is missing.
    """
    if not folder.exists():
        raise ModelError(f"There is no folder {folder}; give the folder that holds the model's config.json.")
    if not folder.is_dir():
        raise ModelError(f"{folder} is a file; give the folder that holds the model's config.json and weights.")
    if not any(folder.iterdir()):
        raise ModelError(f"The folder {folder} is empty; a model needs config.json, weights and a tokenizer.")
    if not (folder / CONFIG).is_file():
        raise ModelError(_without_config(folder))
    read_config(folder)
    weights_of(folder)
    return folder


def is_whole(folder: Path) -> bool:
    """Whether `check_folder` finds nothing wrong."""
    try:
        check_folder(folder)
    except ModelError:
        return False
    return True


def _shards(index: Path) -> tuple[Path, ...]:
    table = _read_json(index).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise ModelError(f"{index} names no weight files; the copy of the model is damaged, fetch it anew.")
    files = tuple(index.parent / str(name) for name in sorted(set(table.values())))
    lacking = [file.name for file in files if not file.is_file()]
    if lacking:
        raise ModelError(
            f"{index.parent} lacks {len(lacking)} of its {len(files)} weight files, the first of them {lacking[0]}; "
            "fetch the model anew."
        )
    return files


def _read_json(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ModelError(f"{file} is not valid JSON ({error}); fetch the model anew.") from error
    if not isinstance(document, dict):
        raise ModelError(f"{file} must hold a JSON object; it holds {type(document).__name__}.")
    return document


def _without_config(folder: Path) -> str:
    if (folder / ADAPTER_CONFIG).is_file():
        base = _read_json(folder / ADAPTER_CONFIG).get("base_model_name_or_path") or "an unnamed model"
        return f"{folder} holds an adapter for {base}, not a model by itself; load {base} instead."
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:5])
    return f"{folder} has no config.json, so it is not a model's folder; it has {found}."


def _without_weights(folder: Path) -> str:
    others = sorted(path.name for suffix in ("*.gguf", "*.onnx", "*.h5", "*.msgpack") for path in folder.glob(suffix))
    held = f"; {others[0]} is of a kind that is not read here" if others else ""
    return f"{folder} has no weights: model.safetensors or pytorch_model.bin is needed{held}."
