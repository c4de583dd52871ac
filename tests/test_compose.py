"""Schedules one after the other: which of them is active, and on which clock."""

from __future__ import annotations

from bisect import bisect_right

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pieces import counted, line, looked_up, on_line, plus, rooted
from ways import as_argument

import jaxsched as js

TOP = 2**31 - 1


# --- which piece, and when --------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
def test_lines_after_each_other(count):
    """On the host, on the device and traced: by turns of one form, of two and of three."""
    rng = np.random.default_rng(count)
    boundaries = sorted(rng.integers(0, 40, count - 1).tolist())
    begins = [0, *boundaries]
    steps = np.arange(-3, 60)
    active = [bisect_right(boundaries, max(t, 0)) for t in steps]
    own = [max(t, 0) - begins[i] for t, i in zip(steps, active, strict=True)]
    lines = [line(8.0 * i) for i in range(count)]
    mixed = [
        (line, plus, lambda b: js.constant_schedule(b + 0.5))[i % 3](8.0 * i) for i in range(count)
    ]
    expected = [on_line(8.0 * i, t) for i, t in zip(active, own, strict=True)]
    expected_of_mixed = [
        8.0 * i + (min(t, 64) / 64, t, 0.5)[i % 3] for i, t in zip(active, own, strict=True)
    ]
    lines = js.join_schedules(lines, boundaries)
    mixed = js.join_schedules(mixed, boundaries)
    assert [lines(int(t)) for t in steps] == expected
    for schedule, values in ((lines, expected), (mixed, expected_of_mixed)):
        for array in (jnp.asarray(steps, jnp.int32), jnp.asarray(steps, jnp.float32)):
            np.testing.assert_array_equal(jax.jit(schedule)(array), values)
            np.testing.assert_array_equal(as_argument(schedule, array), values)


@pytest.mark.parametrize("count", [2, 3, 9])
def test_between_steps_and_at_the_first_of_a_piece(count):
    boundaries = [3 * i for i in range(1, count)]
    schedule = js.join_schedules([line(2.0 * i) for i in range(count)], boundaries)
    for step in (0.0, 2.75, 3.0, 3.25, 5.75, 6.0, 100.5):
        i = bisect_right(boundaries, step)
        assert schedule(step) == on_line(2.0 * i, step - 3 * i)
        assert schedule(jnp.float32(step)) == on_line(2.0 * i, step - 3 * i)


@pytest.mark.parametrize("after", [plus, line])
def test_pieces_that_no_step_of_the_type_reaches(after):
    """A boundary beyond int32 among others, and one at its last step, which is reached."""
    steps = [0, 5, 6, 2**20, TOP - 1, TOP]
    for boundaries in ([2**40], [TOP], [5, 2**40], [5, TOP], [5, 6, 2**31, 2**40], [5, 6, 7, TOP]):
        pieces = [js.constant_schedule(1.0), *(after(float(i + 2)) for i in range(len(boundaries)))]
        schedule = js.join_schedules(pieces, boundaries)
        expected = [schedule(t) for t in steps]
        for b in (*boundaries, 2**41):
            i = bisect_right(boundaries, b)
            assert schedule(b) == pieces[i](b - [0, *boundaries][i])
        found = jax.jit(schedule)(jnp.asarray(steps, jnp.int32))
        np.testing.assert_allclose(found, expected, rtol=1e-7)
        found = jax.jit(schedule)(jnp.asarray([2.0**20, 2.0**41]))
        np.testing.assert_allclose(found, [schedule(2**20), schedule(2**41)], rtol=1e-6)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("form", ["int32", "int8", "some"])
def test_boundaries_that_are_arrays(count, form):
    boundaries = [4 * i for i in range(1, count)]
    pieces = [(line, plus)[i % 2](8.0 * i) for i in range(count)]
    schedule = js.join_schedules(pieces, boundaries)
    arrays = [
        b if form == "some" and i != 1 else jnp.asarray(b, "int32" if form == "some" else form)
        for i, b in enumerate(boundaries)
    ]
    for steps in (jnp.arange(-2, 24), jnp.arange(-2.0, 24.0)):
        np.testing.assert_array_equal(
            jax.jit(lambda given, t: schedule.replace(boundaries=given)(t))(arrays, steps),
            [schedule(t) for t in range(-2, 24)],
        )


@pytest.mark.parametrize("count", [2, 3, 5])
def test_joins_that_are_pieces(count):
    """Each with boundaries of its own, of which some are alike; steps in two dimensions."""
    places = [[2, 3 + k, 6 + 2 * k, 20][: count - 1] for k in range(4)]
    inner = [
        js.join_schedules([line(8.0 * i + k) for i in range(count)], boundaries)
        for k, boundaries in enumerate(places)
    ]
    outer = js.join_schedules(inner, [10, 20, 30])
    steps = np.arange(42)
    expected = []
    for t in steps:
        k = min(t // 10, 3)
        i = bisect_right(places[k], t - 10 * k)
        expected.append(on_line(8.0 * i + k, t - 10 * k - [0, *places[k]][i]))
    assert [outer(int(t)) for t in steps] == expected
    for shape, dtype in (((42,), "float32"), ((3, 14), "int32"), ((2, 3, 7), "float32")):
        array = jnp.asarray(steps.reshape(shape), dtype)
        np.testing.assert_array_equal(jax.jit(outer)(array).ravel(), expected)
    assert float(outer(jnp.int32(33))) == expected[33]


@pytest.mark.parametrize("count", [2, 3, 6])
def test_values_of_other_types_become_floats(count):
    pieces = [(counted, line, js.constant_schedule)[i % 3](8 * i) for i in range(count)]
    schedule = js.join_schedules(pieces, [5 * i for i in range(1, count)])
    expected = [schedule(t) for t in range(32)]
    found = jax.jit(schedule)(jnp.arange(32))
    assert found.dtype == jnp.zeros(()).dtype
    np.testing.assert_array_equal(found, expected)
    turned = js.join_schedules([line(1.0), counted(3)], [4])
    assert [float(turned(jnp.int32(t))) for t in (0, 4, 6)] == [1.0, 3.0, 5.0]


def test_a_piece_that_has_not_begun_is_at_its_step_0():
    """There its slope is none that would spoil the sum, as that of a root before 0."""
    slope = jax.grad(lambda x: js.join_schedules([line(1.0), rooted(x)], [10])(jnp.int32(3)))
    assert slope(2.0) == 0.0


# --- tables -----------------------------------------------------------------------------------------


def test_a_table_stays_with_its_piece():
    """Tables of the same length, and of others, between pieces without."""
    tables = [np.arange(4.0), np.arange(4.0) * 2, np.arange(6.0) * 3]
    pieces = [line(100.0), looked_up(tables[0], 1.0), looked_up(tables[1], 2.0), line(200.0)]
    pieces = [*pieces, looked_up(tables[2], 3.0), plus(300.0)]
    schedule = js.join_schedules(pieces, [2, 6, 10, 12, 18])
    expected = [100, 100 + 1 / 64, 1, 2, 3, 4, 2, 4, 6, 8, 200, 200 + 1 / 64]
    expected = [*expected, 3, 6, 9, 12, 15, 18, 300, 301]
    np.testing.assert_array_equal(as_argument(schedule, jnp.arange(20)), expected)
    shapes = []

    @js.schedule
    def seen(step, table, begin):
        shapes.append((np.shape(table), np.shape(begin)))
        return begin + jnp.asarray(step, float)

    pieces = [seen(tables[0], jnp.ones(())), *[plus(float(i)) for i in range(4)]]
    as_argument(js.join_schedules([*pieces, seen(tables[1], 2.0)], [1, 2, 3, 4, 5]), jnp.arange(8))
    assert set(shapes) == {((4,), ())}


# --- what is held at negative steps -------------------------------------------------------------------


def test_constants_are_held_before_step_0():
    """Nothing needs to make a negative step 0 where no piece looks at the step."""
    one, two = js.constant_schedule(1.0), js.constant_schedule(2.0)
    for pieces, boundaries, held in (
        ([one], [], True),
        ([one, two], [1], True),
        ([one, two], [0], False),
        ([one, two, one], [0, 3], False),
        ([one, two, one], [2, 3], True),
        ([one, line(1.0)], [3], False),
        ([line(1.0), one], [3], False),
        ([line(1.0), line(2.0)], [3], False),
        ([line(1.0)], [], False),
    ):
        schedule = js.join_schedules(pieces, boundaries)
        assert schedule._is_held() is held
        for step in (-(2**31), -1, 0):
            assert float(schedule(jnp.int32(step))) == schedule(0)
    array = js.join_schedules([one, two], [3]).replace(boundaries=[jnp.int32(3)])
    mixed = js.join_schedules([one, two, one], [3, 5]).replace(boundaries=[jnp.int32(3), 5])
    assert not array._is_held()
    assert not mixed._is_held()
    np.testing.assert_array_equal(as_argument(mixed, jnp.arange(-1, 7)), [1, 1, 1, 1, 2, 2, 1, 1])
