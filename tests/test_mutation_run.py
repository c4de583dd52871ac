"""What benchmarks/mutation.py makes of each way in which the tests of a mutant may end.

Only a test that fails, an import that fails and tests that do not end may kill one: whatever else ends
them may be of the machine, or of tests that are no more, and a mutant would count as noticed by none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEST = "tests/test_near.py::test_nothing_is_like_one_letter_or_a_long_text"
SCRIPT = '''
import ast, json, sys

sys.path.insert(0, "benchmarks")
from _mutants import Mutant
from _mutation_run import ROOT, outcome

FILE, TEST = "jaxsched/_core/near.py", sys.argv[1]

def of(function, statement, tests=(TEST,), seconds=300.0):
    """What becomes of a function, or of the module, with a statement in the place of its third."""
    tree = ast.parse((ROOT / FILE).read_text())
    body = next((n for n in tree.body if getattr(n, "name", None) == function), tree).body
    new = ast.parse(statement).body[0]
    mutant = Mutant(FILE, function, 1, "", statement, 0, (type("Body", (), {"at": body}), "at", 2), new)
    return outcome(tree, mutant, list(tests), seconds)

print(json.dumps({
    "no change": outcome(None, None, [TEST], 300.0),
    "a change that nothing notices": of("close_names", "most = most"),
    "a test that fails": of("close_names", "return ['clip']"),
    "a test that raises": of("close_names", "raise ValueError"),
    "an import that fails": of("module", "raise ValueError"),
    "no end": of("close_names", "while True: pass", seconds=8.0),
    "a crash": of("close_names", "__import__('os').abort()"),
    "an end from outside": of("close_names", "raise KeyboardInterrupt"),
    "a test that is no more": of("close_names", "most = most", [TEST, TEST + "_at_all"]),
    "no test": of("close_names", "most = most", [TEST + "_at_all"]),
    "no file": of("close_names", "most = most", ["tests/test_nothing.py::test_it"]),
}))
'''
EXPECTED = {
    "no change": ["survived", ""],
    "a change that nothing notices": ["survived", ""],
    "a test that fails": ["killed", TEST],
    "a test that raises": ["killed", TEST],
    "an import that fails": ["killed", "import"],
    "no end": ["killed", "time"],
    "a crash": ["open", "ended with -6"],
    "an end from outside": ["open", "interrupted"],
    "a test that is no more": ["open", "not all tests were found"],
    "no test": ["open", "no test was found"],
    "no file": ["open", "pytest was called wrongly"],
}


@pytest.mark.skipif(sys.platform == "win32", reason="each mutant runs in a fork")
def test_how_it_ends():
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-c", SCRIPT, TEST]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == EXPECTED
