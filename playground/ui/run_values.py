"""Between what the fields of a run's form hold and a run's JSON, both ways.

Knows no method by name beyond what `METHODS` lists, so a new method's own settings appear by themselves.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from playground.config import codec
from playground.config.methods import METHODS
from playground.config.rewards import decode_reward, encode_reward
from playground.config.run import RunConfig, RunRef
from playground.config.settings import Setting, setting
from playground.errors import ConfigError
from playground.ui import forms
from playground.ui.reward_form import reward_of, reward_values

RUN_PREFIX = "run:"
"""In the model field, what stands before the id of an earlier run."""
FIRST = 4
"""Values before those of the settings' fields: method, name, model, source."""


def document(form: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """A run's JSON from what the fields hold: `values` as `RunForm.inputs` orders them, `form` the fields' paths.

    Fields of other methods than the chosen one are left out.

    Raises:
        ConfigError: a text field that stands for numbers cannot be read, or a reward is none.
    """
    method, name, model, source, *rest = values
    made: dict[str, Any] = {
        "method": method,
        "model": model_ref(model),
        "name": (name or "").strip(),
        "data": {"source": (source or "").strip()},
    }
    rewards: dict[tuple[str, str], list[Any]] = {}
    for path, value in zip(form, rest, strict=True):
        section, key, *part = path.split(".")
        if section in METHODS and section != method:
            continue
        if part:
            rewards.setdefault((section, key), []).append(value)
        else:
            made.setdefault(section, {})[key] = _to_json(_setting_at(section, key), value)
    for (section, key), parts in rewards.items():
        made.setdefault(section, {})[key] = encode_reward(reward_of(parts))
    return made


def model_ref(chosen: str | None) -> str | dict[str, str]:
    """The JSON of a model that was chosen or typed."""
    written = (chosen or "").strip()
    return {"run": written.removeprefix(RUN_PREFIX)} if written.startswith(RUN_PREFIX) else written


def model_field(config: RunConfig) -> str:
    """The opposite of `model_ref`."""
    return f"{RUN_PREFIX}{config.model.run}" if isinstance(config.model, RunRef) else config.model


def field_values(form: Sequence[str], config: RunConfig) -> list[Any]:
    """What the fields at these paths show for a config; `gr.skip()` for settings of other methods."""
    encoded = codec.encode(config)
    values = []
    for path in form:
        section, key, *part = path.split(".")
        if section not in encoded:
            values.append(gr.skip())
        elif part:
            values.append(reward_values(decode_reward(encoded[section][key]))[int(part[0])])
        else:
            values.append(_to_field(_setting_at(section, key), encoded[section][key]))
    return values


def initial(path: str, config: RunConfig) -> Any:
    """What the field at a path shows at first: what the config says, or the default where it is another method's."""
    section, key = path.split(".")
    found = _setting_at(section, key)
    return field_values([path], config)[0] if section in codec.encode(config) else _to_field(found, found.default)


def over(values: Sequence[Any], changes: Sequence[Any]) -> list[Any]:
    """What the form holds once it has taken `changes`, of which those that are `gr.skip()` leave a value as it is."""
    return [value if change == gr.skip() else change for value, change in zip(values, changes, strict=True)]


def form_values(form: Sequence[str], config: RunConfig) -> list[Any]:
    """What the whole form shows for a config: one value per input."""
    return [config.method, config.name, model_field(config), config.data.source, *field_values(form, config)]


def _setting_at(section: str, key: str) -> Setting:
    return setting((codec.SECTIONS | METHODS)[section], key)


def _to_json(found: Setting, value: Any) -> Any:
    match found.kind:
        case "floats" if found.optional and not (value or "").strip():
            return None
        case "floats":
            return list(_shares(found.path, value or ""))
        case "texts":
            return list(forms.split_texts(value or "") or ()) or None
        case "mapping":
            return _columns(found.path, (value or "").strip())
        case "text" if found.optional:
            return (value or "").strip() or None
        case "int" | "float" if found.optional:
            return _number(found, str(value if value is not None else "").strip())
        case "int" if isinstance(value, float) and value.is_integer():
            return int(value)
        case _:
            return value


def _to_field(found: Setting, value: Any) -> Any:
    match found.kind:
        case "floats":
            return " / ".join(f"{100 * share:g}" for share in value or ())
        case "texts":
            return ", ".join(value or ())
        case "mapping":
            return json.dumps(value, ensure_ascii=False) if value else ""
        case "text":
            return value or ""
        case "int" | "float" if found.optional:
            return "" if value is None else f"{value}"
        case _:
            return value


def _number(found: Setting, written: str) -> float | int | None:
    """The number in a text field; empty is null."""
    if not written:
        return None
    try:
        return int(written) if found.kind == "int" else float(written)
    except ValueError:
        wanted = "a whole number" if found.kind == "int" else "a number"
        raise ConfigError([f"{found.path} must be {wanted}, or empty for null; got {written!r}."]) from None


def _columns(path: str, written: str) -> Any:
    """The object in a text field that holds JSON; empty is an empty one."""
    try:
        return json.loads(written) if written else {}
    except ValueError:
        example = '{"0": "negative", "1": "positive"}' if path == "data.verbalizer" else '{"instruction": "question"}'
        raise ConfigError([f"{path} must be empty or a JSON object such as {example}; got {written!r}."]) from None


def _shares(path: str, written: str) -> Iterator[float]:
    """Shares out of "85 / 10 / 5" or "0.85, 0.1, 0.05"; per cent where they sum to more than 1."""
    parts = written.replace("%", " ").replace("/", " ").replace(",", " ").split()
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise ConfigError([f"{path} is written as shares, such as 85 / 10 / 5; got {written!r}."]) from None
    scale = 100 if sum(numbers) > 1.5 else 1  # between shares that sum to 1 and per cent
    return (number / scale for number in numbers)
