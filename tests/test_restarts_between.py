"""Cycles that begin between two whole steps, read at steps that are not whole."""

from __future__ import annotations

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ways import as_argument

import jaxsched as js


def begins(first, growth, count=12) -> list[Fraction]:
    found, length = [Fraction(0)], Fraction(first)
    while len(found) < count:
        found.append(found[-1] + length)
        length *= Fraction(growth)
    return found


def around(begin, dtype):
    """The last number of a type before it, and the first that is not."""
    near = dtype(float(begin))
    at = near if Fraction(float(near)) >= begin else np.nextafter(near, dtype(np.inf))
    return np.nextafter(at, dtype(0)), at


@pytest.mark.parametrize("growth", [1.5, 1.1, 2.5, 1.25, 2.0, 3.0])
def test_a_cycle_begins_where_it_does(growth):
    schedule = js.cosine_decay_restarts(1.0, 3, growth, 0.5)
    for number, begin in enumerate(begins(3, growth)[1:], 1):
        before, at = around(begin, np.float64)
        assert abs(schedule(float(before))) < 1e-9
        assert schedule(float(at)) == pytest.approx(0.5**number, rel=1e-9)
        before, at = around(begin, np.float32)
        for read in (schedule, jax.jit(schedule)):
            first, second = read(jnp.asarray([before, at]))
            assert abs(first) < 1e-3 * 0.5**number
            assert second == pytest.approx(0.5**number, rel=1e-3)
        if (
            growth == 1.5
        ):  # whose powers float32 holds: it is exact where the growth is an argument too
            assert as_argument(schedule, jnp.asarray(at)) == pytest.approx(0.5**number, rel=1e-3)


def test_whole_steps_in_late_cycles():
    """An integer beyond 2 ** 53 is compared with where a cycle begins, not with a float near that."""
    schedule = js.cosine_decay_restarts(1.0, 1, 3.0)
    for number in range(2, 39):
        begin = (3**number - 1) // 2
        assert schedule(begin) == 1.0
        assert schedule(begin - 1) == pytest.approx(0.0, abs=0.3)
