"""The README's Python runs, from top to bottom, and answers what the comments beside it say.

`expression  # -> text` states the repr of the value; `expression  # raises Error: text` the error.
"""

import ast
import builtins
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from case import PUBLIC

import jaxsched as js

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def blocks() -> list[tuple[int, str]]:
    """(number of its first line, text) of each Python block."""
    text = README.read_text()
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in found]


def run(first_line: int, source: str, names: dict) -> int:
    """Runs a block; returns how many statements about its values it checked."""
    lines, checked = source.splitlines(), 0
    tree = ast.parse("\n" * first_line + source, str(README))
    for node in tree.body:
        line = lines[node.end_lineno - first_line - 1]
        _, promises_value, value = line.partition("  # -> ")
        _, promises_error, error = line.partition("  # raises ")
        if not isinstance(node, ast.Expr) or not (promises_value or promises_error):
            exec(compile(ast.Module([node], []), str(README), "exec"), names)
            continue
        code = compile(ast.Expression(node.value), str(README), "eval")
        checked += 1
        if promises_error:
            kind, _, message = error.partition(": ")
            with pytest.raises(getattr(builtins, kind), match=f"^{re.escape(message)}$"):
                eval(code, names)
        else:
            assert repr(eval(code, names)) == value, line
    return checked


SCRIPT = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
import test_readme
names = {{}}
print(sum(test_readme.run(*block, names) for block in test_readme.blocks()))
"""


def test_every_block_runs():
    """In a fresh process: in single precision, with JAX's own defaults, warnings as errors."""
    script = SCRIPT.format(tests=str(ROOT / "tests"), root=str(ROOT))
    environment = {
        **os.environ,
        "JAX_ENABLE_X64": "0",
        "JAX_NUMPY_DTYPE_PROMOTION": "standard",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    statements = sum(
        line.count("  # -> ") + line.count("  # raises ")
        for _, source in blocks()
        for line in source.splitlines()
    )
    assert int(done.stdout) == statements >= 20


@pytest.mark.parametrize(
    "block",
    [
        "1 + 1  # -> 3",
        "int('a')  # raises ValueError: something else",
        "int('1')  # raises ValueError: something else",
        "undefined",
    ],
)
def test_a_wrong_block_fails(block):
    with pytest.raises((AssertionError, NameError, pytest.fail.Exception)):
        run(10, block, {})


def test_every_schedule_stands_in_the_table_with_its_picture():
    row = r"^\| `(\w+)` \| !\[\]\((docs/images/\w+\.png)\) \|"
    shown = re.findall(row, README.read_text(), re.MULTILINE)
    schedules = set(PUBLIC) - {"add", "subtract", "multiply", "divide"}
    assert dict(shown) == {name: f"docs/images/{name}.png" for name in schedules}
    assert [path for _, path in shown if not (ROOT / path).is_file()] == []


def test_what_makes_a_schedule_by_other_means_stands_in_a_table_too():
    made = [name for name in dir(js) if name.endswith(("_schedule", "_decay"))]
    rows = re.findall(r"^\| `(\w+)` \|", README.read_text(), re.MULTILINE)
    assert "refined_schedule" in made
    assert set(made) <= set(rows)


def test_links_lead_somewhere():
    text = README.read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {"#" + heading.lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target in anchors or (ROOT / target).exists(), target
