"""One settings class to JSON values and back: unknown keys and wrong types are errors that name the path."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from playground.config.settings import Setting, Settings, Variant, settings_of
from playground.errors import ConfigError

S = TypeVar("S", bound=Settings)


def decode_section(cls: type[S], document: object) -> S:
    """One settings class from a JSON object; settings left out take their defaults.

    Raises:
        ConfigError: with every problem found.
    """
    name = cls.section
    if not isinstance(document, Mapping):
        raise ConfigError([f"{name} must be a JSON object; got {document!r}."])
    settings = {found.name: found for found in settings_of(cls)}
    problems = unknown(f"{name}.", document, list(settings))
    missing = [found.path for found in settings.values() if found.required and found.name not in document]
    problems.extend(f"{path} is needed and has no default." for path in missing)
    # The known ones are checked all the same, so that one attempt shows everything that is wrong.
    values: dict[str, Any] = {}
    for found in settings.values():
        try:
            if found.name in document:
                values[found.name] = _decode_value(found, document[found.name])
        except ConfigError as error:
            problems.extend(error.problems)
    try:
        section = cls(**values) if not missing else None
    except ConfigError as error:
        problems.extend(error.problems)
        section = None
    if problems or section is None:
        raise ConfigError(problems)
    return section


def encode_section(section: Settings) -> dict[str, Any]:
    """One settings class as JSON values."""
    return {found.name: _encode_value(getattr(section, found.name)) for found in settings_of(type(section))}


def _encode_value(value: Any) -> Any:
    if isinstance(value, Variant):
        return value.to_json()
    if isinstance(value, Settings):
        return encode_section(value)
    return list(value) if isinstance(value, tuple) else value


def _decode_value(setting: Setting, value: Any) -> Any:
    if setting.kind == "variant":
        return type(setting.default).from_json(value)
    if setting.kind == "section":
        return decode_section(type(setting.default), value)
    return tuple(value) if setting.kind in ("texts", "floats") and isinstance(value, list) else value


def unknown(prefix: str, document: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    """A sentence for each key of `document` that is not among those known."""
    return [_unknown_sentence(prefix, str(key), known) for key in document if key not in known]


def _unknown_sentence(prefix: str, key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {prefix}{close[0]}?" if close else f"known are {', '.join(known)}."
    return f"{prefix}{key} is not a setting; {hint}"
