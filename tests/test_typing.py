"""What pyright knows of the public names: the programs in tests/typing have the errors they announce."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import jaxsched
import jaxsched.interop

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted(
    path for path in (ROOT / "tests" / "typing").glob("*.py") if path.name != "conftest.py"
)

pytestmark = pytest.mark.skipif(find_spec("pyright") is None, reason="needs pyright: extra dev")


def errors(*paths: Path, mode: str = "standard") -> set[tuple[str, int, str]]:
    """(file, line, rule) of what pyright finds; warnings count."""
    folder = paths[0].parent
    config = folder / "pyrightconfig.json"
    settings = {"typeCheckingMode": mode, "pythonVersion": "3.11", "extraPaths": [str(ROOT)]}
    config.write_text(json.dumps(settings))
    interpreter = ["--pythonpath", sys.executable]
    command = [sys.executable, "-m", "pyright", "--outputjson", *interpreter, "-p", str(config)]
    done = subprocess.run(command, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(paths), done.stderr
    return {
        (Path(found["file"]).name, found["range"]["start"]["line"] + 1, found.get("rule", ""))
        for found in report["generalDiagnostics"]
        if found["severity"] != "information"
    }


def announced(path: Path) -> set[tuple[str, int, str]]:
    """What the comments of a program say."""
    lines = enumerate(path.read_text().splitlines(), 1)
    return {
        (path.name, number, rule)
        for number, line in lines
        for mark in re.findall(r"# error: ([\w, ]+)$", line)
        for rule in mark.split(", ")
    }


def public(module: ModuleType) -> list[str]:
    """The names of a module, or where it does not list them, those that are no module below it."""
    return getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]


def members(name: str) -> list[str]:
    """What a class has; the fields of a dataclass without a default are its objects' alone."""
    value: Any = functools.reduce(getattr, name.split(".")[1:], jaxsched)
    return [each for each in dir(value) if each[0] != "_"] if isinstance(value, type) else []


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Of copies, beside which a configuration can lie."""
    folder = tmp_path_factory.mktemp("typing")
    copies = [folder / path.name for path in PROGRAMS]
    for path, copy in zip(PROGRAMS, copies, strict=True):
        copy.write_text(path.read_text())
    return errors(*copies)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_the_errors_are_the_announced_ones(path, found):
    assert {error for error in found if error[0] == path.name} == announced(path)


def test_there_are_programs_with_and_without_errors():
    assert [path.stem for path in PROGRAMS if announced(path)] == ["mistakes"]
    assert {path.stem for path in PROGRAMS} == {"mistakes", "own", "use"}
    assert len(announced(ROOT / "tests" / "typing" / "mistakes.py")) >= 20


def test_a_wrong_type_would_be_found(tmp_path):
    program = tmp_path / "wrong.py"
    program.write_text(
        "from typing import assert_type\n"
        "import jaxsched\n"
        "assert_type(jaxsched.constant_schedule(0.1), float)\n"
    )
    assert errors(program) == {("wrong.py", 3, "reportAssertTypeFailure")}


def test_a_strict_program_needs_no_ignore(tmp_path):
    """Nothing public is partly unknown to those who check strictly."""
    modules = (jaxsched, jaxsched.shapes, jaxsched.checks, jaxsched.interop)
    names = [f"{module.__name__}.{name}" for module in modules for name in public(module)]
    assert len(names) > 130
    assert {"jaxsched.checks.positive", "jaxsched.interop.from_torch"} <= set(names)
    program = tmp_path / "strict.py"
    names += [f"{name}.{member}" for name in names for member in members(name)]
    assert "jaxsched.Schedule.replace" in names
    lines = ["import jaxsched", "import jaxsched.interop", *(f"print({name})" for name in names)]
    program.write_text("\n".join(lines) + "\n")
    assert errors(program, mode="strict") == set()
