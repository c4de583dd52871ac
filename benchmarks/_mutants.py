"""The mutants of a file: small changes of its code, each of which some test should notice.

What is not code that computes is left as it is: docstrings, annotations, decorators, what an error says,
and the keywords that change only speed or an assertion (`mode=`, `strict=`, `maxsize=`).
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BOUNDARY = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_NEGATION = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATOR = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_FUNCTION = {
    "minimum": "maximum",
    "maximum": "minimum",
    "min": "max",
    "max": "min",
    "floor": "ceil",
    "ceil": "floor",
    "round": "floor",
    "any": "all",
    "all": "any",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
}
_LEFT_OUT = {"minimum", "maximum", "min", "max", "clip", "round", "floor", "ceil", "trunc", "abs"} | {
    "stop_gradient", "saturated", "num", "real", "exact", "settle", "at_least_one", "nan_to_num",
}  # fmt: skip
"""Calls that may be left out, so that their first argument stays."""
_KEPT_KEYWORDS = {"mode", "strict", "maxsize"}
_IN_TEMPLATE = {
    " + ": (" - ",),
    " - ": (" + ",),
    " * ": (" / ",),
    " / ": (" * ",),
    " // ": (" / ",),
    " ** ": (" * ",),
    " < ": (" <= ", " >= "),
    " <= ": (" < ", " > "),
    " > ": (" >= ", " <= "),
    " >= ": (" > ", " < "),
    "-{": ("{",),
    "(-{": ("({",),
    " 0.5": (" 1.0",),
    " 1.0": (" 2.0",),
    " 1": (" 2",),
    " 0": (" 1",),
}


@dataclass(frozen=True, eq=False)
class Mutant:
    """One change: of the field of a node of a tree."""

    file: str
    function: str
    line: int
    """Of the statement."""
    before: str
    after: str
    number: int
    """Which one it is of those that read alike."""
    place: tuple[ast.AST, str, int | None]
    new: ast.AST

    @property
    def name(self) -> str:
        again = f" #{self.number + 1}" if self.number else ""
        return f"{self.file}:{self.function}: {self.before}  ->  {self.after}{again}"


def mutants(path: Path, root: Path) -> tuple[ast.Module, list[Mutant]]:
    """The tree of a file, and every change of it."""
    tree = ast.parse(path.read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for node, place in _places(tree):
        for new in _replacements(node, parents[node]):
            context = _context(node, parents)
            before = ast.unparse(context)
            old = put(place, new)
            after = ast.unparse(context if context is not node else new)
            put(place, old)
            if before == after or re.fullmatch(r"(\w+) = \1", after):  # the latter is a `pass` too
                continue
            function = _function(node, parents)
            key = (function, before, after)
            file, line = str(path.relative_to(root)), _statement(node, parents).lineno
            found.append(Mutant(file, function, line, before, after, seen[key], place, new))
            seen[key] += 1
    return tree, found


def put(place: tuple[ast.AST, str, int | None], new: Any) -> Any:
    """Puts a node into its place and returns what was there."""
    parent, field, index = place
    if index is None:
        old = getattr(parent, field)
        setattr(parent, field, new)
    else:
        old = getattr(parent, field)[index]
        getattr(parent, field)[index] = new
    return old


def _places(node: ast.AST) -> Iterator[tuple[Any, tuple[ast.AST, str, int | None]]]:
    """The nodes that may be changed, in the order of the text."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _says_nothing(child):
                continue
            yield child, (node, field, index)
            yield from _places(child)


def _says_nothing(node: ast.AST) -> bool:
    if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr, ast.expr_context)):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id in ("__slots__", "__array_ufunc__", "ArrayLike")
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)  # a docstring


def _replacements(node: Any, parent: Any) -> Iterator[Any]:
    if isinstance(parent, ast.If) and node is parent.test:
        yield ast.Constant(False)
        if isinstance(node, (ast.Call, ast.Name)):
            yield ast.UnaryOp(ast.Not(), node)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for table in (_BOUNDARY, _NEGATION):
            if type(node.ops[0]) in table:
                yield ast.Compare(node.left, [table[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATOR:
        yield ast.BinOp(node.left, _OPERATOR[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for i in range(len(node.values)):
            rest = [v for j, v in enumerate(node.values) if j != i]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _constants(node, parent)
    elif isinstance(node, ast.IfExp) and not isinstance(node.test, ast.Compare):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        if any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node.value)):
            yield ast.Pass()
    elif isinstance(node, ast.AugAssign):
        yield ast.Pass()


def _constants(node: ast.Constant, parent: Any) -> Iterator[Any]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        if value == 1:
            yield ast.Constant(0)
    elif isinstance(value, float):
        yield ast.Constant(value * 2.0 if value else 1.0)
    elif isinstance(value, str) and re.search(r"\{\d?\}", value):
        for old, news in _IN_TEMPLATE.items():
            ends = r"(?![\d.])" if old[-1].isdigit() else ""
            for match in re.finditer(re.escape(old) + ends, value):
                for new in news:
                    yield ast.Constant(value[: match.start()] + new + value[match.end() :])


def _calls(node: ast.Call) -> Iterator[Any]:
    function = node.func
    name = getattr(function, "attr", getattr(function, "id", ""))
    if name in _FUNCTION:
        yield ast.Call(_renamed(function, _FUNCTION[name]), node.args, node.keywords)
    if name in _LEFT_OUT and node.args and not isinstance(node.args[0], ast.Starred):
        plain = [a for a in node.args if not isinstance(a, ast.Constant)]
        yield (plain or node.args)[0]
    if name == "where" and len(node.args) == 3 and not isinstance(node.args[0], ast.Compare):
        condition, x, y = node.args
        yield ast.Call(function, [condition, y, x], node.keywords)
    for keyword in node.keywords:
        if keyword.arg and keyword.arg not in _KEPT_KEYWORDS:
            yield ast.Call(function, node.args, [k for k in node.keywords if k is not keyword])


def _renamed(function: Any, name: str) -> Any:
    if isinstance(function, ast.Name):
        return ast.Name(name, ast.Load())
    return ast.Attribute(function.value, name, ast.Load())


def _context(node: Any, parents: dict[Any, Any]) -> Any:
    """What to show of a change: the largest expression or simple statement around it that is short."""
    while True:
        parent = parents.get(node)
        whole = isinstance(parent, (ast.expr, ast.Assign, ast.Return, ast.AugAssign, ast.keyword))
        if not whole or isinstance(parent, ast.Lambda) or len(ast.unparse(parent)) > 88:
            return node
        node = parent


def _statement(node: Any, parents: dict[Any, Any]) -> Any:
    while not isinstance(node, ast.stmt):
        node = parents[node]
    return node


def _function(node: Any, parents: dict[Any, Any]) -> str:
    names = []
    while node in parents:
        node = parents[node]
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
    return ".".join(reversed(names))
