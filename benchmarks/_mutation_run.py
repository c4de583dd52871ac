"""Runs tests against a mutant: in a fork of a process that has imported JAX and everything but jaxsched.

So a mutant costs its tests alone. A fork after the first computation would hang: the parent makes none.
The mutated module is compiled from the changed tree while it is imported; no file is written.
What the last tests printed is in the file that the environment's MUTATION_LOG names.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
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
from pathlib import Path
from typing import Any

import hypothesis  # noqa: F401 (imported once, for all forks)
import jax
import matplotlib  # noqa: F401 (likewise)
import mpmath  # noqa: F401 (likewise)
import optax  # noqa: F401 (likewise)
import pytest
from _mutants import Mutant, put
from _mutation_import import ROOT, Finder, Lines

OPTIONS = [
    "-q", "-p", "xdist", "-p", "pytest_timeout", "-o", "timeout=0", "-p", "no:cacheprovider",
    "-o", "addopts=", "--doctest-modules", "--import-mode=importlib", "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]  # fmt: skip
"""As in pyproject.toml, in one process, and without the plugins that no test of the core needs."""
MEMORY = 20 * 2**30
NOT_FOUND = 9
ENDS = {
    2: "interrupted",
    3: "an error outside of the tests",
    4: "pytest was called wrongly",
    5: "no test was found",
    NOT_FOUND: "not all tests were found",
}
"""What it means when pytest ends with these; a negative code is the signal that ended it."""


class _Install:
    """Lets the finders find first: pytest's own, which rewrites assertions, comes before the session."""

    def __init__(self, *finders: Finder):
        self.finders = finders

    def pytest_sessionstart(self) -> None:
        sys.meta_path[:0] = self.finders


class _Selection:
    """Keeps the named tests, in their order, and ends the process at the first that fails.

    Only what is written into the report is known to be of the mutant: any other end may be of the machine,
    or of tests that are no more.
    """

    def __init__(self, tests: list[str], report: Path):
        self.order, self.report = {name: i for i, name in enumerate(tests)}, report
        self.missing = set(tests)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self.order]
        items.sort(key=lambda item: self.order[item.nodeid])
        self.missing = self.order.keys() - {item.nodeid for item in items}

    def pytest_collectreport(self, report: Any) -> None:
        self._end_if_failed(report, "import")

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._end_if_failed(report, report.nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.missing and exitstatus == 0:
            print("not found:", *sorted(self.missing), flush=True)
            os._exit(NOT_FOUND)

    def _end_if_failed(self, report: Any, what: str) -> None:
        if report.failed:
            print(report.longreprtext, flush=True)
            self.report.write_text(what)
            os._exit(1)


class Tracer:
    """Notes which statements of some files each test runs, and how long it takes."""

    def __init__(self, files: list[Path], laws: dict[str, int]):
        self.laws, self.run = laws, Lines(files)
        self.seconds: dict[str, float] = {}
        self.lines: dict[str, dict[str, list[int]]] = {}

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
        self.run.forget()
        begin = time.perf_counter()
        yield
        self.seconds[item.nodeid] = time.perf_counter() - begin
        self.lines[item.nodeid] = {f: sorted(lines) for f, lines in self.run.of_each_file().items()}


# A fork that is killed would leave its cache of programs behind, or a part of one.
jax.config.update("jax_enable_compilation_cache", False)
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
        code = _pytest(tests, [plugin, _Install(*plugin.run.finders)])
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
    """("killed", the test that failed), ("killed", "import"), ("killed", "time"), ("survived", ""), or
    ("open", how it ended) where no test has told anything: after a crash, or if a test is not found.
    """
    with tempfile.NamedTemporaryFile() as file:
        report = Path(file.name)

        def work() -> int:
            jax.config.update("jax_enable_x64", x64)
            plugins: list[Any] = [_Selection(tests, report)]
            if tree is not None and mutant is not None:
                put(mutant.place, mutant.new)
                plugins.append(_Install(Finder(mutant.file, tree, {})))
            files = list(dict.fromkeys(test.split("::")[0] for test in tests))
            return _pytest(files, plugins, "-x", "--tb=no")

        code = fork(work, seconds)
        failed = report.read_text()
    if failed:
        return "killed", failed
    if code is None:
        return "killed", "time"
    return ("survived", "") if code == 0 else ("open", ENDS.get(code, f"ended with {code}"))
