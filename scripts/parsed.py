"""A file of Python source, as what reads sentences out of it needs it; knows nothing of sentences."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """A file of the source."""

    name: str
    tree: ast.Module
    imported: set[str] = field(default_factory=set)
    """Last names of modules and of what is taken from them."""
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in ast.walk(self.tree):
            self.parents.update(dict.fromkeys(ast.iter_child_nodes(node), node))
            if isinstance(node, ast.ImportFrom) and node.module:
                self.imported |= {node.module.split(".")[-1], *(found.name for found in node.names)}

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, from the inside out."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def function_of(self, node: ast.AST) -> Function | None:
        """The function that a node stands in."""
        return next((found for found in self.around(node) if isinstance(found, Function)), None)


def last_name(node: ast.expr) -> str:
    """The last name of `a.b.c`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def values_of(node: ast.AST, name: str) -> Iterator[ast.expr]:
    """What a statement gives a name."""
    match node:
        case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
            yield value
        case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
            yield value
        case ast.AugAssign(target=ast.Name(id=target), value=value) if target == name:
            yield value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            named = zip(targets, values, strict=True)
            yield from (value for target, value in named if isinstance(target, ast.Name) and target.id == name)


def parameters(function: Function) -> list[str]:
    """Names of what a function is given."""
    given = function.args
    return [found.arg for found in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def is_property(function: Function) -> bool:
    """Whether it is called without parentheses."""
    return any(last_name(found) in ("property", "cached_property") for found in function.decorator_list)


def gives_text(function: Function) -> bool:
    """Whether it says that it returns a text, or a text or None."""
    return function.returns is not None and "str" in re.findall(r"\w+", ast.unparse(function.returns))[:1]
