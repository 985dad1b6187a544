"""Finds every English sentence that an error, a refused setting or a job's end can say, and keeps their translations.

`python -m scripts.sentences` brings `assets/i18n/sentences/ko.json` in step with the source: sentences that are said no
longer are taken out, new ones are put in without a text, for a person to write. A test keeps it so.

A sentence is read from the source as a template: `{0}`, `{1}` stand where something is filled in. Where
pieces of a sentence are chosen from (`"text" if one else "texts"`, a local name, or a function that gives them), each
makes a template of its own; what is a whole sentence by itself stays a place.
"""

import ast
import functools
import itertools
import json
import math
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from scripts.parsed import Function, Module, gives_text, is_property, last_name, parameters, values_of

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "assets" / "i18n" / "sentences" / "ko.json"
SILENT = ("cli", "plots")
"""Folders of `playground` whose sentences no page shows."""
TELLERS = frozenset(
    "Dropped Ending Force PhaseChange Share _end _settle check_owner ended finish request_stop require_host "
    "require_owner step_aside".split()
)
"""Calls, beside those that make an error, whose arguments a person reads."""
SAYING = re.compile(r"conflicts|\w*problems?|\w+_sentence")
"""Names of functions that give or yield what a person reads."""
KEYS = {"error", "message", "problem", "refused", "reason", "_failure"}
"""Keys, keywords and attributes that hold sentences."""
NAMES = frozenset(
    "adapter auto busy cpu custom data error id info kind model null unfit unknown warning".split(),
)
"""Words that are names of something, and the same in every language."""
LISTS = {"problems", "reasons", "found"}
"""Names of lists that sentences are gathered in."""
MOST_FORMS = 8
"""Templates that one sentence may come apart into; with more, what is chosen stays a place."""

Form = tuple[str | None, ...]
"""Pieces of a sentence; None is a place."""
PLACE: Form = (None,)


class Sentences:
    """All templates of a folder of source."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(path for path in folder.rglob("*.py") if path.relative_to(folder).parts[0] not in SILENT)
        self.modules = [Module(path.stem, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]
        self.templates: set[str] = set()
        self._functions: dict[str, list[tuple[Module, Function]]] = {}
        self._calls: dict[str, list[tuple[Module, ast.Call]]] = {}
        self._found: dict[tuple[object, ...], list[Form]] = {}
        self._constants: dict[str, list[tuple[Module, ast.expr]]] = {}
        for module in self.modules:
            self._index(module)
        self._errors = self._error_classes()
        for module in self.modules:
            for node in ast.walk(module.tree):
                for said in self._said(module, node):
                    self._keep(self._forms(module, said))

    def _index(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if isinstance(node, Function):
                self._functions.setdefault(node.name, []).append((module, node))
            elif isinstance(node, ast.Call):
                self._calls.setdefault(last_name(node.func), []).append((module, node))
        for statement in module.tree.body:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                self._constants.setdefault(statement.targets[0].id, []).append((module, statement.value))

    def _error_classes(self) -> set[str]:
        bases = {
            node.name: {last_name(base) for base in node.bases}
            for module in self.modules
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef)
        }
        found = {"Exception"}
        while more := {name for name, of in bases.items() if of & found} - found:
            found |= more
        return found - {"Exception"}

    def _said(self, module: Module, node: ast.AST) -> Iterable[ast.expr]:
        """What a person reads of what stands at `node`."""
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__")):
                inside = next(found for found in module.around(node) if isinstance(found, ast.ClassDef))
                return node.args if inside.name in self._errors else ()
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append" | "extend")) if name in LISTS:
                return node.args
            case ast.Call() if last_name(node.func) in self._errors | TELLERS:
                return [*node.args, *(keyword.value for keyword in node.keywords)]
            case ast.ClassDef(name="Phase"):
                self._keep(
                    [(ast.literal_eval(kind.value),) for kind in node.body if isinstance(kind, ast.Assign)], words=1
                )
            case ast.keyword(arg=str() as name, value=value) if name in KEYS:
                return [value]
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=value) if name in KEYS:
                return [value]
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                named = zip(targets, values, strict=True)
                return [value for target, value in named if isinstance(target, ast.Attribute) and target.attr in KEYS]
            case ast.Dict():
                return [
                    value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value in KEYS
                ]
            case ast.Yield(value=ast.expr() as value) | ast.Return(value=ast.expr() as value):
                function = module.function_of(node)
                return [value] if function and SAYING.fullmatch(function.name) else ()
        return ()

    def _keep(self, forms: Iterable[Form], words: int = 2) -> None:
        self.templates.update(written for form in forms if _has_words(written := _written(form), words))

    def _forms(self, module: Module, node: ast.expr) -> list[Form]:
        """What an expression may say."""
        again = functools.partial(self._forms, module)
        match node:
            case ast.Constant(value=str() as text):
                return [(text,)]
            case ast.Constant(value=None):
                return []
            case ast.JoinedStr(values=values):
                return self._joined([self._part(module, part) for part in values])
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._joined([self._chosen(again(left)), self._chosen(again(right))])
            case ast.IfExp(body=body, orelse=other):
                return [*again(body), *again(other)]
            case ast.BoolOp(op=ast.Or(), values=values):
                return [form for value in values for form in again(value)]
            case ast.List(elts=values) | ast.Tuple(elts=values) | ast.Set(elts=values):
                self._keep(form for value in values for form in again(value))
                return [PLACE]
            case ast.ListComp(elt=value) | ast.GeneratorExp(elt=value) | ast.Starred(value=value):
                self._keep(again(value))
                return [PLACE]
            case ast.Name():
                return self._named(module, node)
            case ast.Attribute(attr=name):
                return self._given(module, name, properties=True)
            case ast.Call():
                return self._called(module, node)
        return [PLACE]

    def _part(self, module: Module, node: ast.expr) -> list[Form]:
        """What a part of an f-string may say."""
        if not isinstance(node, ast.FormattedValue):
            return self._forms(module, node)
        plain = node.conversion == -1 and node.format_spec is None
        return self._chosen(self._forms(module, node.value)) if plain else [PLACE]

    def _chosen(self, forms: list[Form]) -> list[Form]:
        """What may stand in a place: pieces of a sentence all, or else a place, and what is known of it is kept."""
        pieces = all(form == ("",) or ("".join(filter(None, form)) and not _is_whole(form)) for form in forms)
        if pieces and 0 < len(forms) <= MOST_FORMS // 2:
            return list(dict.fromkeys(forms))
        self._keep(forms, words=1)
        return [PLACE]

    def _joined(self, parts: list[list[Form]]) -> list[Form]:
        """Every way to choose one form of each part; where that is too many, the part with most is a place."""
        while math.prod(map(len, parts)) > MOST_FORMS:
            widest = max(range(len(parts)), key=lambda at: len(parts[at]))
            self._keep(parts[widest])
            parts[widest] = [PLACE]
        return [tuple(itertools.chain(*chosen)) for chosen in itertools.product(*parts)]

    def _once(self, key: tuple[object, ...], module: Module, values: list[ast.expr]) -> list[Form]:
        """What any of `values` may say, found once; a place while it is being found, where it comes back to itself."""
        if key not in self._found:
            self._found[key] = [PLACE]
            self._found[key] = [form for value in values for form in self._forms(module, value)]
        return self._found[key]

    def _named(self, module: Module, node: ast.Name) -> list[Form]:
        """What a name may say: as it is assigned in its function, given to it, or a constant of the source."""
        for function in module.around(node):
            if not isinstance(function, Function):
                continue
            assigned = [value for found in ast.walk(function) for value in values_of(found, node.id)]
            if assigned:
                return self._once((function, node.id), module, assigned)
            if node.id in parameters(function):
                self._keep_arguments(function, node.id)
                return [PLACE]
        return [
            form
            for where, value in self._constants.get(node.id, [])
            if isinstance(value, ast.Constant | ast.BinOp) and isinstance(getattr(value, "value", ""), str)
            for form in self._forms(where, value)
            if " " in "".join(filter(None, form))
        ] or [PLACE]

    def _keep_arguments(self, function: Function, parameter: str) -> None:
        """The words that a function is called with anywhere."""
        if (key := (function, parameter)) in self._found:
            return
        self._found[key] = [PLACE]
        at = parameters(function).index(parameter)
        defaults = dict(zip(parameters(function)[::-1], function.args.defaults[::-1], strict=False))
        for module, call in self._calls.get(function.name, []):
            shift = 1 if parameters(function)[:1] == ["self"] else 0
            given = [keyword.value for keyword in call.keywords if keyword.arg == parameter]
            given += call.args[at - shift : at - shift + 1]
            self._keep((form for value in given for form in self._forms(module, value)), words=1)
        if parameter in defaults:
            self._keep(self._forms(self.modules[0], defaults[parameter]), words=1)

    def _called(self, module: Module, node: ast.Call) -> list[Form]:
        name = last_name(node.func)
        if isinstance(node.func, ast.Attribute) and name in ("strip", "rstrip"):
            return self._forms(module, node.func.value)
        if name in ("str", "join", *self._errors):
            self._keep(form for value in node.args for form in self._forms(module, value))
            return [PLACE]
        return self._given(module, name)

    def _given(self, module: Module, name: str, properties: bool = False) -> list[Form]:
        """What functions, or properties, of a name may give; those of modules that `module` imports before others."""
        known = [
            (where, function)
            for where, function in self._functions.get(name, [])
            if gives_text(function) and properties == is_property(function)
        ]
        near = [found for found in known if found[0] is module or found[0].name in module.imported]
        found = [form for where, function in near or known for form in self._returned(where, function)]
        return found if any(_has_words(_written(form)) for form in found) else [PLACE]

    def _returned(self, module: Module, function: Function) -> list[Form]:
        returned = [found.value for found in ast.walk(function) if isinstance(found, ast.Return) and found.value]
        return self._once((function,), module, [value for value in returned if module.function_of(value) is function])


def _written(form: Form) -> str:
    """The template of a form; places side by side are one."""
    merged = [piece for piece, before in zip(form, (0, *form), strict=False) if piece is not None or before is not None]
    numbers = itertools.count()
    return "".join(f"{{{next(numbers)}}}" if piece is None else piece for piece in merged).strip()


def _has_words(template: str, least: int = 2) -> bool:
    """Whether it reads as words, and not as a setting's path or a file's name."""
    return (
        template not in NAMES
        and (len(template.split()) >= least or template.istitle())
        and re.search(r"(?<![\w.:/])[A-Za-z]?[a-z]{2,}(?![\w.:/])", template) is not None
    )


def _is_whole(form: Form) -> bool:
    """Whether it is a sentence by itself, with its stop."""
    text = _written(form)
    return text.endswith((".", "?")) and bool(re.match(r"[A-Z{]", text)) and form[0] is not None and form[0][:1] != " "


def in_step(written: dict[str, str], templates: Iterable[str]) -> dict[str, str]:
    """The catalogue with the sentences as they are now; those without a text have an empty one."""
    return {template: written.get(template, "") for template in sorted(templates)}


def main() -> int:
    """Brings the file in step and prints the sentences without a text; 1 where there are any."""
    templates = Sentences(ROOT / "playground").templates
    written = json.loads(CATALOGUE.read_text(encoding="utf-8")) if CATALOGUE.exists() else {}
    found = in_step(written, templates)
    CATALOGUE.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    lacking = [template for template, text in found.items() if not text]
    print("\n".join(lacking))
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
