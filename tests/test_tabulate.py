"""Tables of values, against exact fractions, in each way of being read."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify
from test_clock import agree, on_table
from ways import as_argument, reads, ways

import jaxsched as js
from jaxsched import shapes
from jaxsched._core import numerics as nx

WHOLE = list(range(26))
PARTS = [0.0, 0.25, 0.75, 1.0, 1.5, 2.0, 2.9375, 3.0, 4.5, 7.25, 9.0, 13.5, 40.0, 41.5]
TABLES = [[1.0, 0.5, -2.0, 1e-20, 3.0], [0.0, -1.0, 1.0, 1.0, -1e-20], [2.0, 4.0, 4.0, -4.0, 0.0]]
ONE = [[0.5], [3.0], [-1.0]]


def at(t, table, every, interpolate):
    position = Fraction(t) / every
    if not interpolate:
        position = Fraction(floor(position))
    return on_table(min(position, Fraction(len(table) - 1)), table)


@pytest.mark.parametrize("tables", [TABLES, ONE], ids=["five", "one"])
@pytest.mark.parametrize("interpolate", [False, True])
def test_every_way_of_reading_gives_the_values(tables, interpolate):
    for every in (1, 3, 2**40):
        schedules = [js.tabulated_schedule(table, every, interpolate) for table in tables]
        arrays = [js.tabulated_schedule(np.asarray(table), every, interpolate) for table in tables]
        for steps in (WHOLE, PARTS):
            expected = [[at(t, table, every, interpolate) for t in steps] for table in tables]
            found = reads(schedules, steps) + reads(arrays, steps)
            if steps is WHOLE and every == 3:
                found += ways(schedules, len(WHOLE)) + ways(arrays, len(WHOLE))
            for values in found:
                agree(values, expected)


def test_near_the_smaller_value_a_line_keeps_its_digits():
    every = 3 * 2**20
    tables = [[a, b, a] for a in (0.0, 1e-20, -1e-20) for b in (1.0, -1.0)]
    schedules = [js.tabulated_schedule(table, every, True) for table in tables]
    steps = [1, every - 1, every + 1, 2 * every - 1]
    expected = [[at(t, table, every, True) for t in steps] for table in tables]
    for values in reads(schedules, steps):
        agree(values, expected)


def test_tables_of_many_schedules():
    """One for each member of an ensemble, or for each step: the last axis is along the table."""
    numbers = np.asarray(TABLES)
    for interpolate in (False, True):
        schedule = js.tabulated_schedule(numbers, 2, interpolate)
        member = js.tabulated_schedule(jnp.asarray(numbers), 2, interpolate)
        for t in range(12):
            expected = [[at(t, table, 2, interpolate)] for table in TABLES]
            agree(np.asarray(schedule(jnp.int32(t))), expected)
            agree(np.asarray(schedule(jnp.asarray([t] * 3))), expected)
            agree(np.asarray(as_argument(member, jnp.asarray([[t] * 3]))), expected)
        steps = jnp.asarray([[0], [3], [20]])
        every = [[at(t, table, 2, interpolate) for table in TABLES] for t in (0, 3, 20)]
        agree(np.asarray(schedule(steps)), every)


def test_what_a_table_is():
    with pytest.raises(ValueError, match="values must be a sequence of at least 1 finite numbers"):
        js.tabulated_schedule([])
    for values in (
        np.zeros(0),
        np.zeros((3, 0)),
        np.asarray(1.0),
        jnp.asarray(1.0),
        jnp.zeros((0,)),
    ):
        with pytest.raises(
            ValueError, match="values must be a sequence of at least 1 finite numbers"
        ):
            js.tabulated_schedule(values)
    for values in (np.asarray([1.0, np.nan]), [1.0, np.inf]):
        with pytest.raises(ValueError, match="finite"):
            js.tabulated_schedule(values)
    given = np.asarray([1.0, 0.5])
    schedule = js.tabulated_schedule(given)
    given[0] = 9.0
    assert schedule(0) == 1.0
    with pytest.raises(ValueError, match="read-only"):
        schedule.values[0] = 9.0
    whole = js.tabulated_schedule(np.asarray([3, 1]))
    assert [whole(t) for t in range(3)] == [3.0, 1.0, 1.0]
    short, long = js.tabulated_schedule([1.0, 0.5]), js.tabulated_schedule([1.0, 0.5], 1, False)
    assert short == long
    assert [short(t) for t in range(3)] == [long(t) for t in range(3)]


def test_numbers_that_are_not_known_yet():
    for values in ([1.0, 2.0, 4.0], [1, 2, 4]):
        for make in (
            lambda x, v=values: [x, *v[1:]],
            lambda x, v=values: [*v[:1], 2 * x, v[2]],
            lambda x, v=values: jnp.asarray([x, x + x, 4 * x]),
        ):
            read = jax.jit(lambda x, m=make: js.tabulated_schedule(m(x), 2, True)(jnp.arange(5)))
            np.testing.assert_allclose(read(values[0]), [1.0, 1.5, 2.0, 3.0, 4.0], 1e-6)


def test_shapes_that_are_tables_are_joined():
    """Each piece has a table of its own, also where they are arguments."""
    tables = [[1.0, 0.75, 0.875, 0.0], [1.0, 0.3, 0.2, 0.0]]
    pieces = [
        js.transition_schedule(2.0, 0.5, 8, shapes.table(table)) for table in [*tables, *tables]
    ]
    expected = [[s(t) for t in range(10)] for s in pieces]
    for values in ways(pieces, 10):
        np.testing.assert_allclose(values, expected, 1e-6)
    for table in tables:
        value = js.transition_schedule(2.0, 0.5, 8, shapes.table(table))(2)
        assert value == pytest.approx(0.5 + 1.5 * (table[0] + table[1] * 3) / 4, rel=1e-15)


CALLED = []


def halved(epoch, rate):
    CALLED.append((epoch, rate))
    return rate * 0.5


def test_a_function_of_the_epoch():
    schedule = js.tabulate_by_epoch(lambda epoch: 1.0 / (1 + epoch), 3, 4)
    assert [schedule(t) for t in WHOLE] == [1.0 / (1 + min(t // 3, 3)) for t in WHOLE]
    np.testing.assert_array_equal(
        schedule(jnp.asarray(WHOLE)), np.asarray([schedule(t) for t in WHOLE], nx.float_dtype())
    )
    CALLED.clear()
    shrinking = js.tabulate_by_epoch(halved, 2, 3, init_value=4.0)
    assert [shrinking(t) for t in range(7)] == [2.0, 2.0, 1.0, 1.0, 0.5, 0.5, 0.5]
    assert CALLED == [(0, 4.0), (1, 2.0), (2, 1.0)]
    assert js.tabulate_by_epoch(lambda epoch: 1, 1, 1)(5) == 1.0


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((0.5, 10, 3), TypeError, "function must be a function of the epoch, got 0.5"),
        ((abs, 0, 3), ValueError, "steps_per_epoch must be a positive integer, got 0"),
        ((abs, 10, 0), ValueError, "epochs must be a positive integer, got 0"),
        ((abs, 10, 2.5), ValueError, "epochs must be a positive integer, got 2.5"),
        ((halved, 10, 3, "1"), TypeError, "init_value must be a finite number, got '1'"),
        (
            (lambda i: np.nan if i == 2 else 1.0, 10, 3),
            ValueError,
            r"function\(2\) must be a finite",
        ),
    ],
)
def test_what_is_refused(arguments, error, said):
    with pytest.raises(error, match=f"tabulate_by_epoch: {said}"):
        js.tabulate_by_epoch(*arguments)


@pytest.mark.parametrize("interpolate", [False, True])
def test_nothing_beyond_a_table_is_read(interpolate):
    """Where it is, is undefined on some devices."""
    for values in ([0.5], [1.0, 0.5, 3.0], np.asarray(TABLES)):
        schedule = js.tabulated_schedule(values, 2, interpolate)
        read = checkify.checkify(schedule, errors=checkify.index_checks)
        for steps in ([0, 1, 5], [6, 7, 8], [9, 10, 2**31 - 1]):
            for kind in (nx.int_dtype(), nx.float_dtype()):
                with jax.numpy_dtype_promotion("standard"):
                    error, found = read(jnp.asarray(steps, kind))
                error.throw()
                np.testing.assert_array_equal(found, schedule(jnp.asarray(steps, kind)))


def test_a_value_is_a_float_of_python():
    for values in ([1, 2, 4], [1.0, 2.0, 4.0], np.asarray([1.0, 2.0, 4.0]), jnp.asarray([1, 2, 4])):
        for interpolate, value in ((False, 2.0), (True, 3.0)):
            given = js.tabulated_schedule(values, 2, interpolate)(3)
            assert given == value
            assert type(given) is float
