"""Tables: of numbers that are known, of others, of one for each index; and the lines through them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxsched._core import numerics as nx

ROWS = np.asarray([[1.0, 0.5, -2.0, 3.0], [0.0, 7.0, 4.0, -1.0], [8.0, 6.0, 9.0, 5.0]])
SOME = np.asarray([2, 0, 3])


def whole(numbers):
    return jnp.asarray(np.asarray(numbers, np.uint32))


def same(found, expected):
    assert found.dtype == nx.float_dtype()
    np.testing.assert_array_equal(found, np.asarray(expected, nx.float_dtype()))


def test_a_table_of_known_numbers_is_a_constant():
    for values in ((1.0, 2, 0.5), (3,)):
        program = jax.make_jaxpr(lambda v=values: nx.stacked(v))()
        # Older versions put it on a device in the program.
        assert {equation.primitive.name for equation in program.eqns} <= {"device_put"}
        same(nx.stacked(values), values)


def test_a_table_along_the_last_axis():
    same(nx.stacked(ROWS), ROWS)
    same(nx.stacked(np.asarray([3, 1])), [3, 1])
    same(nx.stacked(jnp.asarray([3, 1])), [3, 1])
    same(nx.stacked((jnp.float32(1.5), 2.0, jnp.int32(3))), [1.5, 2, 3])
    same(nx.stacked((jnp.asarray(ROWS[:, 0]), 2.0)), [[1, 2], [0, 2], [8, 2]])
    columns = tuple(jnp.asarray(column) for column in ROWS.T)
    same(nx.stacked(columns), ROWS)
    same(nx.stacked((jnp.asarray(ROWS), 2.0)), np.stack([ROWS, np.full_like(ROWS, 2)], -1))


def test_an_entry_of_one_table_or_of_each_ones_own():
    same(nx.picked(jnp.asarray(ROWS[1]), whole(2)), 4)
    same(nx.picked(jnp.asarray(ROWS[1]), whole([[3, 0], [1, 1]])), [[-1, 0], [7, 7]])
    same(nx.picked(jnp.asarray(ROWS), whole(1)), [0.5, 7, 6])
    same(nx.picked(jnp.asarray(ROWS), whole(SOME)), [-2, 0, 5])
    same(nx.picked(jnp.asarray(ROWS), whole([SOME, [1, 1, 1]])), [[-2, 0, 5], [0.5, 7, 6]])
    same(nx.picked(jnp.asarray(ROWS), whole([[0], [3]])), [[1, 0, 8], [3, -1, 5]])
    block = np.stack([ROWS, ROWS + 10.0])
    same(nx.picked(jnp.asarray(block), whole(SOME)), [[-2, 0, 5], [8, 10, 15]])
    same(nx.picked(jnp.asarray(block), whole([[1], [2]])), [[0.5, 7, 6], [8, 14, 19]])


def test_lines_through_a_table_of_each_ones_own():
    columns = tuple(jnp.asarray(column) for column in ROWS.T)
    for place in (0.0, 0.25, 1.0, 1.75, 2.5, 3.0):
        i = min(int(place), 2)
        expected = ROWS[:, i] + (ROWS[:, i + 1] - ROWS[:, i]) * (place - i)
        same(nx.interpolate(columns, jnp.full(3, place, nx.float_dtype())), expected)
        same(nx.interpolate(columns, jnp.asarray(place, nx.float_dtype())), expected)
        for row, value in zip(ROWS.tolist(), expected, strict=True):
            same(nx.interpolate(row, jnp.asarray([place], nx.float_dtype())), [value])
