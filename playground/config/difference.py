"""What two configs say differently: setting by setting, on their JSON, as it was kept."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

from playground.config.codec import SECTIONS
from playground.config.methods import METHODS
from playground.config.run import RunConfig
from playground.config.settings import Settings, settings_of


class Unset(Enum):
    """The value of a setting that a document does not have; null is a value like any other."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET

_CLASSES: tuple[type[Settings], ...] = (RunConfig, *SECTIONS.values(), *METHODS.values())
WHOLE = frozenset(
    found.path for cls in _CLASSES for found in settings_of(cls) if found.kind in ("mapping", "variant", "model")
)  # fmt: skip
"""Settings whose value may be an object, which is compared as one."""


class Compared(NamedTuple):
    """One setting in two documents."""

    path: str
    """Dotted, as `--set` takes it: `training.learning_rate`."""
    first: Any
    """A JSON value, or `UNSET`."""
    second: Any

    @property
    def differs(self) -> bool:
        """Whether the documents say different things; 1 and 1.0 are the same number, and true is none."""
        return not _same(self.first, self.second)


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Compared, ...]:
    """Every setting of either document: in the order of the first, then those that only the second has.

    >>> [found for found in compare({"a": {"b": 1}}, {"a": {"b": None}}) if found.differs]
    [Compared(path='a.b', first=1, second=None)]
    """
    one, other = _leaves(first), _leaves(second)
    paths = _in_order(list(one), list(other))
    return tuple(Compared(path, one.get(path, UNSET), other.get(path, UNSET)) for path in paths)


def _leaves(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and path not in WHOLE:
            found |= _leaves(value, f"{path}.")
        else:
            found[path] = value
    return found


def _in_order(first: list[str], second: list[str]) -> list[str]:
    """All paths; one that only the second has stands behind the last of its own section, or at the end."""
    ordered = list(first)
    for path in second:
        if path in ordered:
            continue
        section = path.rpartition(".")[0]
        fellows = [at for at, other in enumerate(ordered) if other.rpartition(".")[0] == section]
        ordered.insert(fellows[-1] + 1 if fellows else len(ordered), path)
    return ordered


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second)
