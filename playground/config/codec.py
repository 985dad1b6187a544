"""`RunConfig` to strict JSON and back. Unknown keys, wrong types and NaN are errors that name the path."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from playground.config.methods import METHODS
from playground.config.run import AdapterSettings, DataSettings, RunConfig, RunRef, TrainingSettings
from playground.config.sections import decode_section, encode_section, unknown
from playground.config.settings import Settings
from playground.errors import ConfigError

__all__ = [
    "SECTIONS", "decode", "decode_section", "dumps", "encode", "encode_section", "loads", "parse", "with_overrides",
]  # fmt: skip

SECTIONS: dict[str, type[Settings]] = {"data": DataSettings, "adapter": AdapterSettings, "training": TrainingSettings}


def encode(config: RunConfig) -> dict[str, Any]:
    """The run as JSON values, every setting written out; the method's own settings stand under its name."""
    return {
        "method": config.method,
        "model": {"run": config.model.run} if isinstance(config.model, RunRef) else config.model,
        "name": config.name,
        **{section: encode_section(getattr(config, section)) for section in SECTIONS},
        config.method: encode_section(config.options),
    }


def dumps(config: RunConfig) -> str:
    """The run as indented JSON text with a final newline."""
    return json.dumps(encode(config), indent=2, ensure_ascii=False) + "\n"


def decode(document: object) -> RunConfig:
    """The run that a JSON document describes; settings left out take their defaults.

    Raises:
        ConfigError: with every problem found.
    """
    if not isinstance(document, Mapping):
        raise ConfigError([f"A config must be a JSON object; got {type(document).__name__}."])
    method = document.get("method", "sft")
    if not isinstance(method, str) or method not in METHODS:
        raise ConfigError([f"method must be one of {', '.join(METHODS)}; got {method!r}."])
    problems = unknown("", document, ["method", "model", "name", *SECTIONS, method])
    parts: dict[str, Any] = {key: document[key] for key in ("method", "name") if key in document}
    for section, cls in (SECTIONS | {method: METHODS[method]}).items():
        field = "options" if section == method else section
        try:
            parts[field] = decode_section(cls, document.get(section, {}))
        except ConfigError as error:
            problems.extend(error.problems)
            parts[field] = cls()  # stands in, so that what else is wrong is found in the same attempt
    try:
        if "model" in document:
            parts["model"] = _decode_model(document["model"])
    except ConfigError as error:
        problems.extend(error.problems)
    try:
        config = RunConfig(**parts)
    except ConfigError as error:
        problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return config


def loads(text: str) -> RunConfig:
    """The run in a JSON text; a syntax error is named by line and column."""
    return decode(parse(text))


def parse(text: str) -> Any:
    """JSON values of a text, without the NaN, Infinity and doubled names that Python would let through."""
    try:
        return _strict(text)
    except json.JSONDecodeError as error:
        raise ConfigError([f"Not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}."]) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise ConfigError([f"Not readable as JSON: {error}."]) from None


def with_overrides(document: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """A config document with `PATH=VALUE` settings laid over it; VALUE is JSON, or else a text.

    >>> with_overrides({"method": "sft"}, ["training.max_steps=20"])
    {'method': 'sft', 'training': {'max_steps': 20}}
    """
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        if not separator or not path:
            raise ConfigError([f"--set needs PATH=VALUE, such as training.max_steps=20; got {assignment!r}."])
        *parents, leaf = path.split(".")
        target = changed
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise ConfigError([f"{path} has no place in the config: {parent} is not a section."])
        try:
            target[leaf] = _strict(text)
        except (ValueError, RecursionError):
            target[leaf] = text
    return changed


def _decode_model(value: object) -> str | RunRef:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and set(value) == {"run"} and isinstance(value["run"], str):
        return RunRef(value["run"])
    raise ConfigError([f'model must be a text or {{"run": ID}}; got {value!r}.'])


def _strict(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_doubles)


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ConfigError([f"{doubled} stands twice in one JSON object; say it once."])
    return found


def _refuse_constant(name: str) -> float:
    raise ConfigError([f"{name} is not a JSON number; settings must be finite."])
