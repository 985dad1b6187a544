"""The JSON Schema (draft 2020-12) of a run's config, written from the settings classes.

`python -m playground.config.schema` writes `assets/configs/schema.json` anew; a test keeps it in step.
"""

import inspect
import json
from pathlib import Path
from typing import Any

from playground.config.codec import SECTIONS
from playground.config.methods import METHODS
from playground.config.rewards import KINDS, MOST_TERMS, SUM, Term
from playground.config.run import RunConfig
from playground.config.settings import Kind, Range, Setting, Settings, setting, settings_of

PATH = Path(__file__).resolve().parents[2] / "assets" / "configs" / "schema.json"

TYPES: dict[Kind, str] = {
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "choice": "string",
    "text": "string",
    "texts": "array",
    "floats": "array",
    "mapping": "object",
    "section": "object",
}


def schema() -> dict[str, Any]:
    """The schema of what `codec.decode` takes. Checks between settings (shares that sum to 1) are beyond it."""
    model = setting(RunConfig, "model")
    properties: dict[str, Any] = {
        "method": {"description": setting(RunConfig, "method").help, "enum": list(METHODS), "default": "sft"},
        "model": {
            "description": model.help,
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {"run": {"type": "string", "minLength": 1}},
                    "required": ["run"],
                    "additionalProperties": False,
                },
            ],
            "default": model.default,
        },
        "name": _property(setting(RunConfig, "name")),
    }
    for section, cls in (SECTIONS | METHODS).items():
        properties[section] = section_schema(cls)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A run of the Post-training Playground",
        "description": inspect.getdoc(RunConfig),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def section_schema(cls: type[Settings]) -> dict[str, Any]:
    """The schema of one settings class."""
    fields = settings_of(cls)
    required = [found.name for found in fields if found.required]
    return {
        "description": inspect.getdoc(cls),
        "type": "object",
        "properties": {found.name: _property(found) for found in fields},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def reward_schema() -> dict[str, Any]:
    """The schema of a reward: one of its kinds, or a weighted sum of them."""
    kinds = [_of_kind(kind, section_schema(cls)) for kind, cls in KINDS.items()]
    weight = _property(setting(Term, "weight"))
    term = {
        "type": "object",
        "properties": {"weight": weight, "reward": {"anyOf": kinds}},
        "required": ["reward"],
        "additionalProperties": False,
    }
    terms = {"type": "array", "items": term, "minItems": 1, "maxItems": MOST_TERMS}
    whole = {"type": "object", "properties": {"terms": terms}, "required": ["terms"], "additionalProperties": False}
    return {"anyOf": [*kinds, _of_kind(SUM, whole)]}


def _of_kind(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with its kind beside its settings."""
    properties = {"kind": {"const": kind}, **found["properties"]}
    return found | {"properties": properties, "required": ["kind", *found.get("required", ())]}


def dumps() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _property(found: Setting) -> dict[str, Any]:
    if found.kind == "section":
        return section_schema(type(found.default)) | {"description": found.help}
    if found.kind == "variant":
        return reward_schema() | {"description": found.help, "default": found.default.to_json()}
    kind = TYPES[found.kind]
    result: dict[str, Any] = {"description": found.help, "type": [kind, "null"] if found.optional else kind}
    match found.kind:
        case "choice":
            result["enum"] = [*found.choices, None] if found.optional else list(found.choices)
        case "texts":
            result["items"] = {"type": "string"}
        case "floats":
            result["items"] = {"type": "number"} | _bounds(found.range)
        case "mapping":
            result["additionalProperties"] = {"type": "string"}
        case _:
            result |= _bounds(found.range)
    if not found.required:
        result["default"] = list(found.default) if isinstance(found.default, tuple) else found.default
    return result


def _bounds(bounds: Range) -> dict[str, float]:
    found = {"minimum": bounds.minimum, "exclusiveMinimum": bounds.above, "maximum": bounds.maximum}
    return {name: value for name, value in found.items() if value is not None}


if __name__ == "__main__":
    PATH.write_text(dumps(), encoding="utf-8")
