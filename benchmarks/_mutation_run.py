"""Runs tests against a mutant: in a fork of a process that has imported JAX and everything but jaxsched.

So a mutant costs its tests alone. A fork after the first computation would hang: the parent makes none.
The mutated module is compiled from the changed tree while it is imported; no file is written.
What the last tests printed is in the file that the environment's MUTATION_LOG names.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis  # noqa: F401 (imported once, for all forks)
import jax
import matplotlib  # noqa: F401 (likewise)
import mpmath  # noqa: F401 (likewise)
import optax  # noqa: F401 (likewise)
import pytest
from _mutants import Mutant, put

ROOT = Path(__file__).parent.parent
OPTIONS = [
    "-q", "-p", "xdist", "-p", "pytest_timeout", "-o", "timeout=0", "-p", "no:cacheprovider",
    "-o", "addopts=", "--doctest-modules", "--import-mode=importlib", "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]  # fmt: skip
"""As in pyproject.toml, in one process, and without the plugins that no test of the core needs."""
MEMORY = 20 * 2**30


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


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the module of one file, with the code of a changed tree."""

    def __init__(self, file: str, tree: ast.Module, names: dict[str, Any]):
        self._name, self._path = file.removesuffix(".py").replace("/", "."), str(ROOT / file)
        self._tree, self._names = tree, names

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self._name:
            return None
        loader = _Loader(fullname, self._path, self._tree, self._names)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


class _Install:
    """Lets the finders find first: pytest's own, which rewrites assertions, comes before the session."""

    def __init__(self, *finders: _Finder):
        self.finders = finders

    def pytest_sessionstart(self) -> None:
        sys.meta_path[:0] = self.finders


class _Selection:
    """Keeps the named tests, in their order, and ends the process at the first that fails."""

    def __init__(self, tests: list[str], report: Path):
        self.order, self.report = {name: i for i, name in enumerate(tests)}, report

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self.order]
        items.sort(key=lambda item: self.order[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.report.write_text(report.nodeid)
            os._exit(1)


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


class Tracer:
    """Notes which statements of some files each test runs, and how long it takes."""

    def __init__(self, files: list[Path], laws: dict[str, int]):
        self.laws, self.finders = laws, []
        self.run: dict[str, set[int]] = {}
        self.seconds: dict[str, float] = {}
        self.lines: dict[str, dict[str, list[int]]] = {}
        for path in files:
            file = str(path.relative_to(ROOT))
            lines = self.run[file] = set()
            tree = _Marked().visit(ast.parse(path.read_text()))
            self.finders.append(_Finder(file, tree, {"__run__": lines.add}))

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        count: dict[str, int] = {}
        kept = []
        for item in items:
            name = item.nodeid.partition("[")[0]
            count[name] = number = count.get(name, -1) + 1
            if "test_laws" not in name or number % self.laws.get(item.originalname, 10**9) == 0:
                kept.append(item)
        items[:] = kept

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        for lines in self.run.values():
            lines.clear()
        begin = time.perf_counter()
        yield
        self.seconds[item.nodeid] = time.perf_counter() - begin
        self.lines[item.nodeid] = {file: sorted(run) for file, run in self.run.items() if run}


# What is compiled once is read by all forks, and does not lie between the sources.
sys.dont_write_bytecode, sys.pycache_prefix = False, tempfile.mkdtemp(prefix="mutation-")
atexit.register(shutil.rmtree, sys.pycache_prefix, ignore_errors=True)


def fork(work: Any, seconds: float) -> int | None:
    """What `work()` returns in a fork, or None if it takes too long."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of any fork; no thread of its own runs yet
        child = os.fork()
    if not child:
        code = 3
        try:
            os.setsid()
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            with open(os.environ.get("MUTATION_LOG", os.devnull), "w") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _pytest(files: list[str], plugins: list[Any], *options: str) -> int:
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    return int(pytest.main([*OPTIONS, *options, *files], plugins=plugins))


def trace(files: list[Path], tests: list[str], laws: dict[str, int], path: Path) -> None:
    """Writes which test runs which lines."""

    def work() -> int:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        plugin = Tracer(files, laws)
        code = _pytest(tests, [plugin, _Install(*plugin.finders)])
        path.write_text(json.dumps({"seconds": plugin.seconds, "lines": plugin.lines}))
        return code

    code = fork(work, 3600)
    if code != 0:
        print(f"tracing: pytest ended with {code}; are the tests green?", file=sys.stderr)


def outcome(
    tree: ast.Module | None,
    mutant: Mutant | None,
    tests: list[str],
    seconds: float,
    x64: bool = False,
) -> tuple[str, str]:
    """("killed", the test that failed), ("killed", "time") or ("survived", "")."""
    with tempfile.NamedTemporaryFile() as file:
        report = Path(file.name)

        def work() -> int:
            jax.config.update("jax_enable_x64", x64)
            plugins: list[Any] = [_Selection(tests, report)]
            if tree is not None and mutant is not None:
                put(mutant.place, mutant.new)
                plugins.append(_Install(_Finder(mutant.file, tree, {})))
            files = list(dict.fromkeys(test.split("::")[0] for test in tests))
            return _pytest(files, plugins, "-x", "--tb=no")

        code = fork(work, seconds)
        failed = report.read_text()
    if code == 0:
        return "survived", ""
    if code is None:
        return "killed", "time"
    return "killed", failed or "import"
