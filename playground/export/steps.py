"""A tutorial in steps, and the two forms it is given in: a script and a notebook. Knows no method.

Code is put together from small pieces that are formatted as they stand, so that what comes out reads as if written.
"""

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 100
"""Columns of what is generated."""
INDENT = "    "


@dataclass(frozen=True)
class Verbatim:
    """A value that stands in the code as it is, such as a name."""

    code: str


@dataclass(frozen=True)
class Step:
    """One step: what is done and why, and the code that does it."""

    title: str
    text: str
    """A paragraph in plain words."""
    code: str


@dataclass(frozen=True)
class Tutorial:
    """A whole run in steps."""

    title: str
    text: str
    """What it repeats, and how to run it."""
    packages: Sequence[str]
    """Requirements with exact versions, as pip takes them."""
    imports: Sequence[str]
    """Lines of import from packages, sorted."""
    steps: Sequence[Step]
    """Their code finds the folder of the files beside it under the name `HERE`."""


def call(name: str, arguments: Mapping[str, object], *, comments: Mapping[str, str] | None = None) -> str:
    """A call with one keyword argument on each line; `comments` stand behind some of them."""
    said = comments or {}
    lines = [
        _argument(f"{INDENT}{key}=", value) + (f"  # {said[key]}" if key in said else "")
        for key, value in arguments.items()
    ]
    return "\n".join([f"{name}(", *lines, ")"])


def _argument(start: str, value: object) -> str:
    line = f"{start}{literal(value)},"
    if len(line) <= WIDTH or not isinstance(value, list | tuple):
        return line
    items = "\n".join(f"{2 * INDENT}{literal(item)}," for item in value)
    return f"{start}[\n{items}\n{INDENT}],"


def literal(value: object) -> str:
    """A value as Python writes it, texts in double quotes."""
    if isinstance(value, Verbatim):
        return value.code
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    return repr(value)


def assigned(name: str, value: str) -> str:
    """A text given a name; a long one of several lines is written over as many."""
    line = f"{name} = {literal(value)}"
    lines = value.splitlines(keepends=True)
    if len(line) <= WIDTH or len(lines) < 2:
        return line
    return f"{name} = " + "\n".join(["(", *(f"{INDENT}{literal(line)}" for line in lines), ")"])


def plain(text: str) -> str:
    """A text of anybody's on one line, that cannot end a docstring or begin an escape."""
    return " ".join(text.split()).replace("\\", "/").replace('"""', "'''").rstrip('"')


def as_script(tutorial: Tutorial) -> str:
    """One Python file with its requirements in front (PEP 723), ready for `uv run` or `python`."""
    here = "HERE = Path(__file__).resolve().parent"
    script = "\n\n".join([_header(tutorial), _imports(tutorial), here]) + "\n"
    for number, step in enumerate(tutorial.steps, 1):
        comment = _commented(f"{number}. {step.title}\n{_filled(step.text, WIDTH - 2)}")
        apart = "\n\n" if step.code.startswith(("def ", "class ")) else "\n"
        script += f"{apart}{comment}\n{step.code}\n"
    return script


def as_cells(tutorial: Tutorial) -> list[tuple[str, str]]:
    """(kind, text) of a notebook's cells; a notebook is opened in the folder of its files."""
    install = "# %pip install " + " ".join(f'"{package}"' for package in tutorial.packages)
    cells = [
        ("markdown", f"# {tutorial.title}\n\n{tutorial.text}"),
        ("markdown", "Where the packages are not here yet, take the first `#` away and run this once."),
        ("code", install),
        ("code", f"{_imports(tutorial)}\n\nHERE = Path.cwd()"),
    ]
    for number, step in enumerate(tutorial.steps, 1):
        cells += [("markdown", f"## {number}. {step.title}\n\n{step.text}"), ("code", step.code)]
    return cells


def _imports(tutorial: Tutorial) -> str:
    return "from pathlib import Path\n\n" + "\n".join(tutorial.imports)


def _header(tutorial: Tutorial) -> str:
    required = "\n".join(f'#     "{package}",' for package in tutorial.packages)
    packages = f'# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n{required}\n# ]\n# ///'
    return f'{packages}\n"""{tutorial.title}\n\n{_filled(tutorial.text, WIDTH)}\n"""'


def _filled(text: str, width: int) -> str:
    """Paragraphs filled to a width; lines that are indented stay as they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        found
        if found.startswith(INDENT)
        else textwrap.fill(found, width, break_long_words=False, break_on_hyphens=False)
        for found in paragraphs
    )


def _commented(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.splitlines())
