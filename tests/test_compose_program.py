"""The programs of joins: how a step's piece is found, and that nothing is computed twice."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pieces import line, plus, rooted

import jaxsched as js
from jaxsched._core import compose
from jaxsched._core.per_piece import Few

TOP = 2**31 - 1

# --- how many boundaries a step has reached ------------------------------------------------------------

MANY = [1, 16, 17, 20, 25, 33, 1023, 1024, 1025, 1057]


@pytest.mark.parametrize("many", MANY)
def test_the_boundaries_reached_are_counted(many):
    rng = np.random.default_rng(many)
    ends = np.sort(rng.choice(3 * many + 2, many, replace=many > 20)).astype(np.int32)
    last = int(ends[-1])
    near = [int(x) + d for x in ends[:: many // 30 or 1] for d in (-1, 0, 1)]
    steps = np.asarray(sorted({0, *near, last - 1, last, last + 1, TOP}), np.int32)
    exact = np.searchsorted(ends, steps, "right")
    shaped = np.stack([steps, steps[::-1]])[None]
    for numbers in (ends, jnp.asarray(ends)):
        found = jax.jit(compose._count_reached)(shaped, numbers)
        assert found.dtype == jnp.uint32
        np.testing.assert_array_equal(found, np.stack([exact, exact[::-1]])[None])
    for i in (0, -1):
        assert int(compose._count_reached(jnp.asarray(steps[i]), ends)) == exact[i]


def compared(many) -> list[tuple]:
    """The shapes of what a step is compared with."""
    program = jax.make_jaxpr(compose._count_reached)(
        jnp.zeros((), jnp.int32), jnp.arange(many, dtype=jnp.int32)
    )
    return [e.outvars[0].aval.shape for e in program.eqns if e.primitive.name == "ge"]


def test_the_work_grows_with_the_root():
    assert compared(1) == [(1,)]
    assert compared(16) == [(16,)]
    assert compared(17) == [(4,), (5,)]  # 4 rows of 5
    assert compared(24) == [(5,), (5,)]
    assert compared(25) == [(5,), (5,)]
    assert compared(26) == [(5,), (6,)]
    assert compared(35) == [(6,), (6,)]
    assert compared(961) == [(31,), (31,)]
    assert compared(1023) == [(32,), (32,)]
    assert compared(1024) == [(32,), (32,)]
    assert compared(1025) == [(6,), (6,), (32,)]  # 33 rows, which are a square of their own


def test_ends_of_any_shape_of_steps():
    ends = np.asarray([3, 5, 5, 9], np.int32)
    steps = np.asarray([[0, 3, 4], [5, 9, 10]], np.int32)
    exact = np.searchsorted(ends, steps, "right")
    for step, expected in ((steps, exact), (steps[0], exact[0]), (steps[1, 2], exact[1, 2])):
        found = compose.reached_of(jnp.asarray(step), ends)
        assert found.dtype == jnp.uint32
        np.testing.assert_array_equal(found, expected)


# --- the program ----------------------------------------------------------------------------------------


def count(schedule, name="") -> int:
    """The operations of a schedule's program, or those of one name."""
    program = str(jax.make_jaxpr(schedule)(jnp.zeros(2, jnp.int32)))
    return program.count(f" = {name}")


def test_few_boundaries_are_compared_and_many_looked_up():
    step = jnp.int32(4)
    for boundaries in ([3], [3, 5]):
        assert isinstance(compose._locate(step, boundaries)[0], Few)
    index, begin = compose._locate(step, [3, 5, 9])
    assert not isinstance(index, Few)
    assert (int(index), int(begin())) == (1, 3)
    assert count(js.join_schedules([line(1.0), plus(1.0)], [3]), "gather") == 0
    assert count(js.join_schedules([line(1.0), plus(1.0), line(3.0)], [3, 9]), "gather") == 0


def test_pieces_of_a_form_are_one():
    of = lambda n: js.join_schedules([line(float(i)) for i in range(n)], list(range(1, n)))
    assert count(of(5)) == count(of(12))
    assert [count(of(12), name) for name in ("stack", "concatenate", "slice")] == [0, 0, 0]
    constants = lambda n: js.join_schedules(
        [js.constant_schedule(float(i)) for i in range(n)], list(range(1, n))
    )
    assert count(constants(5), "gather") == 1  # the value
    assert count(of(5), "gather") == 3  # the start, the end and the boundary
    # Two of one form are one, too: were they two, each would have operations of its own.
    two = js.join_schedules([rooted(1.0), rooted(2.0)], [5])
    assert count(two, "sqrt") == 1


def test_the_host_function_of_up_to_8_pieces_calls_none():
    lines = [line(float(i)) for i in range(9)]
    for pieces in (8, 9):
        schedule = js.join_schedules(lines[:pieces], list(range(1, pieces)))
        schedule(1)
        names = schedule._host.__code__.co_names
        assert (len(names) == 0) == (pieces == 8)


def test_what_no_step_reaches_is_no_part_of_the_program(x64):
    if x64:
        pytest.skip("a step of int64 reaches any boundary")
    root = rooted(2.0)
    for first, boundaries in (([line(1.0)], []), ([line(1.0), plus(2.0), line(3.0)], [5, 9])):
        schedule = js.join_schedules([*first, root], [*boundaries, 2**40])
        assert count(schedule, "sqrt") == 0
        assert count(schedule) == count(js.join_schedules(first, boundaries))
