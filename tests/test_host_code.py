"""How host functions are written: what is noted is what Python computes, once, and nothing else."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest
from written import chain, function_of, source_of, squared

from jaxsched._core.host import DEEP

STEPS = [0, 1, 2, 3, 7, 2.5, -3, -0.5]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv]


@pytest.mark.parametrize("operate", OPERATORS)
def test_arithmetic_is_python_s(operate):
    for number in (3, -3, 0.75, -2.5, 1e300, np.float64(1.25)):
        right, left = (
            function_of(lambda t, x=number: operate(t, x)),
            function_of(lambda t, x=number: operate(x, t + 4.0)),
        )
        both = function_of(lambda t, x=number: operate(operate(t, x), operate(t, x) + 8.5))
        for step in STEPS:
            once = operate(step, number)
            assert right(step) == once
            assert left(step) == operate(number, step + 4.0)
            assert both(step) == operate(once, once + 8.5)
            assert isinstance(left(step), float)


def test_whole_parts_signs_and_powers_are_python_s():
    for number in (3, 0.75, -2):
        whole = function_of(lambda t, x=number: t // x)
        below = function_of(lambda t, x=number: -(t * x))
        power = function_of(lambda t, x=number: t.code.line("{} ** {}", x, t))
        for step in STEPS:
            assert whole(step) == step // number
            assert below(step) == -(step * number)
        for step in (0, 2, 3):
            assert power(step) == number**step  # of a negative number, not the negative of one


@pytest.mark.parametrize("compare", [operator.le, operator.ge, operator.lt])
def test_comparisons_are_python_s(compare):
    for number in (2, 2.5, -3):
        chosen = function_of(
            lambda t, x=number: t.code.choose(compare(t, x), lambda: 1.0, lambda: 0.0)
        )
        for step in STEPS:
            assert chosen(step) == compare(step, number)


def test_numbers_that_are_no_literals_have_a_name():
    for number in (math.inf, -math.inf, np.float64(0.1), np.float64(math.inf)):
        read = function_of(lambda t, x=number: t * 0.0 + x)
        assert read(1) == float(number) + 0.0
        assert type(function_of(lambda t, x=number: x)(1)) is float
    assert math.isnan(function_of(lambda t: t + math.nan)(1))
    table = function_of(lambda t: t.code.line("{}[{}({})]", (5, 6, 7), min, t))
    assert "5" not in source_of(lambda t: t.code.line("{}[{}]", (5, 6, 7), t))
    with pytest.raises(TypeError):
        table(1)  # the least of one number
    assert function_of(lambda t: t.code.line("{}({}, {})", max, t, 2))(7) == 7
    assert function_of(lambda t: 3)(1) == 3


def test_what_is_used_once_is_written_there():
    assert (
        source_of(lambda t: (t + 1) * (t - 2))
        == "def host(step):\n return ((step + 1) * (step - 2))"
    )
    assert source_of(lambda t: t) == "def host(step):\n return step"
    assert source_of(lambda t: t - -2.5) == "def host(step):\n return (step - (-2.5))"


def test_what_is_used_more_often_is_computed_once():
    seen = []

    def note(x):
        seen.append(x)
        return x + 0.5

    def formula(t):
        noted = t.code.line("{}({})", note, t)
        square = noted * noted
        return square + noted * (square + 1.0)

    x = 3.5
    assert function_of(formula)(3) == x * x + x * (x * x + 1.0)
    assert seen == [3]
    assert source_of(formula).count(" = ") == 2
    twice = lambda t: t.code.line("{0} if {0} < {1} else {1}", t + 1.0, t * 2.0)
    assert source_of(twice).count(" = ") == 2  # a template may use an operand twice
    assert [function_of(twice)(t) for t in (0, 1, 3)] == [0.0, 2.0, 4.0]
    with_reserve = lambda t: t.code.line("{0} + 1.0 if {0} > 2 else 0.0", t * 2.0)
    assert [function_of(with_reserve)(t) for t in (1, 2)] == [0.0, 5.0]


def test_what_nothing_uses_is_left_out():
    def formula(t):
        t.code.line("{} / {}", t, 0)
        unused = t * 3.0
        _ = unused + chain(unused, DEEP + 1)
        t.code.choose(t < 3, lambda: squared(t), lambda: squared(t))
        return t + 1.0

    assert function_of(formula)(2) == 3.0
    assert source_of(formula) == "def host(step):\n return (step + 1.0)"


# --- one of two parts -------------------------------------------------------------------------------


PARTS = {
    "neither": (lambda t: t + 1.0, lambda t: t - 1.0, 0),
    "this": (squared, lambda t: t - 1.0, 1),
    "that": (lambda t: t - 1.0, squared, 1),
    "both": (squared, lambda t: squared(t) * 2.0, 2),
    "steps": (lambda t: t, lambda t: 7.0, 0),
}
"""Two parts, and how many variables they need."""


@pytest.mark.parametrize("name", PARTS)
def test_one_of_two_parts(name):
    """As the result, within another expression, and in each other; the other part is not computed."""
    this, that, _ = PARTS[name]
    outer = lambda t: t * 2.0  # made before the parts, used in them

    def choose(t, turn=3):
        double = outer(t)
        fails = lambda: t.code.line("{} / {}", t, 0)
        first = t.code.choose(t < turn, lambda: this(t), lambda: that(t))
        nested = t.code.choose(
            t < turn,
            lambda: t.code.choose(t < 1, lambda: double + this(t), lambda: that(double)) + 0.25,
            lambda: t.code.choose(t < 100, lambda: squared(double), fails),
        )
        return first, nested

    def expected(t, turn=3):
        first = this(t) if t < turn else that(t)
        early = lambda: (2.0 * t + this(t) if t < 1 else that(2.0 * t)) + 0.25
        return first, early() if t < turn else squared(2.0 * t)

    for combine in (
        lambda both: both[0],
        lambda both: both[1],
        lambda both: both[0] * both[0],
        lambda both: both[1] + both[0] * both[1],
    ):
        read = function_of(lambda t, c=combine: c(choose(t)))
        for step in (0, 0.5, 1, 2, 3, 4, 9.5):
            assert read(step) == combine(expected(step))


def test_a_result_that_is_one_of_two_is_returned_at_once():
    for this, that, needed in PARTS.values():
        whole = lambda t, a=this, b=that: t.code.choose(t < 3, lambda: a(t), lambda: b(t))
        source = source_of(whole)
        assert source.count("return") == 2
        assert "else" not in source
        assert source.count(" = ") == needed
        within = source_of(lambda t, w=whole: w(t) + 1.0)
        assert within.count("return") == 1
    short = lambda t: t.code.choose(t < 3, lambda: t + 1.0, lambda: t - 1.0)
    assert source_of(lambda t: short(t) * 2.0).count("\n") == 1  # an expression
    assert source_of(lambda t: short(t) * short(t)).count(" = ") == 0
    twice = lambda t: (lambda x: x * x)(short(t))
    assert source_of(twice).count(" = ") == 1
