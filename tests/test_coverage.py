"""Every form and operator of the peers is given by an expression here, and docs/coverage.md says which.

`python tests/test_coverage.py` prints the page; with `--write` it goes into docs/coverage.md.
"""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "tests")) if path not in sys.path]

from coverage_row import Elsewhere, Row, Written  # noqa: E402 (the path is set for the script's sake)
from coverage_table import ROWS, page  # noqa: E402

import jaxsched as js  # noqa: E402

PAGE = ROOT / "docs" / "coverage.md"
EVALUATED = [row for row in ROWS if isinstance(row, (Row, Written))]
FORMS = [f"F{n:02d}" for n in range(1, 57) if n != 33] + [f"F33{c}" for c in "abcdefg"]


def name_of(row: Row | Elsewhere | Written) -> str:
    return f"{row.key} {row.name}"


@pytest.fixture(params=EVALUATED, ids=name_of)
def row(request):
    return request.param


@functools.cache
def schedule_of(row: Row | Written) -> js.Schedule:
    """The expression evaluated, after what the user writes for it."""
    names = {name: getattr(js, name) for name in dir(js)}
    if isinstance(row, Written):
        exec(row.source, names)
    return eval(row.expression, names)


@functools.cache
def expected(row: Row | Written) -> np.ndarray:
    return np.asarray([row.reference(t) for t in range(row.steps)], np.float64)


def test_the_expression_is_the_formula_on_the_host(row):
    values = [schedule_of(row)(t) for t in range(row.steps)]
    assert all(type(value) is float for value in values)
    peak = np.abs(expected(row)).max()
    np.testing.assert_allclose(values, expected(row), rtol=1e-9, atol=1e-15 * peak)


def test_the_expression_is_the_formula_on_the_device(row):
    """Relative to the value; where the expression itself subtracts, to the numbers subtracted."""
    values = np.asarray(schedule_of(row)(np.arange(row.steps)), np.float64)
    peak = np.abs(expected(row)).max()
    slack = 1e-6 * peak if isinstance(row, Row) and row.cancels else 1e-15 * peak
    np.testing.assert_allclose(values, expected(row), rtol=2e-6, atol=slack)


def test_a_row_tells_its_formula_from_a_wrong_one(row):
    """No range is so short, and no number so small, that another curve would pass."""
    values = expected(row)
    assert len(values) >= 40
    if row.key != "F01":
        assert np.ptp(values) > 0.1 * np.abs(values).max()


def test_every_form_has_a_row():
    keys = [row.key for row in ROWS]
    assert [key for key in FORMS if key not in keys] == []
    assert set(keys) - set(FORMS) == {"1J", "2", "3.1", "3.2", "3.3", "3.4", "3.5"}


def test_names_are_unique():
    names = [name_of(row) for row in ROWS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", [row for row in ROWS if isinstance(row, Elsewhere)], ids=name_of)
def test_the_test_exists(row):
    file, _, function = row.test.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    compile(row.call, row.name, "eval")


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page()


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page())
    else:
        print(page(), end="")
