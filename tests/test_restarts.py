"""Cycles that grow by any factor: their number and how far a step is, against 80 digits."""

from __future__ import annotations

from bisect import bisect_right

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxsched._core import numerics as nx
from jaxsched._core.host import host_function
from jaxsched._core.per_piece import settle
from jaxsched._forms.restarts import restarts

FIRSTS = [1, 10]
GROWTHS = [1.0, 1.01, 1.5, 2.0, 7.3, 1e4]


def begins(first, growth, top) -> list:
    """Where the cycles begin, as far as the first one beyond the last step."""
    with mp.workdps(80):
        found, length = [mp.mpf(0)], mp.mpf(first)
        while found[-1] <= top and len(found) < 5000:
            found.append(found[-1] + length)
            length *= mp.mpf(growth)
    return found


def cycle(first, growth, step, marks) -> tuple:
    """Its number, the steps done and left, and the length."""
    if growth == 1:
        number, done = divmod(step, first)
        return int(number), done, first - done, first
    with mp.workdps(80):
        number = bisect_right(marks, step) - 1
        return (
            number,
            step - marks[number],
            marks[number + 1] - step,
            marks[number + 1] - marks[number],
        )


def around(marks, top) -> list[int]:
    """The whole steps before, at and after the first begins, some later ones and the last."""
    some = [int(mark) for mark in (*marks[:12], *marks[12:-1:150], *marks[-3:-1])]
    near = {t for mark in some for t in (mark - 1, mark, mark + 1, mark + 2)}
    return sorted({t for t in near if 0 <= t <= top} | {top})


def parts(step, first, growth) -> tuple:
    number, _, way = restarts(step, first, growth, counted=True)
    return number, *(nx.real(settle(x)) for x in (way.count, way.left, way.length))


def compare(found, exact, rtol, atol=0.0) -> None:
    np.testing.assert_array_equal(found[0].ravel(), [e[0] for e in exact])
    for place, values in enumerate(found[1:], 1):
        values = np.broadcast_to(values, found[0].shape).ravel()
        expected = np.asarray([float(min(e[place], 10**37)) for e in exact])
        np.testing.assert_allclose(values, expected, rtol, atol)


@pytest.mark.parametrize("growth", GROWTHS)
def test_on_the_device(growth):
    top = 2**31 - 1
    for first in FIRSTS:
        marks = begins(first, growth, top)
        steps = around(marks, top)
        array = jnp.asarray(np.asarray(steps, np.int32))
        found = parts(jnp.stack([array, array[::-1]])[:, None, :], first, growth)
        exact = [cycle(first, growth, t, marks) for t in [*steps, *steps[::-1]]]
        compare(found, exact, 3e-7)


@pytest.mark.parametrize("growth", [1.0, 2.0, 3.0, 1e4])
def test_between_steps(growth):
    for first in FIRSTS:
        marks = begins(first, growth, 2**9)
        steps = [t + 0.25 for t in around(marks, 2**9)]
        marks = begins(first, growth, 2**10)
        steps = [t for t in steps if min(abs(t - mark) for mark in marks) > 0.01]
        exact = [cycle(first, growth, t, marks) for t in steps]
        compare(parts(jnp.asarray(steps, jnp.float32), first, growth), exact, 1e-6, 1e-2)
        read = [
            host_function(lambda t, p=place, f=first: _part(t, f, growth, p) * 1.0, (), "x")
            for place in range(4)
        ]
        compare([np.asarray([r(t) for t in steps]) for r in read], exact, 1e-12)


@pytest.mark.parametrize("growth", GROWTHS)
def test_on_the_host(growth):
    for first in FIRSTS:
        marks = begins(first, growth, 2**40)
        steps = around(marks, 2**40)[:-1]
        read = [
            host_function(lambda t, p=place, f=first: _part(t, f, growth, p) * 1.0, (), "x")
            for place in range(4)
        ]
        exact = [cycle(first, growth, t, marks) for t in steps]
        compare([np.asarray([r(t) for t in steps]) for r in read], exact, 1e-15)


def _part(step, first, growth, place):
    number, _, way = restarts(step, first, growth, counted=True)
    return (number, way.count, way.left, way.length)[place]


def test_the_last_step_of_all_may_begin_a_cycle():
    last = 2**63 - 1
    read = host_function(lambda t: restarts(t, last, 2.0, counted=True)[0] * 1, (), "x")
    assert [read(last - 1), read(last)] == [0, 1]


@pytest.mark.parametrize("growth", [1.0, 1.002, 1.01, 1.5, 2.0, 3.0, 2.5])
def test_traced(growth):
    """Where both are traced and where one is; a growth of hardly more than 1 counts as 1."""
    steps_of = jax.jit(lambda t, f, g: parts(t, f, g))
    for first in FIRSTS:
        grown = 1.0 if growth < 1.005 else float(np.float32(growth))
        marks = begins(first, grown, 2**12)
        # At the end of a cycle a step may be in the next in float32, where no whole step begins it.
        whole = {int(mark) for mark in marks if mark == int(mark)}
        steps = [
            t
            for t in around(marks, 2**12)
            if t in whole or grown == 1 or min(abs(t - mark) for mark in marks) > 0.1
        ]
        exact = [cycle(first, grown, t, marks) for t in steps]
        array = jnp.asarray(steps, jnp.int32)
        compare(steps_of(array, first, growth), exact, 1e-4, 0.1)
        compare(jax.jit(lambda t, g, f=first: parts(t, f, g))(array, growth), exact, 1e-4, 0.1)
        compare(jax.jit(lambda t, f: parts(t, f, growth))(array, first), exact, 1e-4, 0.1)


def test_the_slope_by_a_traced_growth_is_finite():
    length = lambda g, t: restarts(t, 10, g, counted=False)[2].length
    for step, slope in ((5, 0.0), (12, 10.0), (40, 10 * 2 * 2.0), (2**30, None)):
        found = float(jax.grad(length)(2.0, jnp.int32(step)))
        assert np.isfinite(found)
        assert slope is None or found == pytest.approx(slope, rel=1e-6)
