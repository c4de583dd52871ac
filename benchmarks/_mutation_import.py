"""Modules of changed code: they are compiled from a changed tree while imported, no file is written."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


class _Loader(importlib.machinery.SourceFileLoader):
    """Gives a module the code of a changed tree, and some names more."""

    def __init__(self, name: str, path: str, tree: ast.Module, names: dict[str, Any]):
        super().__init__(name, path)
        self._tree, self._names = ast.fix_missing_locations(tree), names

    def get_code(self, fullname: str) -> Any:
        return compile(self._tree, self.path, "exec")

    def exec_module(self, module: Any) -> None:
        vars(module).update(self._names)
        super().exec_module(module)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the module of one file, with the code of a changed tree."""

    def __init__(self, file: str, tree: ast.Module, names: dict[str, Any]):
        self._name, self._path = file.removesuffix(".py").replace("/", "."), str(ROOT / file)
        self._tree, self._names = tree, names

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self._name:
            return None
        loader = _Loader(fullname, self._path, self._tree, self._names)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


class _Marked(ast.NodeTransformer):
    """Puts a call before each statement of a function, which notes that it is run."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        self.generic_visit(node)
        for block in _blocks(node):
            marked = []
            for i, statement in enumerate(block):
                if i or not isinstance(statement, ast.Expr):  # a docstring stays the first
                    marked.append(ast.parse(f"__run__({statement.lineno})").body[0])
                marked.append(statement)
            block[:] = marked
        return node


def _blocks(node: ast.AST) -> Iterator[list[Any]]:
    for field in ("body", "orelse", "handlers", "finalbody"):
        block = getattr(node, field, [])
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block
        for child in block if isinstance(block, list) else ():
            if not isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                yield from _blocks(child)


class Lines:
    """Notes which statements of some files are run, with the finders of their marked code."""

    def __init__(self, files: list[Path]):
        self.finders: list[Finder] = []
        self._run: dict[str, set[int]] = {}
        for path in files:
            file = str(path.relative_to(ROOT))
            lines = self._run[file] = set()
            tree = _Marked().visit(ast.parse(path.read_text()))
            self.finders.append(Finder(file, tree, {"__run__": lines.add}))

    def forget(self) -> None:
        for lines in self._run.values():
            lines.clear()

    def of_each_file(self) -> dict[str, set[int]]:
        """Those run since they were forgotten last."""
        return {file: set(lines) for file, lines in self._run.items() if lines}


@contextmanager
def found_first(*finders: Finder) -> Iterator[None]:
    """Within it their modules are imported with the changed code."""
    sys.meta_path[:0] = finders
    yield
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in finders]
