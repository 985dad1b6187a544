"""Reads the settings classes themselves: types, ranges, choices, defaults and the docstring under each field.

Forms, command-line help, the JSON schema and the translations all come from here, so that no text, default or
range is written twice. Knows nothing of any particular setting.
"""

import abc
import ast
import dataclasses
import inspect
import itertools
import math
import sys
import textwrap
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Union

from playground.errors import ConfigError


@dataclass(frozen=True)
class Range:
    """The closed interval of numbers a setting allows; `above` excludes its lower end."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None

    def problem(self, value: float) -> str | None:
        """What `value` violates, as the end of a sentence ("must be at least 1"), or None."""
        if isinstance(value, float) and not math.isfinite(value):
            return "must be a finite number"
        if self.above is not None and value <= self.above:
            return f"must be above {self.above}"
        if self.minimum is not None and value < self.minimum:
            return f"must be at least {self.minimum}"
        if self.maximum is not None and value > self.maximum:
            return f"must be at most {self.maximum}"
        return None


ACRONYMS = frozenset({"eos", "gae", "id", "kl", "nll"})
"""Words of a setting's name that are written in capitals."""
Kind = Literal["int", "float", "bool", "choice", "text", "texts", "floats", "mapping", "section", "variant", "model"]


@dataclass(frozen=True)
class Setting:
    """One field of a settings class, as a form or a schema needs to know it."""

    path: str
    """Dotted path in a run's JSON, such as `training.learning_rate`."""
    name: str
    kind: Kind
    default: Any
    help: str
    """The docstring under the field: one or two sentences."""
    range: Range
    choices: tuple[str, ...]
    optional: bool
    """Whether null is allowed."""

    @property
    def required(self) -> bool:
        """Whether the setting has no default and must be given."""
        return self.default is dataclasses.MISSING

    @property
    def label(self) -> str:
        """The name as words: `learning_rate` -> "Learning rate", `gae_lambda` -> "GAE lambda"."""
        words = [word.upper() if word in ACRONYMS else word for word in self.name.split("_")]
        label = " ".join(words)
        return label[0].upper() + label[1:]


class Settings:
    """Base of every settings class: a frozen dataclass whose fields are checked when it is built."""

    section: ClassVar[str] = ""
    """Prefix of the fields' paths; empty for the run itself."""

    def __post_init__(self) -> None:
        problems = [problem for setting in settings_of(type(self)) if (problem := _problem(self, setting))]
        problems.extend(self.conflicts() if not problems else ())
        if problems:
            raise ConfigError(problems)

    def conflicts(self) -> Iterator[str]:
        """What is wrong between fields that are each fine alone; sentences as in `ConfigError`."""
        yield from ()


class Variant(abc.ABC):
    """Base of a setting's values whose class is chosen in their JSON, as a reward's is by its kind."""

    @staticmethod
    @abc.abstractmethod
    def from_json(document: object) -> "Variant":
        """The value that JSON values describe, of whatever class; raises `ConfigError`."""

    @abc.abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The value as JSON values."""


def _problem(owner: Settings, setting: Setting) -> str | None:
    value = getattr(owner, setting.name)
    if value is None:
        return None if setting.optional else f"{setting.path} is needed and has no default; got null."
    expected = _type_problem(setting, value)
    if expected:
        return f"{setting.path} must be {expected}; got {value!r}."
    if setting.kind == "choice" and value not in setting.choices:
        return f"{setting.path} must be one of {', '.join(setting.choices)}; got {value!r}."
    numbers = value if setting.kind == "floats" else (value,) if setting.kind in ("int", "float") else ()
    for number in numbers:
        problem = setting.range.problem(number)
        if problem:
            return f"{setting.path} {problem}; got {number!r}."
    return None


def _is_number(value: object) -> bool:
    """Whether it is a number that a float can hold; true and false are none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max
    return isinstance(value, float)


def _is_text(value: object) -> bool:
    """Whether it is a text that can be written to a file: half a surrogate pair cannot."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _type_problem(setting: Setting, value: object) -> str | None:
    match setting.kind:
        case "int":
            return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
        case "float":
            return None if _is_number(value) else "a number"
        case "bool":
            return None if isinstance(value, bool) else "true or false"
        case "text" | "choice":
            return None if _is_text(value) else "a text"
        case "texts":
            return None if isinstance(value, tuple) and all(map(_is_text, value)) else "a list of texts"
        case "floats":
            return None if isinstance(value, tuple) and all(map(_is_number, value)) else "a list of numbers"
        case "mapping":
            good = isinstance(value, dict) and all(_is_text(item) for pair in value.items() for item in pair)
            return None if good else "an object of texts"
        case "section":
            return None if isinstance(value, Settings) else "an object of settings"
        case "variant":
            return None if isinstance(value, Variant) else "an object with its kind"
        case "model":
            return None


_read: dict[type, tuple[Setting, ...]] = {}


def settings_of(cls: type[Settings]) -> tuple[Setting, ...]:
    """The fields of a settings class, in the order they are written."""
    if cls not in _read:
        hints = typing.get_type_hints(cls, include_extras=True)
        helps = _field_docstrings(cls)
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]  # every subclass is a dataclass
        _read[cls] = tuple(_setting(cls, field, hints[field.name], helps.get(field.name, "")) for field in fields)
    return _read[cls]


def setting(cls: type[Settings], name: str) -> Setting:
    """One field of a settings class by its name."""
    return next(found for found in settings_of(cls) if found.name == name)


def _setting(cls: type[Settings], field: "dataclasses.Field[Any]", hint: Any, help_text: str) -> Setting:
    bounds = Range()
    optional = False
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            hint, bounds = typing.get_args(hint)[0], typing.get_args(hint)[1]
        elif origin in (Union, types.UnionType) and type(None) in typing.get_args(hint):
            optional = True
            rest = tuple(arg for arg in typing.get_args(hint) if arg is not type(None))
            hint = Union[rest]  # noqa: UP007  # built at run time
        else:
            break
    kind, choices = _kind(hint)
    default = field.default
    if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    prefix = f"{cls.section}." if cls.section else ""
    return Setting(prefix + field.name, field.name, kind, default, help_text, bounds, choices, optional)


def _kind(hint: Any) -> tuple[Kind, tuple[str, ...]]:
    origin = typing.get_origin(hint)
    if origin is Literal:
        return "choice", typing.get_args(hint)
    if origin is tuple:
        return ("floats" if typing.get_args(hint)[0] is not str else "texts"), ()
    if origin is dict:
        return "mapping", ()
    if origin in (Union, types.UnionType):
        return ("variant" if all(issubclass(arg, Variant) for arg in typing.get_args(hint)) else "model"), ()
    kinds: dict[Any, Kind] = {int: "int", float: "float", bool: "bool", str: "text"}
    return kinds.get(hint, "section"), ()


def _field_docstrings(cls: type) -> dict[str, str]:
    """The string literal under each annotated field, inherited ones too."""
    inherited = [base for base in reversed(cls.__mro__) if issubclass(base, Settings) and base is not Settings]
    return {name: text for base in inherited for name, text in _own_docstrings(base).items()}


def _own_docstrings(cls: type) -> dict[str, str]:
    """Those that stand in the class itself; Python throws them away, the source keeps them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    body = typing.cast("ast.ClassDef", tree.body[0]).body
    found = {}
    for statement, following in itertools.pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            found[statement.target.id] = " ".join(following.value.value.split())
    return found
