"""The changes that benchmarks/mutation.py makes, that each is undone, and what is known of them."""

from __future__ import annotations

import ast
import textwrap
from itertools import chain
from pathlib import Path

import pytest

import benchmarks.run  # noqa: F401 (it makes the modules beside it importable)

from _mutants import mutants, put  # isort: skip
from _mutation_ledger import Ledger  # isort: skip
from _mutation_page import PAGE, found, page  # isort: skip

ROOT = Path(__file__).parent.parent


def changes(text: str, folder: Path) -> list[str]:
    """What becomes of a text of one line each."""
    path = folder / "code.py"
    path.write_text(textwrap.dedent(text))
    return [m.after for m in mutants(path, folder)[1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x < y", {"x <= y", "x >= y"}),
        ("x == y", {"x != y"}),
        ("x is y", {"x is not y"}),
        ("x + y", {"x - y"}),
        ("x ** y", {"x * y"}),
        ("x and y", {"x or y", "x", "y"}),
        ("not x", {"x"}),
        ("-x", {"x"}),
        ("x[0]", {"x[1]"}),
        ("x[1]", {"x[2]", "x[0]"}),
        ("f(0.0, 0.25, True)", {"f(1.0, 0.25, True)", "f(0.0, 0.5, True)", "f(0.0, 0.25, False)"}),
        ("x if y else z", {"z if y else x"}),
        ("jnp.minimum(x, y)", {"jnp.maximum(x, y)", "x"}),
        ("max(0, x)", {"min(0, x)", "x", "max(1, x)"}),
        ("where(c, x, y)", {"where(c, y, x)"}),
        ("where(x > y, x, y)", {"where(x >= y, x, y)", "where(x <= y, x, y)"}),
        ("f(x, by=y)", {"f(x)"}),
        ("f(x, mode='fast')", set()),
        ("line('{} - 1', x)", {"line('{} + 1', x)", "line('{} - 2', x)"}),
        ("say('one - two')", set()),
    ],
)
def test_what_an_expression_becomes(text, expected, tmp_path):
    found = changes(f"value = {text}", tmp_path)
    assert set(found) == {f"value = {after}" for after in expected}
    assert len(found) == len(expected)


def test_what_statements_become(tmp_path):
    code = """
    def f(x: int, y: int = 1) -> int:
        '''Says 1.'''
        if g(x):
            raise ValueError("1")
        y = y
        y += x
        return y
    """
    assert changes(code, tmp_path) == ["2", "0", "False", "not g(x)", "pass", "pass"]


def test_each_change_is_another_program_and_is_undone():
    """Of a whole file: no two names, and no two programs, are the same."""
    path = ROOT / "jaxsched" / "_core" / "progress.py"
    tree, found = mutants(path, ROOT)
    original = ast.dump(ast.parse(path.read_text()))
    assert ast.dump(tree) == original
    programs = set()
    for mutant in found:
        old = put(mutant.place, mutant.new)
        programs.add(ast.dump(tree))
        put(mutant.place, old)
    assert len(programs | {original}) == len(found) + 1
    assert len({mutant.name for mutant in found}) == len(found)
    assert ast.dump(tree) == original


def test_the_page_is_of_todays_code():
    """If not, `python benchmarks/mutation.py --write` writes it: new code has not been tried."""
    assert PAGE.read_text() == page(Ledger(), found())


def test_each_reason_is_of_a_mutant_that_survives():
    ledger = Ledger()
    every = list(chain(*found().values()))
    surviving = {mutant.name for mutant in every if not ledger.is_killed(mutant)}
    assert ledger.reasons.keys() <= surviving
    assert len({mutant.name for mutant in every}) == len(every)
